/* lib/auth and lib/member on real PostgreSQL, Redis, argon2 and libunistring. */
#include "store.h"

#include "auth/auth_store.h"
#include "auth/fold.h"
#include "auth/password.h"
#include "auth/secret.h"
#include "auth/throttle.h"
#include "member/member_store.h"

#include "base/banned.h"

static const char *unique(const char *name)
{
	return arena_printf(ctx.arena, "%s-%lld@test.example", name,
		(long long)clock_monotonic_us());
}

static struct member made(const char *email)
{
	struct member member = { .name = "Kim", .email = email, .role = ROLE_USER };
	ck_assert_msg(auth_store_create(&ctx, email, "hash", &member) == FAULT_NONE, "%s",
		ctx.log_detail);
	return member;
}

START_TEST(an_address_is_taken_once)
{
	const char *email = unique("once");
	struct member member = made(email), again = { .name = "a", .email = email, .role = ROLE_USER };
	struct auth_account account;
	ck_assert_int_gt(member.id.value, 0);
	ck_assert_int_eq(auth_store_create(&ctx, email, "hash", &again), FAULT_EMAIL_TAKEN);
	ck_assert_int_eq(auth_store_find(&ctx, email, &account), FAULT_NONE);
	ck_assert_int_eq(account.member.value, member.id.value);
	ck_assert_int_eq(account.role, ROLE_USER);
	ck_assert_int_eq(auth_store_find(&ctx, unique("nobody"), &account), FAULT_NONE);
	ck_assert_int_eq(account.member.value, 0);
}
END_TEST

START_TEST(a_token_rotates_once_and_its_family_can_be_revoked)
{
	unsigned char first[REFRESH_HASH_BYTES], second[REFRESH_HASH_BYTES];
	struct member member = made(unique("rotate"));
	struct auth_account account;
	const char *text, *session, *same;
	secret_new(&ctx, &text);
	ck_assert_uint_eq(strlen(text), SECRET_TEXT_LENGTH);
	secret_hash(text, first);
	secret_new(&ctx, &text);
	secret_hash(text, second);
	ck_assert_int_eq(auth_store_session_new(&ctx, member.id, first, &session), FAULT_NONE);
	ck_assert_int_eq(auth_store_session_rotate(&ctx, first, second, &account, &same), FAULT_NONE);
	ck_assert_int_eq(account.member.value, member.id.value);
	ck_assert_str_eq(same, session);
	ck_assert_int_eq(auth_store_session_rotate(&ctx, first, second, &account, &same), FAULT_NONE);
	ck_assert_int_eq(account.member.value, 0);
	ck_assert_int_eq(auth_store_session_revoke(&ctx, first, true), FAULT_NONE);
	ck_assert_int_eq(auth_store_session_rotate(&ctx, second, first, &account, &same), FAULT_NONE);
	ck_assert_int_eq(account.member.value, 0);
}
END_TEST

START_TEST(a_changed_password_keeps_one_session)
{
	unsigned char first[REFRESH_HASH_BYTES] = { 0 }, second[REFRESH_HASH_BYTES] = { 0 },
		next[REFRESH_HASH_BYTES];
	struct member member = made(unique("change"));
	struct auth_account account = { .member = member.id, .password_hash = "hash" };
	const char *text, *kept, *other;
	secret_new(&ctx, &text);
	secret_hash(text, first);
	secret_new(&ctx, &text);
	secret_hash(text, second);
	secret_new(&ctx, &text);
	secret_hash(text, next);
	auth_store_session_new(&ctx, member.id, first, &kept);
	auth_store_session_new(&ctx, member.id, second, &other);
	ck_assert_int_eq(auth_store_change_password(&ctx, &account, "new", kept), FAULT_NONE);
	ck_assert_int_eq(auth_store_change_password(&ctx, &account, "new", kept),
		FAULT_BAD_CREDENTIALS);
	ck_assert_int_eq(auth_store_session_rotate(&ctx, second, next, &account, &other), FAULT_NONE);
	ck_assert_int_eq(account.member.value, 0);
	ck_assert_int_eq(auth_store_session_rotate(&ctx, first, next, &account, &other), FAULT_NONE);
	ck_assert_int_eq(account.member.value, member.id.value);
}
END_TEST

