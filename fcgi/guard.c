#include "guard.h"

#include <string.h>
#include <strings.h>

#include "auth/token.h"
#include "base/banned.h"
#include "base/limits.h"

/* The text after "Bearer "; NULL for another scheme. */
static const char *bearer(const char *authorization)
{
	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	return authorization + 7 + strspn(authorization + 7, " ");
}

static enum fault check_token(struct ctx *ctx, const struct req *req)
{
	struct token_claims claims;
	const char *token = bearer(req->authorization);
	if (!token)
		return FAULT_TOKEN_INVALID;
	enum fault fault = token_verify(ctx, token, &claims);
	if (fault)
		return fault;
	ctx->member = claims.member;
	ctx->role = claims.role;
	return FAULT_NONE;
}

static enum fault check_idempotency_key(struct ctx *ctx, const char *key)
{
	size_t length = strlen(key);
	if (length < 1 || length > LIMIT_IDEMPOTENCY_KEY)
		return ctx_field_error(ctx, "Idempotency-Key", "length");
	for (; *key; key++)
		if (*key <= ' ' || *key > '~')
			return ctx_field_error(ctx, "Idempotency-Key", "format");
	return FAULT_NONE;
}

/* problem_write adds WWW-Authenticate to every 401, so res isn't needed here. */
enum fault guard_check(struct ctx *ctx, const struct req *req, const struct route *route,
	struct res *res)
{
	unsigned guards = route->guards;
	(void)res;
	if (req->authorization && !(guards & GUARD_PUBLIC)) {
		enum fault fault = check_token(ctx, req);
		if (fault)
			return fault;
	}
	if (!ctx->member.value && !(guards & (GUARD_PUBLIC | GUARD_OPTIONAL)))
		return FAULT_TOKEN_REQUIRED;
	if (guards & GUARD_ADMIN && ctx->role != ROLE_ADMIN)
		return FAULT_ADMIN_REQUIRED;
	if (guards & GUARD_IDEMPOTENT && req->idempotency_key)
		return check_idempotency_key(ctx, req->idempotency_key);
	ctx->may_lag = guards & GUARD_REPORT || (guards & GUARD_MAY_LAG && ctx->role != ROLE_ADMIN);
	return FAULT_NONE;
}

const char *guard_session(struct ctx *ctx, const struct req *req)
{
	struct token_claims claims;
	const char *token = req->authorization ? bearer(req->authorization) : NULL;
	if (!token || token_verify(ctx, token, &claims))
		return NULL;
	return claims.session;
}
