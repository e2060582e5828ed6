/* Access tokens and sealed tokens: every forgery in the table is refused. */
#include "unit.h"

#include <openssl/hmac.h>

#include "auth/token.h"
#include "base/base64.h"

#include "base/banned.h"

static const char key_a[] = "0123456789abcdef0123456789abcdeA",
	key_b[] = "0123456789abcdef0123456789abcdeB";
#define RING_A "a:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZUE="
#define RING_B "b:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZUI="

static void load(const char *keys)
{
	const char *error;
	ck_assert_msg(token_keys_load(keys, &error), "%s", error);
}

static const char *forge(const char *header, const char *payload, const char *key)
{
	unsigned char signature[EVP_MAX_MD_SIZE];
	unsigned length;
	const char *text = arena_printf(ctx.arena, "%s.%s",
		base64url_encode(ctx.arena, header, strlen(header)),
		base64url_encode(ctx.arena, payload, strlen(payload)));
	HMAC(strstr(header, "HS512") ? EVP_sha512() : EVP_sha256(), key, 32,
		(const unsigned char *)text, strlen(text), signature, &length);
	return arena_printf(ctx.arena, "%s.%s", text, base64url_encode(ctx.arena, signature, length));
}

static const char *claims(int64_t expires_in_s, int64_t not_before_in_s, const char *rest)
{
	int64_t now_s = clock_now_ms() / 1000;
	return arena_printf(ctx.arena, "{\"exp\":%lld,\"nbf\":%lld,\"iat\":%lld,%s}",
		(long long)(now_s + expires_in_s), (long long)(now_s + not_before_in_s),
		(long long)(now_s + (not_before_in_s > 0 ? not_before_in_s : 0)), rest);
}

#define NAMES(issuer, audience) "\"iss\":\"" issuer "\",\"aud\":\"" audience "\""
#define OURS NAMES("concert-mania", "concert-mania-api")
#define USER ",\"role\":\"ROLE_USER\""
#define GOOD OURS ",\"sub\":\"7\"" USER
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"a\",\"typ\":\"JWT\"}"

START_TEST(issued_tokens_verify_and_rotate)
{
	struct token_claims read, wanted = { .member = { 42 }, .role = ROLE_ADMIN, .session = "s1" };
	const char *token;
	load(RING_A " " RING_B);
	ck_assert_int_eq(token_issue_session(&ctx, &wanted, &token), FAULT_NONE);
	ck_assert_int_eq(token_verify(&ctx, token, &read), FAULT_NONE);
	ck_assert_int_eq(read.member.value, 42);
	ck_assert_int_eq(read.role, ROLE_ADMIN);
	ck_assert_str_eq(read.session, "s1");
	ck_assert_int_eq(read.expires_ms - read.issued_ms, 900000);
	load(RING_B " " RING_A);
	ck_assert_int_eq(token_verify(&ctx, token, &read), FAULT_NONE);
	load(RING_B);
	ck_assert_int_eq(token_verify(&ctx, token, &read), FAULT_TOKEN_INVALID);
	load(RING_A);
	ck_assert_int_eq(token_verify(&ctx, forge(HEADER, claims(60, 0, GOOD), key_a), &read),
		FAULT_NONE);
	ck_assert_ptr_null(read.session);
}
END_TEST

static const struct {
	const char *header, *rest;
	int expires, not_before;
	enum fault fault;
} forged[] = {
	{ "{\"alg\":\"none\",\"kid\":\"a\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"None\",\"kid\":\"a\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"kid\":\"a\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS512\",\"kid\":\"a\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"hs256\",\"kid\":\"a\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"z\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"b\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"a\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"a\",\"typ\":\"pass\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"alg\":\"none\",\"kid\":\"a\",\"typ\":\"JWT\"}", GOOD, 60, 0,
		FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"a\",\"typ\":\"JWT\",\"crit\":\"x\"}", GOOD, 60, 0,
		FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"a\",\"typ\":\"JWT\"}x", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"kid\":\"\\u0061\",\"typ\":\"JWT\"}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ "[]", GOOD, 60, 0, FAULT_TOKEN_INVALID }, { "{}", GOOD, 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD, -61, 0, FAULT_TOKEN_EXPIRED }, { HEADER, GOOD, -50, 0, FAULT_NONE },
	{ HEADER, GOOD, 600, 120, FAULT_TOKEN_INVALID }, { HEADER, GOOD, 600, 30, FAULT_NONE },
	{ HEADER, NAMES("evil", "concert-mania-api") ",\"sub\":\"7\"" USER, 60, 0,
		FAULT_TOKEN_INVALID },
	{ HEADER, NAMES("concert-mania", "other") ",\"sub\":\"7\"" USER, 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, OURS USER, 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, OURS ",\"sub\":7" USER, 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, OURS ",\"sub\":\"0\"" USER, 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, OURS ",\"sub\":\"7 \"" USER, 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, OURS ",\"sub\":\"7\",\"role\":\"ROOT\"", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, OURS ",\"sub\":\"7\"", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD ",\"later\":1", 60, 0, FAULT_NONE },
	{ HEADER, GOOD ",\"sub\":\"8\"", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD ",\"exp\":9999999999", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD ",\"x\":{\"role\":\"ROLE_ADMIN\"}", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD ",\"x\":[1]", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD ",\"x\":1.5", 60, 0, FAULT_TOKEN_INVALID },
	{ HEADER, GOOD "}{\"x\":1", 60, 0, FAULT_TOKEN_INVALID },
};

START_TEST(forged_tokens_are_refused)
{
	struct token_claims read;
	load(RING_A " " RING_B);
	const char *token = forge(forged[_i].header,
		claims(forged[_i].expires, forged[_i].not_before, forged[_i].rest), key_a);
	ck_assert_msg(token_verify(&ctx, token, &read) == forged[_i].fault, "row %d: %s", _i,
		forged[_i].header);
}
END_TEST

START_TEST(a_token_without_exp_or_with_a_text_exp_is_refused)
{
	struct token_claims read;
	load(RING_A);
	ck_assert_int_eq(token_verify(&ctx, forge(HEADER, "{\"iat\":1," GOOD "}", key_a), &read),
		FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx,
		forge(HEADER, "{\"iat\":1,\"exp\":\"9999999999\"," GOOD "}", key_a), &read),
		FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx,
		forge(HEADER, "{\"exp\":9999999999," GOOD "}", key_a), &read), FAULT_TOKEN_INVALID);
}
END_TEST

