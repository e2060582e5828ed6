/* Port: counts attempts on one account. Adapter: throttle_redis.c, which counts in this process
 * while Redis is away. */
#ifndef CM_AUTH_THROTTLE_H
#define CM_AUTH_THROTTLE_H

#include "base/ctx.h"

/* Counts one attempt before it is judged. Fault: SIGNIN_THROTTLED (with ctx->retry_after_s) when
 * more than CM_SIGNIN_ATTEMPTS in CM_SIGNIN_WINDOW_S have failed. account is folded. */
enum fault throttle_attempt(struct ctx *ctx, const char *account);
/* The attempt was good: the account starts anew. */
void throttle_forget(struct ctx *ctx, const char *account);

#endif
