/* Tickets: issued by the consumer `reservation` once a reservation is paid, one a seat, void after
 * a refund, checked in once. The code on the ticket is signed (token_seal, typ "ticket"), so a
 * made-up code is refused without a look at the database. */
#ifndef CM_TICKET_TICKET_H
#define CM_TICKET_TICKET_H

#include "base/ctx.h"
#include "event/event.h"

/* Consumer group `reservation`: payment.completed -> CONFIRMED with its tickets. */
enum fault ticket_issue(struct ctx *ctx, const char *group, const struct event *event);

#endif
