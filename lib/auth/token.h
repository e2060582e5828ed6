/* Access tokens: JWT HS256, ring of two keys, verified without a round trip.
 * Rules: traps.md (a gate in front of the library), RFC 7519, RFC 8725. */
#ifndef CM_AUTH_TOKEN_H
#define CM_AUTH_TOKEN_H

#include "base/ctx.h"

struct token_claims {
	struct member_id member;
	enum role role;
	int64_t issued_ms, expires_ms;
	const char *session; /* the refresh family it came from; NULL when none */
};

/* Reads CM_TOKEN_KEYS. False (with a reason that holds no key) when it is missing or weak. */
bool token_keys_load(const char *keys, const char **ret_error);

/* Signs an access token for the member; lives CM_TOKEN_TTL_S. */
enum fault token_issue(struct ctx *ctx, struct member_id member, enum role role,
	const char **ret_token);

/* The same naming the session (member, role and session of claims are read). */
enum fault token_issue_session(struct ctx *ctx, const struct token_claims *claims,
	const char **ret_token);

/* Faults: TOKEN_INVALID, TOKEN_EXPIRED. */
enum fault token_verify(struct ctx *ctx, const char *token, struct token_claims *ret_claims);

/* Compact HS256 JWS with the same ring for other purposes (queue tickets and passes, ticket codes):
 * typ is pinned, payload is JSON. token_open checks typ, kid, signature and size only and returns
 * the payload's text. Fault: TOKEN_INVALID. */
enum fault token_seal(struct ctx *ctx, const char *typ, const char *payload_json,
	const char **ret_token);
enum fault token_open(struct ctx *ctx, const char *typ, const char *token,
	const char **ret_payload_json);

#endif
