#include "reservation/reservation.h"

#include <stddef.h>

#include "base/limits.h"
#include "http/idempotency.h"
#include "http/json.h"
#include "http/page.h"
#include "metrics/metrics.h"
#include "worker.h"

#include "base/banned.h"

static void write_seats(struct strbuf *out, const struct reservation *reservation)
{
	json_open(out, "seats", '[');
	for (size_t i = 0; i < reservation->seat_count; i++) {
		const struct reserved_seat *seat = &reservation->seats[i];
		json_open(out, NULL, '{');
		json_integer(out, "id", seat->id.value);
		json_text(out, "seatNumber", seat->number);
		json_text(out, "seatGrade", seat->grade);
		json_integer(out, "price", seat->price);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void write_reservation(struct strbuf *out, const struct reservation *reservation)
{
	json_open(out, NULL, '{');
	json_integer(out, "id", reservation->id.value);
	json_integer(out, "concertId", reservation->concert.value);
	write_seats(out, reservation);
	json_integer(out, "amount", reservation->amount);
	json_text(out, "currency", reservation->currency);
	json_text(out, "status", reservation->status);
	json_time(out, "expiresAt", reservation->expires_ms);
	json_time(out, "createdAt", reservation->created_ms);
	if (reservation->paid_ms)
		json_time(out, "paidAt", reservation->paid_ms);
	if (reservation->has_refund) {
		json_integer(out, "refundAmount", reservation->refund_amount);
		json_integer(out, "fee", reservation->fee);
	}
	json_close(out, '}');
}

struct hold_input {
	int64_t concert_id, seat_id, grade_id, count;
	struct id_list seat_ids;
	const char *section;
};

static const struct field hold_fields[] = {
	{ "concertId", FIELD_ID, offsetof(struct hold_input, concert_id), true, 0, 0, NULL },
	{ "seatId", FIELD_ID, offsetof(struct hold_input, seat_id), false, 0, 0, NULL },
	{ "seatIds", FIELD_ID_LIST, offsetof(struct hold_input, seat_ids), false, 1,
		LIMIT_SEATS_PER_HOLD, NULL },
	{ "gradeId", FIELD_ID, offsetof(struct hold_input, grade_id), false, 0, 0, NULL },
	{ "count", FIELD_INTEGER, offsetof(struct hold_input, count), false, 1,
		LIMIT_SEATS_PER_HOLD, NULL },
	{ "section", FIELD_TEXT, offsetof(struct hold_input, section), false, 0, 50, NULL },
};

static enum fault hold(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct hold_input input = { 0 };
	struct hold hold = { 0 };
	enum fault fault = json_read(ctx, req, hold_fields, FIELD_COUNT(hold_fields), &input);
	if (fault)
		return fault;
	if (input.seat_id && input.seat_ids.count)
		return ctx_field_error(ctx, "seatIds", "conflict");
	struct hold_request request = { .concert = { input.concert_id },
		.seats = input.seat_id ? &input.seat_id : input.seat_ids.ids,
		.seat_count = input.seat_id ? 1 : input.seat_ids.count,
		.grade = { input.grade_id }, .count = input.count, .section = input.section,
		.pass = req_header(req, "HTTP_X_QUEUE_PASS"),
		.idempotency = idempotency_read(ctx, req) };
	fault = reservation_hold(ctx, &request, &hold);
	metric_add(fault ? METRIC_HOLD_REFUSED : METRIC_HOLD_MADE, 1);
	if (hold.is_replayed)
		res_header(res, "Idempotency-Replayed", "true");
	if (fault)
		return fault;
	if (!hold.reservation.concert.value)
		hold.reservation.concert = request.concert;
	res->status = hold.is_new ? 201 : 200;
	res_header_printf(res, "Location", "/reservation/%lld",
		(long long)hold.reservation.id.value);
	write_reservation(&res->body, &hold.reservation);
	return FAULT_NONE;
}

struct list_input {
	int64_t limit, concert_id;
	const char *cursor, *status;
};

static const char *const statuses[] = { "PENDING", "PAID", "CONFIRMED", "CANCELLED", "EXPIRED",
	"REFUNDING", "REFUNDED", NULL };

static const struct field list_fields[] = {
	{ "limit", FIELD_INTEGER, offsetof(struct list_input, limit), false, 1, LIMIT_LIST_MAXIMUM,
		NULL },
	{ "cursor", FIELD_TEXT, offsetof(struct list_input, cursor), false, 1, 200, NULL },
	{ "status", FIELD_CHOICE, offsetof(struct list_input, status), false, 0, 0, statuses },
	{ "concertId", FIELD_ID, offsetof(struct list_input, concert_id), false, 0, 0, NULL },
};

static void write_list(struct ctx *ctx, const struct reservation_list *list, struct strbuf *out)
{
	json_open(out, NULL, '{');
	json_open(out, "content", '[');
	for (size_t i = 0; i < list->count; i++)
		write_reservation(out, &list->items[i]);
	json_close(out, ']');
	const char *next = NULL;
	if (list->has_more) {
		int64_t keys[PAGE_KEYS] = { list->items[list->count - 1].id.value };
		next = page_cursor(ctx, "reservation", keys);
	}
	json_text(out, "next", next);
	json_close(out, '}');
}

static enum fault list(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct list_input input = { 0 };
	struct page page;
	struct reservation_list list;
	enum fault fault = query_read(ctx, req, list_fields, FIELD_COUNT(list_fields), &input);
	if (fault || (fault = page_read(ctx, "reservation", input.limit, input.cursor, &page)))
		return fault;
	struct reservation_filter filter = { .status = input.status,
		.concert = { input.concert_id }, .limit = page.limit,
		.before_id = page.has_cursor ? page.keys[0] : 0 };
	if ((fault = reservation_list(ctx, &filter, &list)))
		return fault;
	write_list(ctx, &list, &res->body);
	return FAULT_NONE;
}

static enum fault get(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct reservation reservation;
	enum fault fault = reservation_get(ctx, (struct reservation_id){ req->ids[0] },
		&reservation);
	if (!fault)
		write_reservation(&res->body, &reservation);
	return fault;
}

static enum fault cancel(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct cancellation cancellation;
	struct idempotency idempotency = idempotency_read(ctx, req);
	enum fault fault = reservation_cancel(ctx, (struct reservation_id){ req->ids[0] },
		&idempotency, &cancellation);
	if (fault)
		return fault;
	if (cancellation.is_replayed)
		res_header(res, "Idempotency-Replayed", "true");
	json_open(&res->body, NULL, '{');
	json_integer(&res->body, "id", req->ids[0]);
	json_text(&res->body, "status", cancellation.status);
	json_integer(&res->body, "refundAmount", cancellation.refund_amount);
	json_integer(&res->body, "fee", cancellation.fee);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

static const struct route routes[] = {
	{ METHOD_POST, "/reservation", GUARD_MEMBER | GUARD_IDEMPOTENT, hold },
	{ METHOD_GET, "/reservation", GUARD_MEMBER, list },
	{ METHOD_GET, "/reservation/{id}", GUARD_MEMBER, get },
	{ METHOD_DELETE, "/reservation/{id}", GUARD_MEMBER | GUARD_IDEMPOTENT, cancel },
};

int main(int argc, char **argv)
{
	static const struct worker worker = { .name = "reservation", .routes = routes,
		.route_count = sizeof(routes) / sizeof(*routes) };
	return worker_main(argc, argv, &worker);
}
