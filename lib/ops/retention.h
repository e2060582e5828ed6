/* What nobody needs any more goes, some rows at a time: small transactions that no sale waits for.
 * Sales, payments, tickets, notices and audits stay for good; they are the books.
 * A port: retention_pg.c defines it. Safe on many nodes: one at a time works, the others
 * do nothing. */
#ifndef CM_OPS_RETENTION_H
#define CM_OPS_RETENTION_H

#include "base/ctx.h"

struct retention {
	int64_t removed;
	bool more; /* there may be more at once */
};

/* Finished answers kept for an Idempotency-Key, older than CM_KEEP_KEYS_H. */
enum fault retention_keys(struct ctx *ctx, int64_t most, struct retention *ret_done);
/* Refresh tokens that ended CM_KEEP_TOKENS_H ago. */
enum fault retention_tokens(struct ctx *ctx, int64_t most, struct retention *ret_done);
/* Events older than CM_KEEP_EVENTS_H with all that followed them: the outbox row, its deliveries,
 * the groups' marks. Only when it was published, every group is done with it and no dead letter of
 * it is open. Looks at most rows after *after and moves it; 0: from the oldest. */
enum fault retention_events(struct ctx *ctx, int64_t most, int64_t *after,
	struct retention *ret_done);

#endif
