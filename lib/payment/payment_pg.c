#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "payment/payment_store.h"
#include "pg/pg.h"

#include "base/banned.h"

PG_STATEMENT(payment_begin,
	"select code, payment_id, amount, currency, status, reservation_status, paid_ms,"
	" failure_code, concert_id, replayed, order_id,"
	" (select " PG_MS("created_at") " from cm.reservation where id = $2)"
	" from cm.payment_begin($1, $2, $3, $4,"
	" jsonb_strip_nulls(jsonb_build_object('script', $5::text)), $6,"
	" $7, $8)");
PG_STATEMENT(payment_amount,
	"select amount from cm.reservation where id = $1 and member_id = $2");
PG_STATEMENT(payment_settle,
	"select code, $1::bigint, amount, currency, status, reservation_status, paid_ms,"
	" failure_code, concert_id, false, seats, reservation_id"
	" from cm.payment_settle($1, $2, $3, $4, $5, $6)");
PG_STATEMENT(payment_get_one,
	"select '', p.id, p.amount, p.currency, p.status, r.status, " PG_MS("p.captured_at") ","
	" p.failure_code, r.concert_id, false, p.refunded_amount, p.reservation_id, "
	PG_MS("p.requested_at")
	" from cm.payment p join cm.reservation r on r.id = p.reservation_id"
	" where p.id = $1 and p.member_id = $2");
PG_STATEMENT(payment_hint, "select cm.payment_hint($1)");
PG_STATEMENT(payment_due_charges,
	"select payment_id, 0, gateway, null, 0, query_count, order_id, amount, currency,"
	" gateway_key, gateway_request::jsonb ->> 'script' from cm.payment_due($1::integer)");
PG_STATEMENT(payment_due_refunds,
	"select payment_id, refund_id, d.gateway, reason, d.amount, attempt_count, order_id,"
	" p.amount, d.currency, d.gateway_key, d.gateway_request::jsonb ->> 'script'"
	" from cm.refund_due($1::integer) d join cm.payment p on p.id = payment_id");
PG_STATEMENT(payment_refund_settle,
	"select code from cm.refund_settle($1, $2, $3, $4, $5)");
PG_STATEMENT(payment_paid_of_cancelled,
	"select d.id, d.amount from cm.concert c left join lateral (select r.id, p.amount"
	" from cm.reservation r join cm.payment p on p.reservation_id = r.id and p.status = 'SUCCESS'"
	" where r.concert_id = c.id and r.status in ('PAID', 'CONFIRMED')"
	" order by r.id limit $2) d on true where c.id = $1 and c.status = 'CANCELLED'");
PG_STATEMENT(payment_go_on,
	"select cm.event('concert.cancelled', 'concert:' || $1::bigint,"
	" jsonb_build_object('concertId', $1::bigint), $2)");
PG_STATEMENT(payment_refund_begin,
	"select code, payment_id, refund_amount, currency, status, status, null, null, concert_id,"
	" false, seats from cm.refund_begin(null, $1, $2, 0, $3, null, null, $4)");

static void read_row(struct ctx *ctx, const struct pg_rows *rows, struct payment_row *ret_row)
{
	*ret_row = (struct payment_row){
		.code = pg_text(rows, 0, 0),
		.concert = { pg_integer(rows, 0, 8) },
		.payment = {
			.id = { pg_integer(rows, 0, 1) },
			.amount = pg_integer(rows, 0, 2),
			.currency = pg_text(rows, 0, 3),
			.status = pg_text(rows, 0, 4),
			.reservation_status = pg_text(rows, 0, 5),
			.paid_ms = pg_integer(rows, 0, 6),
			.failure_code = pg_text(rows, 0, 7),
			.requested_ms = ctx->now_ms,
			.replayed = pg_boolean(rows, 0, 9),
		},
	};
	if (!ret_row->payment.status)
		ret_row->payment.status = "";
}

/* Records "seat id \x1f layout position \x1e", as the functions in schema/ give them. */
static void read_positions(struct ctx *ctx, const char *seats, struct payment_row *ret_row)
{
	size_t count = 0;
	for (const char *at = seats; at && (at = strchr(at, '\x1e')); at++)
		count++;
	int64_t *positions = arena_array(ctx->arena, count, sizeof(*positions));
	for (size_t i = 0; i < count; i++) {
		positions[i] = strtoll(strchr(seats, '\x1f') + 1, NULL, 10);
		seats = strchr(seats, '\x1e') + 1;
	}
	ret_row->positions = positions;
	ret_row->position_count = count;
}

enum fault payment_store_begin(struct ctx *ctx, const struct payment_order *order,
	const char *gateway, struct payment_row *ret_row)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &payment_begin, "iittttxt",
		ctx->member.value, order->reservation.value, gateway, order->gateway_key,
		order->script, order->idempotency.key, (const void *)order->idempotency.hash,
		(size_t)IDEMPOTENCY_HASH_BYTES, ctx->traceparent);
	if (fault)
		return fault;
	read_row(ctx, &rows, ret_row);
	ret_row->order_id = pg_text(&rows, 0, 10);
	ret_row->held_ms = pg_integer(&rows, 0, 11);
	return FAULT_NONE;
}

enum fault payment_store_amount(struct ctx *ctx, struct reservation_id reservation,
	int64_t *ret_amount)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &payment_amount, "ii", reservation.value,
		ctx->member.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_RESERVATION_NOT_FOUND;
	*ret_amount = pg_integer(&rows, 0, 0);
	return FAULT_NONE;
}

