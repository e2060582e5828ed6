/* What a route's row demands, checked before its handler. */
#ifndef CM_FCGI_GUARD_H
#define CM_FCGI_GUARD_H

#include "http/route.h"

/* Sets ctx->member and ctx->role. Faults: TOKEN_REQUIRED, TOKEN_INVALID, TOKEN_EXPIRED (with
 * WWW-Authenticate), ADMIN_REQUIRED, BAD_INPUT (Idempotency-Key). */
enum fault guard_check(struct ctx *ctx, const struct req *req, const struct route *route,
	struct res *res);

#endif
