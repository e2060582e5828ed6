#include <string.h>

#include "base/str.h"
#include "concert/concert_store.h"
#include "pg/pg.h"

#include "base/banned.h"

/* A row a line of seats; one row without a line when there is nothing to send. A line is what has
 * one grade, section, label and distance from the stage: these lie side by side in layout order. */
PG_STATEMENT(concert_seat_map,
	"select c.layout_version, c.seat_count, c.status = 'DRAFT', "
	"(select json_agg(json_build_object('id', id, 'name', name, 'price', price) "
	"order by first_position, id)::text from seat_grade where concert_id = c.id), "
	"l.section, l.row_label, l.seats from concert c left join lateral ("
	"select section, row_label, min(position) as first, string_agg('[' || id || ',' || number "
	"|| ',' || grade_id || ',' || x || ',' || y || ']', ',' order by position) as seats "
	"from seat where concert_id = c.id group by grade_id, section, row_label, y) l "
	"on c.layout_version <> $2 "
	"where c.id = $1 and (c.status <> 'DRAFT' or $3::boolean) order by l.first limit 100000");

/* Sales are found from the concert's seats: reservations have no index by concert, which every hold
 * would pay for. Refunds are few. */
PG_STATEMENT(concert_report,
	"select c.title, c.status, g.id, g.name, g.price, g.seat_count, a.available, a.held, a.sold, "
	"a.blocked, coalesce(p.revenue, 0), coalesce(p.paid, 0), coalesce(b.returned, 0), "
	"m.refunds, m.fees, "
	"(select count(*) from seat s where s.concert_id = c.id and s.state = 'SOLD') "
	"from concert c left join seat_grade g on g.concert_id = c.id "
	"left join seat_availability a on a.concert_id = c.id and a.grade_id = g.id "
	"left join (select l.grade_id, sum(l.price)::bigint as revenue, count(*) as paid "
	"from seat s join reservation r "
	"on r.id = s.reservation_id and r.status in ('PAID', 'CONFIRMED') "
	"join reservation_seat l on l.seat_id = s.id and l.reservation_id = r.id and l.live "
	"where s.concert_id = $1 and s.state = 'SOLD' group by l.grade_id) p on p.grade_id = g.id "
	"left join (select l.grade_id, count(*) as returned from payment_refund f "
	"join reservation r on r.id = f.reservation_id and r.concert_id = $1 "
	"join reservation_seat l on l.reservation_id = r.id where f.status <> 'FAILED' "
	"group by l.grade_id) b on b.grade_id = g.id "
	"cross join (select coalesce(sum(f.amount) filter (where f.status = 'SUCCESS'), 0)::bigint "
	"as refunds, coalesce(sum(f.fee) filter (where f.status <> 'FAILED'), 0)::bigint as fees "
	"from payment_refund f join reservation r on r.id = f.reservation_id "
	"where r.concert_id = $1) m "
	"where c.id = $1 order by g.first_position limit 1000");

/* The seats of a part first, then each one's reservation: joined the planner's way, every part of a
 * large hall would read all of it. */
PG_STATEMENT(concert_sales,
	"select r.id, r.member_id, s.id, r.status, l.seat_number, l.grade_name, l.price, "
	PG_MS("r.created_at") ", " PG_MS("r.paid_at") ", s.position "
	"from (select id, reservation_id, position from seat where concert_id = $1 "
	"and position > $2 and state = 'SOLD' order by position limit $3) s "
	"cross join lateral (select * from reservation where id = s.reservation_id limit 1) r "
	"cross join lateral (select * from reservation_seat where reservation_id = r.id "
	"and seat_id = s.id and live limit 1) l order by s.position");

PG_STATEMENT(concert_change_one, "select code from concert_change($1, $2::integer, $3::jsonb)");
PG_STATEMENT(concert_cancel_one, "select code from concert_cancel($1, $2::integer, $3)");
PG_STATEMENT(concert_block, "select code, seats from seats_block($1, $2::bigint[], $3::bigint[])");

PG_STATEMENT(concert_positions,
	"select position, state = 'BLOCKED' from seat where concert_id = $1 "
	"and (id = any ($2::bigint[]) or id = any ($3::bigint[])) "
	"and state in ('AVAILABLE', 'BLOCKED') order by position limit 100000");

enum fault concert_store_seat_map(struct ctx *ctx, const struct seat_map_query *query,
	struct seat_map **ret_map)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_seat_map, "iib", query->concert.value,
		query->known_version, (int)query->drafts);
	if (fault)
		return fault;
	*ret_map = NULL;
	if (!rows.count)
		return FAULT_NONE;
	struct seat_map *map = arena_alloc(ctx->arena, sizeof(*map));
	*map = (struct seat_map){ .concert = query->concert,
		.layout_version = pg_integer(&rows, 0, 0), .seat_count = pg_integer(&rows, 0, 1),
		.draft = pg_boolean(&rows, 0, 2), .grades = pg_text(&rows, 0, 3) };
	map->rows = arena_array(ctx->arena, (size_t)rows.count, sizeof(*map->rows));
	for (int i = 0; i < rows.count && !pg_is_null(&rows, i, 6); i++)
		map->rows[map->row_count++] = (struct seat_map_row){ pg_text(&rows, i, 4),
			pg_text(&rows, i, 5), pg_text(&rows, i, 6) };
	*ret_map = map;
	return FAULT_NONE;
}

