#include <stdlib.h>
#include <string.h>

#include "pg/pg.h"
#include "reservation/reservation_store.h"

#include "base/banned.h"

PG_STATEMENT(hold_seats,
	"select code, reservation_id, amount, currency, status, expires_ms, created_ms, seats, taken,"
	" replayed from cm.reservation_hold($1, $2, $3, $4, $5::bigint::integer, $6, $7, $8)");

PG_STATEMENT(replay_hold,
	"select code, reservation_id, amount, currency, status, expires_ms, created_ms, seats, taken,"
	" replayed from cm.reservation_replay($1, $2, $3)");

#define RESERVATION_COLUMNS                                                                   \
	" r.id, r.concert_id, r.amount, r.currency,"                                          \
	" case when r.status = 'PENDING' and not r.paying and r.expires_at <= now()"          \
	" then 'EXPIRED' else r.status end as effective," PG_MS("r.expires_at") ","           \
	PG_MS("r.created_at") "," PG_MS("r.paid_at") ", cm.reservation_seats(r.id),"          \
	" f.amount, f.fee from cm.reservation r left join cm.payment_refund f"                \
	" on f.reservation_id = r.id and f.status <> 'FAILED' and r.status in"                \
	" ('REFUNDING', 'REFUNDED') "

PG_STATEMENT(find_reservation,
	"select" RESERVATION_COLUMNS "where r.id = $1 and r.member_id = $2");

PG_STATEMENT(list_reservations,
	"select" RESERVATION_COLUMNS "where r.member_id = $1 and ($2::bigint is null or r.id < $2)"
	" and ($3::bigint is null or r.concert_id = $3) and ($4::text is null or $4 ="
	" case when r.status = 'PENDING' and not r.paying and r.expires_at <= now()"
	" then 'EXPIRED' else r.status end) order by r.id desc limit $5");

PG_STATEMENT(cancel_reservation,
	"select code, status, concert_id, seats, refund_amount, fee, replayed,"
	" amount, seat_count, created_ms, concert_ms, now_ms,"
	" coalesce((ladder::jsonb ->> 'freeOnBookingDay')::boolean, false),"
	" (ladder::jsonb ->> 'freeDaysAfterBooking')::bigint,"
	" (ladder::jsonb ->> 'freeMinDaysBefore')::bigint,"
	" (select string_agg(concat_ws(e'\\x1f', coalesce(s ->> 'daysBefore', '0'),"
	" coalesce(s ->> 'percent', '0'), coalesce(s ->> 'perTicket', '0'),"
	" coalesce(s ->> 'maxPercent', '0')) || e'\\x1e', ''"
	" order by (s ->> 'daysBefore')::bigint desc)"
	" from jsonb_array_elements(ladder::jsonb -> 'steps') s)"
	" from cm.reservation_cancel($1, $2, $3, $4, $5)");

PG_STATEMENT(refund_reservation,
	"select code, status, concert_id, seats, refund_amount, fee"
	" from cm.refund_begin($1, $2, $3, $4, 'member', $5, $6, $7)");

PG_STATEMENT(expire_reservations,
	"select concert_id, position from cm.reservation_expire_batch($1::bigint::integer)"
	" order by concert_id, position");

PG_STATEMENT(read_seat_letters,
	"select s.position, case when s.state = 'HELD' and s.held_until <= now() then 'A'"
	" else left(s.state, 1) end from cm.reservation_seat l join cm.seat s on s.id = l.seat_id"
	" where l.reservation_id = $1 order by s.position");

PG_STATEMENT(find_gate,
	"select case queue_mode when 'on' then queue_epoch else 0 end, coalesce((select"
	" max(" PG_MS("r.paid_at") ") from cm.reservation r where r.member_id = $2"
	" and r.concert_id = c.id), 0) from cm.concert c where id = $1 and status <> 'DRAFT'");

PG_STATEMENT(find_turn_end,
	"select c.queue_mode = 'on', exists(select from cm.reservation o"
	"  where o.member_id = r.member_id and o.concert_id = r.concert_id"
	"  and o.status = 'PENDING' and (o.paying or o.expires_at > now())), "
	PG_MS("r.created_at") " from cm.reservation r join cm.concert c on c.id = r.concert_id"
	" where r.id = $1");

/* Cuts text at the next mark; NULL at the end. */
static char *next_part(char **text, char mark)
{
	char *start = *text, *end = start ? strchr(start, mark) : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return start;
}

static size_t count_marks(const char *text, char mark)
{
	size_t count = 0;
	for (; text && *text; text++)
		count += *text == mark;
	return count;
}