START_TEST(any_changed_cut_or_swollen_token_is_refused)
{
	struct token_claims read;
	load(RING_A);
	const char *good = forge(HEADER, claims(60, 0, GOOD), key_a);
	char *token = arena_strdup(ctx.arena, good);
	for (size_t i = 0; token[i]; i++) {
		char kept = token[i];
		token[i] = kept == 'A' ? 'B' : 'A';
		ck_assert_msg(token_verify(&ctx, token, &read) == FAULT_TOKEN_INVALID, "byte %zu", i);
		token[i] = '\0';
		ck_assert_msg(token_verify(&ctx, token, &read) == FAULT_TOKEN_INVALID, "cut %zu", i);
		token[i] = kept;
	}
	ck_assert_int_eq(token_verify(&ctx, arena_printf(ctx.arena, "%s.", good), &read),
		FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx, arena_printf(ctx.arena, "%s=", good), &read),
		FAULT_TOKEN_INVALID);
	char *huge = arena_alloc(ctx.arena, 100 * 1024 + 1);
	memset(huge, 'A', 100 * 1024);
	memcpy(huge + 100, ".", 1);
	memcpy(huge + 90000, ".", 1);
	ck_assert_int_eq(token_verify(&ctx, huge, &read), FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx, "", &read), FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx, "..", &read), FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx, forge(HEADER, claims(60, 0, GOOD), key_b), &read),
		FAULT_TOKEN_INVALID);
}
END_TEST

START_TEST(weak_rings_are_refused)
{
	static const char *const bad[] = { "", " ", "a", "a:", ":AAAA", "a:MDEyMzQ1Njc4OWFiY2RlZg==",
		"a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", RING_A " " RING_A, "a:!!!!",
		RING_A " " RING_B " c:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZUM=" };
	const char *error, *token;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!token_keys_load(bad[i], &error) && *error, "row %zu", i);
	ck_assert_int_eq(token_issue(&ctx, (struct member_id){ 1 }, ROLE_USER, &token), FAULT_INTERNAL);
}
END_TEST

START_TEST(sealed_tokens_have_their_own_type)
{
	const char *token, *payload;
	struct token_claims read;
	load(RING_A " " RING_B);
	ck_assert_int_eq(token_seal(&ctx, "cm-ticket", "{\"n\":1}", &token), FAULT_NONE);
	ck_assert_int_eq(token_open(&ctx, "cm-ticket", token, &payload), FAULT_NONE);
	ck_assert_str_eq(payload, "{\"n\":1}");
	ck_assert_int_eq(token_open(&ctx, "cm-pass", token, &payload), FAULT_TOKEN_INVALID);
	ck_assert_int_eq(token_verify(&ctx, token, &read), FAULT_TOKEN_INVALID);
	load(RING_B " " RING_A);
	ck_assert_int_eq(token_open(&ctx, "cm-ticket", token, &payload), FAULT_NONE);
	char *changed = arena_strdup(ctx.arena, token);
	for (size_t i = 0; changed[i]; i++) {
		char kept = changed[i];
		changed[i] = kept == 'A' ? 'B' : 'A';
		ck_assert_int_eq(token_open(&ctx, "cm-ticket", changed, &payload), FAULT_TOKEN_INVALID);
		changed[i] = kept;
	}
	ck_assert_int_eq(token_issue(&ctx, (struct member_id){ 1 }, ROLE_USER, &token), FAULT_NONE);
	ck_assert_int_eq(token_open(&ctx, "cm-ticket", token, &payload), FAULT_TOKEN_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("token");
	TCase *all = tcase_create("token");
	tcase_add_checked_fixture(all, setup_ctx, teardown_ctx);
	tcase_set_timeout(all, 0);
	tcase_add_test(all, issued_tokens_verify_and_rotate);
	tcase_add_loop_test(all, forged_tokens_are_refused, 0, sizeof(forged) / sizeof(*forged));
	tcase_add_test(all, a_token_without_exp_or_with_a_text_exp_is_refused);
	tcase_add_test(all, any_changed_cut_or_swollen_token_is_refused);
	tcase_add_test(all, weak_rings_are_refused);
	tcase_add_test(all, sealed_tokens_have_their_own_type);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
