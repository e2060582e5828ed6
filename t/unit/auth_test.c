/* The rules of lib/auth on its ports in memory: no driver is linked. */
#include "unit.h"

#include "../fake/auth_mem.h"
#include "auth/auth.h"
#include "auth/token.h"

#include "base/banned.h"

static void setup(void)
{
	const char *error;
	setup_ctx();
	fake_auth_reset();
	conf_set(CONF_PROFILE, "production");
	ck_assert(token_keys_load("k:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZUE=", &error));
}

static enum fault sign_up(const char *email, const char *password, enum role role)
{
	struct member member;
	struct auth_sign_up input = { .name = "Kim", .email = email, .password = password,
		.role = role };
	ctx.errors = NULL;
	return auth_sign_up(&ctx, &input, &member);
}

static struct auth_session signed_in(const char *email, const char *password)
{
	struct auth_session session;
	ck_assert_int_eq(auth_sign_in(&ctx, email, password, &session), FAULT_NONE);
	return session;
}

static const struct { const char *email; bool good; } addresses[] = {
	{ "a@b.kr", true }, { "first.last+tag@sub.example.com", true }, { "한글@도메인.한국", true },
	{ "a", false }, { "@b.kr", false }, { "a@", false }, { "a@b", false }, { "a@@b.kr", false },
	{ "a b@c.kr", false }, { "a@b..kr", false }, { "a@-b.kr", false }, { "a@b.kr.", false },
	{ ".a@b.kr", false }, { "a.@b.kr", false }, { "a@b_c.kr", false }, { "<a>@b.kr", false },
	{ "a@b.kr@c.kr", false }, { "a\"@b.kr", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.kr", false },
};

START_TEST(addresses_are_checked)
{
	enum fault fault = sign_up(addresses[_i].email, "correct horse", ROLE_USER);
	ck_assert_msg(fault == (addresses[_i].good ? FAULT_NONE : FAULT_BAD_INPUT), "%s",
		addresses[_i].email);
}
END_TEST

START_TEST(weak_passwords_are_refused_in_production)
{
	static const char *const weak[] = { "1234567", "password", "PASSWORD1", "qwerty123", "a@b.kr",
		"longer@b.kr", "" };
	char overlong[PASSWORD_MAXIMUM + 2] = { 0 };
	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		ck_assert_int_eq(sign_up("longer@b.kr", weak[i], ROLE_USER), FAULT_BAD_INPUT);
		ck_assert_str_eq(ctx.errors->field, "password");
	}
	memset(overlong, 'x', sizeof(overlong) - 1);
	ck_assert_int_eq(sign_up("a@b.kr", overlong, ROLE_USER), FAULT_BAD_INPUT);
	ck_assert_int_eq(fake_auth.hashed, 0);
	conf_set(CONF_PROFILE, "demo");
	ck_assert_int_eq(sign_up("a@b.kr", "123", ROLE_USER), FAULT_BAD_INPUT);
	ck_assert_int_eq(sign_up("a@b.kr", "1234", ROLE_USER), FAULT_NONE);
}
END_TEST

START_TEST(only_administrators_make_administrators)
{
	ck_assert_int_eq(sign_up("a@b.kr", "correct horse", ROLE_ADMIN), FAULT_ADMIN_REQUIRED);
	ctx.role = ROLE_USER;
	ck_assert_int_eq(sign_up("a@b.kr", "correct horse", ROLE_ADMIN), FAULT_ADMIN_REQUIRED);
	ck_assert_int_eq(fake_auth.hashed, 0);
	ctx.role = ROLE_ADMIN;
	ck_assert_int_eq(sign_up("a@b.kr", "correct horse", ROLE_ADMIN), FAULT_NONE);
	ck_assert_int_eq(sign_up("A@B.KR", "correct horse", ROLE_USER), FAULT_EMAIL_TAKEN);
}
END_TEST

START_TEST(a_known_and_an_unknown_address_cost_the_same)
{
	struct auth_session session;
	struct fake_auth before, known, unknown;
	sign_up("a@b.kr", "correct horse", ROLE_USER);
	before = fake_auth;
	ck_assert_int_eq(auth_sign_in(&ctx, "a@b.kr", "wrong", &session), FAULT_BAD_CREDENTIALS);
	known = fake_auth;
	ck_assert_int_eq(auth_sign_in(&ctx, "no@b.kr", "wrong", &session), FAULT_BAD_CREDENTIALS);
	unknown = fake_auth;
	ck_assert_int_eq(known.verified - before.verified, 1);
	ck_assert_int_eq(unknown.verified - known.verified, 1);
	ck_assert_int_eq(unknown.found - known.found, known.found - before.found);
	ck_assert_int_eq(unknown.attempts - known.attempts, known.attempts - before.attempts);
	ck_assert_int_eq(unknown.sessions, 0);
	ck_assert_ptr_null(ctx.detail);
}
END_TEST