/* The fields of one record: at most most of them, missing ones stay "". */
static void split_record(char *record, const char *fields[], size_t most)
{
	for (size_t i = 0; i < most; i++) {
		char *end = strchr(record, '\x1f');
		fields[i] = record;
		if (end)
			*end = '\0';
		record = end ? end + 1 : record + strlen(record);
	}
}

static int64_t number_of(const char *text)
{
	return strtoll(text, NULL, 10);
}

/* Records of id, number, grade, price, position, or of their first two fields. */
static const struct reserved_seat *read_seats(struct ctx *ctx, const char *text, size_t *ret_count)
{
	size_t count = count_marks(text, '\x1e'), i = 0;
	struct reserved_seat *seats = arena_array(ctx->arena, count, sizeof(*seats));
	char *rest = text ? arena_strdup(ctx->arena, text) : NULL;
	for (char *record; (record = next_part(&rest, '\x1e')); i++) {
		const char *fields[5];
		split_record(record, fields, 5);
		seats[i] = (struct reserved_seat){ .id = { number_of(fields[0]) },
			.number = fields[1], .grade = fields[2], .price = number_of(fields[3]),
			.position = number_of(fields[4]) };
	}
	*ret_count = count;
	return seats;
}

/* Records of id and position. */
static const struct reserved_seat *read_freed(struct ctx *ctx, const char *text, size_t *ret_count)
{
	size_t count = count_marks(text, '\x1e'), i = 0;
	struct reserved_seat *seats = arena_array(ctx->arena, count, sizeof(*seats));
	char *rest = text ? arena_strdup(ctx->arena, text) : NULL;
	for (char *record; (record = next_part(&rest, '\x1e')); i++) {
		const char *fields[2];
		split_record(record, fields, 2);
		seats[i] = (struct reserved_seat){ .id = { number_of(fields[0]) },
			.position = number_of(fields[1]) };
	}
	*ret_count = count;
	return seats;
}

static enum fault code_of(const char *text, const char *const names[], int count, int *ret_code)
{
	for (int i = 0; i < count; i++)
		if (text && strcmp(names[i], text) == 0) {
			*ret_code = i;
			return FAULT_NONE;
		}
	return FAULT_INTERNAL;
}

static const char *const hold_names[HOLD_CODE_COUNT] = {
#define CODE(symbol, fault) [HOLD_##symbol] = #symbol,
	HOLD_CODES(CODE)
#undef CODE
};

static enum fault read_hold(struct ctx *ctx, const struct pg_rows *rows, struct concert_id concert,
	struct hold_outcome *ret_outcome)
{
	int code;
	enum fault fault = code_of(pg_text(rows, 0, 0), hold_names, HOLD_CODE_COUNT, &code);
	if (fault)
		return fault;
	*ret_outcome = (struct hold_outcome){ .code = (enum hold_code)code,
		.is_replayed = pg_boolean(rows, 0, 9) };
	struct reservation *reservation = &ret_outcome->reservation;
	*reservation = (struct reservation){ .id = { pg_integer(rows, 0, 1) }, .concert = concert,
		.amount = pg_integer(rows, 0, 2), .currency = pg_text(rows, 0, 3),
		.status = pg_text(rows, 0, 4), .expires_ms = pg_integer(rows, 0, 5),
		.created_ms = pg_integer(rows, 0, 6) };
	reservation->seats = read_seats(ctx, pg_text(rows, 0, 7), &reservation->seat_count);
	ret_outcome->taken = read_seats(ctx, pg_text(rows, 0, 8), &ret_outcome->taken_count);
	return FAULT_NONE;
}

enum fault reservation_store_hold(struct ctx *ctx, const struct hold_request *request,
	struct hold_outcome *ret_outcome)
{
	struct pg_rows rows;
	const struct idempotency *idempotency = &request->idempotency;
	enum fault fault = pg_query(ctx, &rows, &hold_seats, "iiAIIttx",
		ctx->member.value, request->concert.value,
		request->seat_count ? request->seats : NULL, request->seat_count,
		request->grade.value, request->count, request->section, idempotency->key,
		idempotency->hash, (size_t)IDEMPOTENCY_HASH_BYTES);
	if (fault == FAULT_DATABASE_DUPLICATE) {
		/* The partial unique index: what both locks missed. */
		*ret_outcome = (struct hold_outcome){ .code = HOLD_BUSY };
		return FAULT_NONE;
	}
	return fault ? fault : read_hold(ctx, &rows, request->concert, ret_outcome);
}

