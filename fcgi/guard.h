/* What a route's row demands, checked before its handler. */
#ifndef CM_FCGI_GUARD_H
#define CM_FCGI_GUARD_H

#include "http/route.h"

/* Sets ctx->member and ctx->role. Faults: TOKEN_REQUIRED, TOKEN_INVALID, TOKEN_EXPIRED (with
 * WWW-Authenticate), ADMIN_REQUIRED, BAD_INPUT (Idempotency-Key). */
enum fault guard_check(struct ctx *ctx, const struct req *req, const struct route *route,
	struct res *res);

/* The session the request's access token came from; NULL when there is no valid token or it names
 * none. */
const char *guard_session(struct ctx *ctx, const struct req *req);

#endif