static const char *outcome_name(enum gateway_outcome outcome)
{
	static const char *const names[] = {
		[GATEWAY_UNKNOWN] = "UNKNOWN",
		[GATEWAY_SUCCESS] = "SUCCESS",
		[GATEWAY_DECLINED] = "DECLINED",
		[GATEWAY_ABSENT] = "ABSENT",
	};
	return names[outcome];
}

static void count_outcome(const char *code)
{
	if (strcmp(code, "PAID") == 0 || strcmp(code, "REFUND") == 0)
		metric_add(METRIC_PAYMENT_SUCCESS, 1);
	else if (strcmp(code, "DECLINED") == 0)
		metric_add(METRIC_PAYMENT_DECLINED, 1);
	else if (strcmp(code, "UNKNOWN") == 0)
		metric_add(METRIC_PAYMENT_UNKNOWN, 1);
}

enum fault payment_store_settle(struct ctx *ctx, struct payment_id id,
	const struct gateway_answer *answer, struct payment_row *ret_row)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &payment_settle, "ittttt", id.value,
		outcome_name(answer->outcome), answer->key, answer->code, answer->message,
		ctx->traceparent);
	if (fault)
		return fault;
	read_row(ctx, &rows, ret_row);
	count_outcome(ret_row->code);
	read_positions(ctx, pg_text(&rows, 0, 10), ret_row);
	ret_row->payment.reservation.value = pg_integer(&rows, 0, 11);
	return FAULT_NONE;
}

enum fault payment_store_get(struct ctx *ctx, struct payment_id id, struct payment *ret_payment)
{
	struct pg_rows rows;
	struct payment_row row;
	enum fault fault = pg_query(ctx, &rows, &payment_get_one, "ii", id.value,
		ctx->member.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_PAYMENT_NOT_FOUND;
	read_row(ctx, &rows, &row);
	*ret_payment = row.payment;
	ret_payment->refunded_amount = pg_integer(&rows, 0, 10);
	ret_payment->reservation.value = pg_integer(&rows, 0, 11);
	ret_payment->requested_ms = pg_integer(&rows, 0, 12);
	return FAULT_NONE;
}

enum fault payment_store_hint(struct ctx *ctx, const char *order_id)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &payment_hint, "t", order_id);
}

static enum fault read_due(struct ctx *ctx, const struct pg_statement *statement, size_t limit,
	struct payment_due_list *ret_list)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, statement, "i", (int64_t)limit);
	if (fault)
		return fault;
	ret_list->count = (size_t)rows.count;
	ret_list->items = arena_array(ctx->arena, ret_list->count, sizeof(*ret_list->items));
	for (int row = 0; row < rows.count; row++)
		ret_list->items[row] = (struct payment_due){
			.payment = { pg_integer(&rows, row, 0) },
			.refund_id = pg_integer(&rows, row, 1),
			.gateway = pg_text(&rows, row, 2),
			.reason = pg_text(&rows, row, 3),
			.refund_amount = pg_integer(&rows, row, 4),
			.attempts = (int)pg_integer(&rows, row, 5),
			.charge = {
				.order_id = pg_text(&rows, row, 6),
				.amount = pg_integer(&rows, row, 7),
				.currency = pg_text(&rows, row, 8),
				.key = pg_text(&rows, row, 9),
				.script = pg_text(&rows, row, 10),
			},
		};
	return FAULT_NONE;
}

enum fault payment_store_due(struct ctx *ctx, size_t limit, struct payment_due_list *ret_list)
{
	return read_due(ctx, &payment_due_charges, limit, ret_list);
}

enum fault payment_store_refunds_due(struct ctx *ctx, size_t limit,
	struct payment_due_list *ret_list)
{
	return read_due(ctx, &payment_due_refunds, limit, ret_list);
}

enum fault payment_store_refund_settle(struct ctx *ctx, int64_t refund_id,
	const struct gateway_answer *answer, bool is_final, const char **ret_code)
{
	struct pg_rows rows;
	const char *result = answer->outcome == GATEWAY_SUCCESS ? "SUCCESS"
		: is_final ? "FAILED" : "RETRY";
	enum fault fault = pg_query(ctx, &rows, &payment_refund_settle, "itttt", refund_id,
		result, answer->key, answer->code, ctx->traceparent);
	if (fault)
		return fault;
	metric_add(METRIC_PAYMENT_REFUNDED, answer->outcome == GATEWAY_SUCCESS);
	*ret_code = pg_text(&rows, 0, 0);
	return FAULT_NONE;
}

enum fault payment_store_paid(struct ctx *ctx, struct concert_id concert, size_t limit,
	struct payment_paid_list *ret_list)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &payment_paid_of_cancelled, "ii", concert.value,
		(int64_t)limit);
	if (fault)
		return fault;
	*ret_list = (struct payment_paid_list){ .is_cancelled = rows.count > 0,
		.items = arena_array(ctx->arena, (size_t)rows.count, sizeof(*ret_list->items)) };
	for (int row = 0; row < rows.count && !pg_is_null(&rows, row, 0); row++)
		ret_list->items[ret_list->count++] = (struct payment_paid){
			.reservation = { pg_integer(&rows, row, 0) },
			.amount = pg_integer(&rows, row, 1),
		};
	return FAULT_NONE;
}

enum fault payment_store_go_on(struct ctx *ctx, const struct event *event)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &payment_go_on, "it", event->concert.value, event->trace);
}

enum fault payment_store_refund_begin(struct ctx *ctx, const struct payment_paid *paid,
	const char *reason, struct payment_row *ret_row)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &payment_refund_begin, "iitt",
		paid->reservation.value, paid->amount, reason, ctx->traceparent);
	if (fault)
		return fault;
	read_row(ctx, &rows, ret_row);
	read_positions(ctx, pg_text(&rows, 0, 10), ret_row);
	return FAULT_NONE;
}