enum fault reservation_store_replay(struct ctx *ctx, const struct idempotency *idempotency,
	struct hold_outcome *ret_outcome)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &replay_hold, "itx", ctx->member.value,
		idempotency->key, idempotency->hash, (size_t)IDEMPOTENCY_HASH_BYTES);
	if (fault)
		return fault;
	return read_hold(ctx, &rows, (struct concert_id){ 0 }, ret_outcome);
}

static void read_reservation(struct ctx *ctx, const struct pg_rows *rows, int row,
	struct reservation *ret_reservation)
{
	*ret_reservation = (struct reservation){ .id = { pg_integer(rows, row, 0) },
		.concert = { pg_integer(rows, row, 1) }, .amount = pg_integer(rows, row, 2),
		.currency = pg_text(rows, row, 3), .status = pg_text(rows, row, 4),
		.expires_ms = pg_integer(rows, row, 5), .created_ms = pg_integer(rows, row, 6),
		.paid_ms = pg_integer(rows, row, 7), .has_refund = !pg_is_null(rows, row, 9),
		.refund_amount = pg_integer(rows, row, 9), .fee = pg_integer(rows, row, 10) };
	ret_reservation->seats = read_seats(ctx, pg_text(rows, row, 8),
		&ret_reservation->seat_count);
}

enum fault reservation_store_get(struct ctx *ctx, struct reservation_id id,
	struct reservation *ret_reservation)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &find_reservation, "ii", id.value,
		ctx->member.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_RESERVATION_NOT_FOUND;
	read_reservation(ctx, &rows, 0, ret_reservation);
	return FAULT_NONE;
}

enum fault reservation_store_list(struct ctx *ctx, const struct reservation_filter *filter,
	struct reservation_list *ret_list)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &list_reservations, "iIIti", ctx->member.value,
		filter->before_id, filter->concert.value, filter->status, filter->limit + 1);
	if (fault)
		return fault;
	int count = rows.count > filter->limit ? (int)filter->limit : rows.count;
	*ret_list = (struct reservation_list){ .count = (size_t)count,
		.items = arena_array(ctx->arena, (size_t)count, sizeof(struct reservation)),
		.has_more = rows.count > filter->limit };
	for (int i = 0; i < count; i++)
		read_reservation(ctx, &rows, i, &ret_list->items[i]);
	return FAULT_NONE;
}

static void read_ladder(struct ctx *ctx, const struct pg_rows *rows, struct refund_ladder *ladder)
{
	const char *steps = pg_text(rows, 0, 15);
	char *rest = steps ? arena_strdup(ctx->arena, steps) : NULL, *record;
	*ladder = (struct refund_ladder){ .is_free_on_booking_day = pg_boolean(rows, 0, 12),
		.free_days_after_booking = pg_integer(rows, 0, 13),
		.free_days_before = pg_integer(rows, 0, 14) };
	while (ladder->step_count < REFUND_STEPS && (record = next_part(&rest, '\x1e'))) {
		const char *fields[4];
		split_record(record, fields, 4);
		ladder->steps[ladder->step_count++] = (struct refund_step){
			.days_before = number_of(fields[0]), .percent = number_of(fields[1]),
			.per_ticket = number_of(fields[2]), .most_percent = number_of(fields[3]) };
	}
}

enum fault reservation_store_cancel(struct ctx *ctx, struct reservation_id id,
	const struct idempotency *idempotency, struct cancel_outcome *ret_outcome)
{
	static const char *const names[CANCEL_CODE_COUNT] = {
		[CANCEL_CANCELLED] = "CANCELLED", [CANCEL_ALREADY] = "ALREADY",
		[CANCEL_EXPIRED] = "EXPIRED", [CANCEL_PAYING] = "PAYING", [CANCEL_PAID] = "PAID",
		[CANCEL_REFUNDING] = "REFUNDING", [CANCEL_NOT_FOUND] = "NOT_FOUND",
		[CANCEL_KEY_RUNNING] = "KEY_RUNNING", [CANCEL_KEY_REUSED] = "KEY_REUSED",
	};
	struct pg_rows rows;
	int code;
	enum fault fault = pg_query(ctx, &rows, &cancel_reservation, "iitxt", ctx->member.value,
		id.value, idempotency->key, idempotency->hash, (size_t)IDEMPOTENCY_HASH_BYTES,
		ctx->traceparent);
	if (fault || (fault = code_of(pg_text(&rows, 0, 0), names, CANCEL_CODE_COUNT, &code)))
		return fault;
	*ret_outcome = (struct cancel_outcome){ .code = (enum cancel_code)code,
		.status = pg_text(&rows, 0, 1), .concert = { pg_integer(&rows, 0, 2) },
		.refund_amount = pg_integer(&rows, 0, 4), .fee = pg_integer(&rows, 0, 5),
		.is_replayed = pg_boolean(&rows, 0, 6),
		.refund_case = { .amount = pg_integer(&rows, 0, 7),
			.seat_count = pg_integer(&rows, 0, 8), .booked_ms = pg_integer(&rows, 0, 9),
			.concert_ms = pg_integer(&rows, 0, 10), .now_ms = pg_integer(&rows, 0, 11) } };
	ret_outcome->seats = read_freed(ctx, pg_text(&rows, 0, 3), &ret_outcome->seat_count);
	read_ladder(ctx, &rows, &ret_outcome->ladder);
	return FAULT_NONE;
}

