#include "auth/auth.h"

#include <string.h>

#include "auth/auth_store.h"
#include "auth/fold.h"
#include "auth/password.h"
#include "auth/secret.h"
#include "auth/throttle.h"
#include "auth/token.h"
#include "base/banned.h"
#include "base/conf.h"
#include "base/str.h"
#include "metrics/metrics.h"

static const char *const denied[] = {
#define DENY(password) password,
#include "auth/password_deny.def"
#undef DENY
};

static bool is_denied(struct arena *arena, const char *password)
{
	const char *lower = fold_lower(arena, password);
	for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++)
		if (strcmp(denied[i], lower) == 0)
			return true;
	return false;
}

/* password in NFKC; email_key may be NULL. The demo profile takes the customer's short sample. */
static enum fault check_password(struct ctx *ctx, const char *password, const char *email_key)
{
	size_t length = str_characters(password);
	size_t minimum = conf_is_demo() ? PASSWORD_MINIMUM_DEMO : PASSWORD_MINIMUM;
	if (length < minimum || length > PASSWORD_MAXIMUM)
		return ctx_field_error(ctx, "password", "length");
	if (conf_is_demo())
		return FAULT_NONE;
	if (is_denied(ctx->arena, password)
		|| (email_key && strcmp(fold_lower(ctx->arena, password), email_key) == 0))
		return ctx_field_message(ctx, "password", "choice", "is too easy to guess",
			"추측하기 쉬운 비밀번호입니다");
	return FAULT_NONE;
}

enum fault auth_sign_up(struct ctx *ctx, const struct auth_sign_up *input,
	struct member *ret_member)
{
	const char *hash, *password = fold_nfkc(ctx->arena, input->password);
	const char *email_key = fold_lower(ctx->arena, input->email);
	struct member member = { .name = input->name, .email = input->email, .role = input->role };
	enum fault fault = FAULT_NONE;
	if (!member_name_is_valid(input->name))
		fault = ctx_field_error(ctx, "name", "format");
	if (!member_email_is_valid(input->email) || !member_email_is_valid(email_key))
		fault = ctx_field_error(ctx, "email", "format");
	enum fault weak = check_password(ctx, password, email_key);
	if (fault || weak)
		return FAULT_BAD_INPUT;
	if (input->role == ROLE_ADMIN && ctx->role != ROLE_ADMIN)
		return FAULT_ADMIN_REQUIRED;
	if ((fault = password_hash(ctx, password, &hash)))
		return fault;
	if ((fault = auth_store_create(ctx, email_key, hash, &member)))
		return fault;
	*ret_member = member;
	return FAULT_NONE;
}

/* The tokens of a session whose refresh token is already stored. */
static enum fault give_tokens(struct ctx *ctx, const struct auth_account *account,
	const char *session, const char *refresh_token, struct auth_session *ret_session)
{
	struct token_claims claims = { .member = account->member, .role = account->role,
		.session = session };
	struct auth_session made = { .refresh_token = refresh_token,
		.expires_in_s = conf_integer(CONF_TOKEN_TTL_S),
		.refresh_expires_in_s = conf_integer(CONF_REFRESH_TTL_S) };
	enum fault fault = token_issue_session(ctx, &claims, &made.access_token);
	if (!fault)
		*ret_session = made;
	return fault;
}

static enum fault start_session(struct ctx *ctx, const struct auth_account *account,
	struct auth_session *ret_session)
{
	const char *refresh_token, *session;
	unsigned char hash[SECRET_HASH_BYTES];
	enum fault fault = secret_new(ctx, &refresh_token);
	if (fault)
		return fault;
	secret_hash(refresh_token, hash);
	if ((fault = auth_store_session_new(ctx, account->member, hash, &session)))
		return fault;
	return give_tokens(ctx, account, session, refresh_token, ret_session);
}

/* A hash made with older settings is replaced while the password is at hand; failing to is no
 * reason to refuse the sign-in. */
static void renew_hash(struct ctx *ctx, const struct auth_account *account, const char *password)
{
	const char *hash;
	if (password_hash(ctx, password, &hash) == FAULT_NONE)
		(void)auth_store_rehash(ctx, account->member, account->password_hash, hash);
}

/* password in NFKC. An account without member costs the same. */
static enum fault judge(struct ctx *ctx, const struct auth_account *account, const char *password)
{
	bool good = false, outdated = false;
	enum fault fault = password_verify(ctx, password, account->password_hash, &good, &outdated);
	if (fault)
		return fault;
	if (!good || !account->member.value)
		return FAULT_BAD_CREDENTIALS;
	if (outdated)
		renew_hash(ctx, account, password);
	return FAULT_NONE;
}

enum fault auth_sign_in(struct ctx *ctx, const char *email, const char *password,
	struct auth_session *ret_session)
{
	struct auth_account account;
	const char *email_key = fold_lower(ctx->arena, email);
	enum fault fault = throttle_attempt(ctx, email_key);
	if (fault)
		return fault;
	if ((fault = auth_store_find(ctx, email_key, &account)))
		return fault;
	fault = judge(ctx, &account, fold_nfkc(ctx->arena, password));
	metric_add(METRIC_AUTH_SIGN_IN_OK, !fault);
	metric_add(METRIC_AUTH_SIGN_IN_REFUSED, fault == FAULT_BAD_CREDENTIALS);
	if (fault)
		return fault;
	throttle_forget(ctx, email_key);
	return start_session(ctx, &account, ret_session);
}

enum fault auth_refresh(struct ctx *ctx, const char *refresh_token,
	struct auth_session *ret_session)
{
	unsigned char hash[SECRET_HASH_BYTES], next_hash[SECRET_HASH_BYTES];
	struct auth_account account;
	const char *next, *session;
	enum fault fault = secret_new(ctx, &next);
	if (fault)
		return fault;
	secret_hash(refresh_token, hash);
	secret_hash(next, next_hash);
	if ((fault = auth_store_session_rotate(ctx, hash, next_hash, &account, &session)))
		return fault;
	if (!account.member.value) {
		fault = auth_store_session_revoke(ctx, hash, true);
		return fault ? fault : FAULT_REFRESH_INVALID;
	}
	return give_tokens(ctx, &account, session, next, ret_session);
}

enum fault auth_sign_out(struct ctx *ctx, const char *refresh_token, const char *session)
{
	enum fault fault = FAULT_NONE;
	if (refresh_token) {
		unsigned char hash[SECRET_HASH_BYTES];
		secret_hash(refresh_token, hash);
		fault = auth_store_session_revoke(ctx, hash, false);
	}
	if (!fault && session)
		fault = auth_store_session_end(ctx, session);
	return fault;
}

enum fault auth_change_password(struct ctx *ctx, const char *current, const char *password,
	const char *session)
{
	struct auth_account account;
	const char *hash, *normal = fold_nfkc(ctx->arena, password);
	enum fault fault = auth_store_get(ctx, ctx->member, &account);
	if (fault)
		return fault;
	if ((fault = check_password(ctx, normal, account.email_key)))
		return fault;
	if ((fault = throttle_attempt(ctx, account.email_key)))
		return fault;
	bool good, outdated;
	fault = password_verify(ctx, fold_nfkc(ctx->arena, current), account.password_hash, &good,
		&outdated);
	if (fault || !good)
		return fault ? fault : FAULT_BAD_CREDENTIALS;
	throttle_forget(ctx, account.email_key);
	if ((fault = password_hash(ctx, normal, &hash)))
		return fault;
	return auth_store_change_password(ctx, &account, hash, session);
}
