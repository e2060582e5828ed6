/* What cm-sweeper does in turn. Each is safe on many nodes at once (SKIP LOCKED) and takes a small
 * batch; ret_more: there may be more at once. */
#ifndef CM_DAEMON_SWEEP_H
#define CM_DAEMON_SWEEP_H

#include "base/ctx.h"

/* Holds past their end: EXPIRED, seats free. */
enum fault sweep_holds(struct ctx *ctx, bool *ret_more);
/* Rows nobody needs any more. */
enum fault sweep_retention(struct ctx *ctx, bool *ret_more);

#endif
