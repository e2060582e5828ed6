#include "event/wake.h"
#include "pg/pg.h"
#include "ticket/ticket.h"

#include "base/banned.h"

PG_STATEMENT(ticket_confirm,
	"select code, tickets from cm.reservation_confirm($1, $2, $3, $4)");

/* Codes other than CONFIRMED are no failures: seen before, or refunded meanwhile. */
enum fault ticket_issue(struct ctx *ctx, const char *group, const struct event *event)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ticket_confirm, "tiit", group, event->id,
		event->reservation.value, event->trace);
	if (!fault)
		event_wake_after(ctx);
	return fault;
}