START_TEST(sign_in_gives_tokens_and_renews_old_hashes)
{
	sign_up("a@b.kr", "correct horse", ROLE_USER);
	struct auth_session session = signed_in("A@B.kr", "correct horse");
	ck_assert_str_eq(session.access_token, "k 1 ROLE_USER 1");
	ck_assert_int_eq(session.expires_in_s, conf_integer(CONF_TOKEN_TTL_S));
	ck_assert_int_eq(fake_auth.rehashed, 0);
	fake_auth.outdated = true;
	signed_in("a@b.kr", "correct horse");
	ck_assert_int_eq(fake_auth.rehashed, 1);
	ck_assert_int_eq(fake_auth.forgotten, 2);
}
END_TEST

START_TEST(throttled_before_any_work)
{
	struct auth_session session;
	sign_up("a@b.kr", "correct horse", ROLE_USER);
	fake_auth.attempts_allowed = 2;
	auth_sign_in(&ctx, "a@b.kr", "x", &session);
	auth_sign_in(&ctx, "a@b.kr", "x", &session);
	ck_assert_int_eq(auth_sign_in(&ctx, "a@b.kr", "correct horse", &session),
		FAULT_SIGNIN_THROTTLED);
	ck_assert_int_eq(fake_auth.verified, 2);
}
END_TEST

START_TEST(refresh_rotates_and_reuse_ends_the_family)
{
	struct auth_session next, session;
	sign_up("a@b.kr", "correct horse", ROLE_USER);
	session = signed_in("a@b.kr", "correct horse");
	struct auth_session other = signed_in("a@b.kr", "correct horse");
	ck_assert_int_eq(auth_refresh(&ctx, session.refresh_token, &next), FAULT_NONE);
	ck_assert_str_ne(next.refresh_token, session.refresh_token);
	ck_assert_str_eq(next.access_token, session.access_token);
	ck_assert_int_eq(auth_refresh(&ctx, "unknown", &next), FAULT_REFRESH_INVALID);
	ck_assert_int_eq(fake_auth_live(1), 2);
	ck_assert_int_eq(auth_refresh(&ctx, session.refresh_token, &next), FAULT_REFRESH_INVALID);
	ck_assert_int_eq(fake_auth_live(1), 1);
	ck_assert_int_eq(auth_refresh(&ctx, other.refresh_token, &next), FAULT_NONE);
}
END_TEST

START_TEST(sign_out_ends_one_session)
{
	struct auth_session first, second, next;
	sign_up("a@b.kr", "correct horse", ROLE_USER);
	first = signed_in("a@b.kr", "correct horse");
	second = signed_in("a@b.kr", "correct horse");
	ck_assert_int_eq(auth_sign_out(&ctx, first.refresh_token, NULL), FAULT_NONE);
	ck_assert_int_eq(auth_refresh(&ctx, first.refresh_token, &next), FAULT_REFRESH_INVALID);
	ck_assert_int_eq(auth_sign_out(&ctx, NULL, "2"), FAULT_NONE);
	ck_assert_int_eq(auth_refresh(&ctx, second.refresh_token, &next), FAULT_REFRESH_INVALID);
	ck_assert_int_eq(auth_sign_out(&ctx, "unknown", NULL), FAULT_NONE);
}
END_TEST

START_TEST(changing_the_password_ends_other_sessions)
{
	sign_up("a@b.kr", "correct horse", ROLE_USER);
	signed_in("a@b.kr", "correct horse");
	signed_in("a@b.kr", "correct horse");
	ctx.member.value = 1;
	ck_assert_int_eq(auth_change_password(&ctx, "wrong", "battery staple", "1"),
		FAULT_BAD_CREDENTIALS);
	ck_assert_int_eq(auth_change_password(&ctx, "correct horse", "12345678", "1"),
		FAULT_BAD_INPUT);
	ck_assert_int_eq(fake_auth_live(1), 2);
	ck_assert_int_eq(auth_change_password(&ctx, "correct horse", "battery staple", "1"),
		FAULT_NONE);
	ck_assert_int_eq(fake_auth_live(1), 1);
	ck_assert_str_eq(fake_auth_hash(1), "hash of battery staple");
	ctx.member.value = 9;
	ck_assert_int_eq(auth_change_password(&ctx, "a", "battery staple", "1"),
		FAULT_MEMBER_NOT_FOUND);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("auth");
	TCase *all = tcase_create("auth");
	tcase_add_checked_fixture(all, setup, teardown_ctx);
	tcase_set_timeout(all, 0);
	tcase_add_loop_test(all, addresses_are_checked, 0, sizeof(addresses) / sizeof(*addresses));
	tcase_add_test(all, weak_passwords_are_refused_in_production);
	tcase_add_test(all, only_administrators_make_administrators);
	tcase_add_test(all, a_known_and_an_unknown_address_cost_the_same);
	tcase_add_test(all, sign_in_gives_tokens_and_renews_old_hashes);
	tcase_add_test(all, throttled_before_any_work);
	tcase_add_test(all, refresh_rotates_and_reuse_ends_the_family);
	tcase_add_test(all, sign_out_ends_one_session);
	tcase_add_test(all, changing_the_password_ends_other_sessions);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