enum fault reservation_store_refund(struct ctx *ctx, struct reservation_id id,
	const struct refund_quote *quote, const struct idempotency *idempotency,
	struct refund_outcome *ret_outcome)
{
	static const char *const names[REFUND_CODE_COUNT] = {
		[REFUND_OK] = "OK", [REFUND_ALREADY] = "ALREADY", [REFUND_NOT_FOUND] = "NOT_FOUND",
		[REFUND_NOT_PAID] = "NOT_PAID", [REFUND_TICKET_USED] = "TICKET_USED",
		[REFUND_AMOUNT] = "AMOUNT",
	};
	struct pg_rows rows;
	int code;
	enum fault fault = pg_query(ctx, &rows, &refund_reservation, "iiiitxt", ctx->member.value,
		id.value, quote->refund_amount, quote->fee, idempotency->key, idempotency->hash,
		(size_t)IDEMPOTENCY_HASH_BYTES, ctx->traceparent);
	if (fault || (fault = code_of(pg_text(&rows, 0, 0), names, REFUND_CODE_COUNT, &code)))
		return fault;
	*ret_outcome = (struct refund_outcome){ .code = (enum refund_code)code,
		.status = pg_text(&rows, 0, 1), .concert = { pg_integer(&rows, 0, 2) },
		.refund_amount = pg_integer(&rows, 0, 4), .fee = pg_integer(&rows, 0, 5) };
	ret_outcome->seats = read_freed(ctx, pg_text(&rows, 0, 3), &ret_outcome->seat_count);
	return FAULT_NONE;
}

enum fault reservation_store_expire(struct ctx *ctx, int64_t limit,
	const struct expired_seat **ret_seats, size_t *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &expire_reservations, "i", limit);
	if (fault)
		return fault;
	struct expired_seat *seats = arena_array(ctx->arena, (size_t)rows.count, sizeof(*seats));
	for (int i = 0; i < rows.count; i++)
		seats[i] = (struct expired_seat){ .concert = { pg_integer(&rows, i, 0) },
			.position = pg_integer(&rows, i, 1) };
	*ret_seats = seats;
	*ret_count = (size_t)rows.count;
	return FAULT_NONE;
}

enum fault reservation_store_gate(struct ctx *ctx, struct concert_id concert,
	struct queue_gate *ret_gate)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &find_gate, "ii", concert.value,
		ctx->member.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_CONCERT_NOT_FOUND;
	*ret_gate = (struct queue_gate){ .epoch = pg_integer(&rows, 0, 0),
		.paid_ms = pg_integer(&rows, 0, 1) };
	return FAULT_NONE;
}

enum fault reservation_store_turn_end(struct ctx *ctx, struct reservation_id id,
	struct turn_end *ret_end)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &find_turn_end, "i", id.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_RESERVATION_NOT_FOUND;
	*ret_end = (struct turn_end){ .has_queue = pg_boolean(&rows, 0, 0),
		.holds_others = pg_boolean(&rows, 0, 1), .created_ms = pg_integer(&rows, 0, 2) };
	return FAULT_NONE;
}

enum fault reservation_store_seat_letters(struct ctx *ctx, struct reservation_id id,
	const struct seat_change **ret_seats, size_t *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &read_seat_letters, "i", id.value);
	if (fault)
		return fault;
	struct seat_change *seats = arena_array(ctx->arena, (size_t)rows.count, sizeof(*seats));
	for (int i = 0; i < rows.count; i++)
		seats[i] = (struct seat_change){ pg_integer(&rows, i, 0), *pg_text(&rows, i, 1) };
	*ret_seats = seats;
	*ret_count = (size_t)rows.count;
	return FAULT_NONE;
}