START_TEST(a_member_who_leaves_is_anonymous)
{
	const char *email = unique("leave");
	struct member member = made(email), read;
	struct auth_account account;
	ck_assert_int_eq(member_store_rename(&ctx, member.id, "Lee"), FAULT_NONE);
	ck_assert_int_eq(member_store_get(&ctx, member.id, &read), FAULT_NONE);
	ck_assert_str_eq(read.name, "Lee");
	ck_assert_int_eq(member_store_delete(&ctx, member.id), FAULT_NONE);
	ck_assert_int_eq(member_store_delete(&ctx, member.id), FAULT_MEMBER_NOT_FOUND);
	ck_assert_int_eq(member_store_get(&ctx, member.id, &read), FAULT_MEMBER_NOT_FOUND);
	auth_store_find(&ctx, email, &account);
	ck_assert_int_eq(account.member.value, 0);
	made(email);
}
END_TEST

START_TEST(passwords_are_argon2id_and_hashes_age)
{
	const char *hash;
	bool good = false, outdated = true;
	ck_assert_int_eq(password_hash(&ctx, "비밀번호 123", &hash), FAULT_NONE);
	ck_assert(str_starts(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
	ck_assert_int_eq(password_verify(&ctx, "비밀번호 123", hash, &good, &outdated), FAULT_NONE);
	ck_assert(good && !outdated);
	password_verify(&ctx, "비밀번호 124", hash, &good, &outdated);
	ck_assert(!good && !outdated);
	conf_set(CONF_ARGON2_PASSES, "3");
	password_verify(&ctx, "비밀번호 123", hash, &good, &outdated);
	ck_assert(good && outdated);
	conf_set(CONF_ARGON2_PASSES, "2");
}
END_TEST

/* What nobody can sign in with takes the way of a real hash, to the end. */
START_TEST(no_hash_is_never_good)
{
	static const char *const none[] = { NULL, "", "!", "hash", "$argon2i$v=19$m=8,t=1,p=1$YQ$YQ" };
	bool good = true, outdated = true;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		ck_assert_msg(password_verify(&ctx, "", none[i], &good, &outdated) == FAULT_NONE,
			"%s", ctx.log_detail);
		ck_assert(!good && !outdated);
	}
}
END_TEST

START_TEST(texts_fold_to_one_form)
{
	ck_assert_str_eq(fold_nfkc(ctx.arena, "\u1112\u1161\u11ab"), "한");
	ck_assert_str_eq(fold_nfkc(ctx.arena, "ｐａｓｓ①"), "pass1");
	ck_assert_str_eq(fold_lower(ctx.arena, "ＫＩＭ@Example.COM"), "kim@example.com");
	ck_assert_str_eq(fold_lower(ctx.arena, ""), "");
}
END_TEST

static int attempts(const char *account)
{
	int count = 0;
	while (throttle_attempt(&ctx, account) == FAULT_NONE)
		count++;
	return count;
}

START_TEST(attempts_are_counted_with_and_without_redis)
{
	const char *account = unique("slow");
	ck_assert_int_eq(attempts(account), 10);
	ck_assert_int_eq(ctx.retry_after_s, (int)conf_integer(CONF_SIGNIN_WINDOW_S));
	throttle_forget(&ctx, account);
	ck_assert_int_eq(throttle_attempt(&ctx, account), FAULT_NONE);
	struct redis *real = ctx.redis;
	ctx.redis = redis_new("");
	account = unique("away");
	ck_assert_int_eq(attempts(account), 10);
	throttle_forget(&ctx, account);
	ck_assert_int_eq(throttle_attempt(&ctx, account), FAULT_NONE);
	redis_free(ctx.redis);
	ctx.redis = real;
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { an_address_is_taken_once,
		a_token_rotates_once_and_its_family_can_be_revoked,
		a_changed_password_keeps_one_session, a_member_who_leaves_is_anonymous,
		passwords_are_argon2id_and_hashes_age, no_hash_is_never_good, texts_fold_to_one_form,
		attempts_are_counted_with_and_without_redis, NULL };
	return store_main("auth store", tests);
}
