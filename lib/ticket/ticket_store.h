/* What tickets need of the database; ticket_pg.c defines it, t/fake/ticket_mem.c in memory. */
#ifndef CM_TICKET_TICKET_STORE_H
#define CM_TICKET_TICKET_STORE_H

#include "ticket/ticket.h"

/* Of ctx->member. limit + 1 rows at most, so that the caller sees whether there are more. */
enum fault ticket_store_list(struct ctx *ctx, const struct ticket_filter *filter,
	struct ticket_list *ret_list);
enum fault ticket_store_get(struct ctx *ctx, struct ticket_id id, struct ticket *ret_ticket);
/* Marks it as used if it is ISSUED; ret_was_used: it wasn't, the ticket says what it is.
 * TICKET_NOT_FOUND when id and nonce don't belong together. */
enum fault ticket_store_use(struct ctx *ctx, struct ticket_id id, const char *nonce,
	struct ticket *ret_ticket, bool *ret_used_now);

#endif
