/* What an Idempotency-Key is bound to: the same key with another request is refused. */
#ifndef CM_HTTP_IDEMPOTENCY_H
#define CM_HTTP_IDEMPOTENCY_H

#include "base/ctx.h"
#include "base/idempotency.h"
#include "http/req.h"

/* The request's key and the SHA-256 of its method, path and body, in the arena. The key is NULL
 * when the caller sent none; its syntax was checked by the guard. */
struct idempotency idempotency_read(struct ctx *ctx, const struct req *req);

#endif
