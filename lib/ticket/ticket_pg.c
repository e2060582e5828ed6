#include "event/wake.h"
#include "pg/pg.h"
#include "ticket/ticket_store.h"

#include "base/banned.h"

#define COLUMNS \
	"id, reservation_id, concert_id, seat_id, seat_number, grade_name, status, nonce, " \
	PG_MS("issued_at") ", " PG_MS("used_at")

PG_STATEMENT(ticket_confirm,
	"select code, tickets from cm.reservation_confirm($1, $2, $3, $4)");
PG_STATEMENT(ticket_of_member,
	"select " COLUMNS " from cm.ticket where member_id = $1 and ($2::bigint is null or id < $2)"
	" and ($3::bigint is null or reservation_id = $3) order by id desc limit $4");
PG_STATEMENT(ticket_one, "select " COLUMNS " from cm.ticket where id = $1 and member_id = $2");
PG_STATEMENT(ticket_use,
	"update cm.ticket set status = 'USED', used_at = now(), used_by = $3"
	" where id = $1 and nonce = $2::uuid and status = 'ISSUED' returning " COLUMNS);
PG_STATEMENT(ticket_by_code,
	"select " COLUMNS " from cm.ticket where id = $1 and nonce = $2::uuid");

static void read_ticket(const struct pg_rows *rows, int row, struct ticket *ret_ticket)
{
	*ret_ticket = (struct ticket){
		.id = { pg_integer(rows, row, 0) },
		.reservation = { pg_integer(rows, row, 1) },
		.concert = { pg_integer(rows, row, 2) },
		.seat = { pg_integer(rows, row, 3) },
		.seat_number = pg_text(rows, row, 4),
		.grade = pg_text(rows, row, 5),
		.status = pg_text(rows, row, 6),
		.nonce = pg_text(rows, row, 7),
		.issued_ms = pg_integer(rows, row, 8),
		.used_ms = pg_integer(rows, row, 9),
	};
}

enum fault ticket_store_list(struct ctx *ctx, const struct ticket_filter *filter,
	struct ticket_list *ret_list)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ticket_of_member, "iIIi", ctx->member.value,
		filter->before_id, filter->reservation.value, filter->limit + 1);
	if (fault)
		return fault;
	ret_list->count = (size_t)rows.count;
	ret_list->items = arena_array(ctx->arena, ret_list->count, sizeof(struct ticket));
	for (int row = 0; row < rows.count; row++)
		read_ticket(&rows, row, &ret_list->items[row]);
	return FAULT_NONE;
}

enum fault ticket_store_get(struct ctx *ctx, struct ticket_id id, struct ticket *ret_ticket)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ticket_one, "ii", id.value, ctx->member.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_TICKET_NOT_FOUND;
	read_ticket(&rows, 0, ret_ticket);
	return FAULT_NONE;
}

enum fault ticket_store_use(struct ctx *ctx, struct ticket_id id, const char *nonce,
	struct ticket *ret_ticket, bool *ret_used_now)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ticket_use, "iti", id.value, nonce,
		ctx->member.value);
	bool used_now = !fault && rows.count;
	if (!fault && !used_now)
		fault = pg_query(ctx, &rows, &ticket_by_code, "it", id.value, nonce);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_TICKET_NOT_FOUND;
	read_ticket(&rows, 0, ret_ticket);
	*ret_used_now = used_now;
	return FAULT_NONE;
}

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