static void read_report_grade(const struct pg_rows *rows, int row, struct report *report)
{
	report->grades[report->grade_count++] = (struct report_grade){
		.grade = { .id = { pg_integer(rows, row, 2) }, .name = pg_text(rows, row, 3),
			.price = pg_integer(rows, row, 4), .total_seats = pg_integer(rows, row, 5),
			.available_seats = pg_integer(rows, row, 6),
			.held_seats = pg_integer(rows, row, 7), .sold_seats = pg_integer(rows, row, 8),
			.blocked_seats = pg_integer(rows, row, 9) },
		.revenue = pg_integer(rows, row, 10), .paid_seats = pg_integer(rows, row, 11),
		.returned_seats = pg_integer(rows, row, 12) };
}

enum fault concert_store_report(struct ctx *ctx, struct concert_id id, struct report **ret_report)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_report, "i", id.value);
	if (fault)
		return fault;
	*ret_report = NULL;
	if (!rows.count)
		return FAULT_NONE;
	struct report *report = arena_alloc(ctx->arena, sizeof(*report));
	*report = (struct report){ .concert = id, .title = pg_text(&rows, 0, 0),
		.status = pg_text(&rows, 0, 1), .refunds = pg_integer(&rows, 0, 13),
		.fees = pg_integer(&rows, 0, 14), .sold_rows = pg_integer(&rows, 0, 15) };
	report->grades = arena_array(ctx->arena, (size_t)rows.count, sizeof(*report->grades));
	for (int i = 0; i < rows.count && !pg_is_null(&rows, i, 2); i++)
		read_report_grade(&rows, i, report);
	*ret_report = report;
	return FAULT_NONE;
}

enum fault concert_store_sales(struct ctx *ctx, const struct sale_query *query,
	struct sale **ret_sales, size_t *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_sales, "iii", query->concert.value,
		query->after_position, query->limit);
	if (fault)
		return fault;
	struct sale *sales = arena_array(ctx->arena, (size_t)rows.count, sizeof(*sales));
	for (int i = 0; i < rows.count; i++)
		sales[i] = (struct sale){ .reservation = pg_integer(&rows, i, 0),
			.member = pg_integer(&rows, i, 1), .seat = pg_integer(&rows, i, 2),
			.status = pg_text(&rows, i, 3), .seat_number = pg_text(&rows, i, 4),
			.grade = pg_text(&rows, i, 5), .price = pg_integer(&rows, i, 6),
			.created_ms = pg_integer(&rows, i, 7), .paid_ms = pg_integer(&rows, i, 8),
			.position = pg_integer(&rows, i, 9) };
	*ret_sales = sales;
	*ret_count = (size_t)rows.count;
	return FAULT_NONE;
}

/* The code column as a text of ours: the result may go before the caller is done. */
static enum fault code_of(struct ctx *ctx, enum fault fault, const struct pg_rows *rows,
	const char **ret_code)
{
	if (!fault)
		*ret_code = arena_strdup(ctx->arena, pg_text(rows, 0, 0));
	return fault;
}

static void add_prices(struct strbuf *out, const struct concert_change *change)
{
	if (!change->price_count)
		return;
	strbuf_text(out, out->length > 1 ? ",\"prices\":[" : "\"prices\":[");
	for (size_t i = 0; i < change->price_count; i++)
		strbuf_printf(out, "%s{\"id\":%lld,\"price\":%lld}", i ? "," : "",
			(long long)change->prices[i].id.value, (long long)change->prices[i].price);
	strbuf_byte(out, ']');
}

enum fault concert_store_change(struct ctx *ctx, struct concert_id id, int64_t version,
	const struct concert_change *change, const char **ret_code)
{
	struct pg_rows rows;
	struct strbuf out;
	const char *json = concert_input_json(ctx, &change->input);
	strbuf_init(&out, ctx->arena);
	strbuf_add(&out, json, strlen(json) - 1);
	add_prices(&out, change);
	strbuf_byte(&out, '}');
	return code_of(ctx, pg_query(ctx, &rows, &concert_change_one, "iIt", id.value, version,
		out.data), &rows, ret_code);
}

enum fault concert_store_cancel(struct ctx *ctx, struct concert_id id, int64_t version,
	const char **ret_code)
{
	struct pg_rows rows;
	return code_of(ctx, pg_query(ctx, &rows, &concert_cancel_one, "iIi", id.value, version,
		ctx->member.value), &rows, ret_code);
}

enum fault concert_store_block(struct ctx *ctx, struct concert_id id,
	const struct seat_block *seats, const char **ret_code, const char **ret_seats)
{
	static const int64_t none[1] = { 0 };
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_block, "iAA", id.value,
		seats->block ? seats->block : none, seats->block_count,
		seats->unblock ? seats->unblock : none, seats->unblock_count);
	if ((fault = code_of(ctx, fault, &rows, ret_code)))
		return fault;
	*ret_seats = pg_text(&rows, 0, 1);
	return FAULT_NONE;
}

enum fault concert_store_positions(struct ctx *ctx, struct concert_id id,
	const struct seat_block *seats, struct seat_positions *ret_positions)
{
	static const int64_t none[1] = { 0 };
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_positions, "iAA", id.value,
		seats->block ? seats->block : none, seats->block_count,
		seats->unblock ? seats->unblock : none, seats->unblock_count);
	if (fault)
		return fault;
	size_t count = (size_t)rows.count;
	*ret_positions = (struct seat_positions){
		.blocked = arena_array(ctx->arena, count, sizeof(int64_t)),
		.free = arena_array(ctx->arena, count, sizeof(int64_t)) };
	for (int i = 0; i < rows.count; i++) {
		if (pg_boolean(&rows, i, 1))
			ret_positions->blocked[ret_positions->blocked_count++] = pg_integer(&rows, i, 0);
		else
			ret_positions->free[ret_positions->free_count++] = pg_integer(&rows, i, 0);
	}
	return FAULT_NONE;
}
