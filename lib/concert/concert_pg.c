#include <string.h>

#include "concert/concert_store.h"
#include "pg/pg.h"

#include "base/banned.h"

/* Columns of a list's row, and of the head of a detail. */
#define CONCERT_COLUMNS \
	"c.id, c.title, c.artist, c.place, " PG_MS("c.date_time") ", " \
	PG_MS("c.reservation_open_at") ", " PG_MS("c.reservation_close_at") ", c.status, " \
	"c.min_price, c.max_price, "

/* Parameters of both lists: 1 from, 2 to, 3 status, 4 drafts, 5 and 6 start and id of the last row
 * seen, 7 limit; of the search besides: 8 keyword, 9 phrase, 10 rank of the last row seen or -1. */
#define CONCERT_FILTER \
	"c.date_time >= coalesce(to_timestamp($1 / 1000.0), '-infinity') " \
	"and c.date_time < coalesce(to_timestamp($2 / 1000.0), 'infinity') " \
	"and ($3::text is null or c.status = $3) and (c.status <> 'DRAFT' or $4::boolean) "
#define CONCERT_AFTER \
	"coalesce(to_timestamp($5 / 1000.0), '-infinity'), coalesce($6::bigint, 0)) "

#define CONCERT_AVAILABLE \
	"(select coalesce(sum(available), 0)::bigint from seat_counter a where a.concert_id = c.id) "

/* The counters are summed for the rows of the page only. */
PG_STATEMENT(concert_list_by_date,
	"select " CONCERT_COLUMNS CONCERT_AVAILABLE ", 0 "
	"from (select * from concert c where " CONCERT_FILTER
	"and (c.date_time, c.id) > (" CONCERT_AFTER
	"order by c.date_time, c.id limit $7) c order by c.date_time, c.id");

/* Where a concert has all the words: 0 in the title, 1 in the artist, 2 in the place, 3 anywhere;
 * NULL when some are missing. */
#define ALL_IN(text) "bool_and(strpos(" text ", word) > 0) "
#define LINE(n) "split_part(c.search_text, e'\\n', " n ")"
#define CONCERT_RANK \
	"(select case when not " ALL_IN("c.search_text") "then null when " ALL_IN(LINE("1")) \
	"then 0 when " ALL_IN(LINE("2")) "then 1 when " ALL_IN(LINE("3")) "then 2 else 3 end as rank " \
	"from unnest(k.words) as word) "

/* A word that half of all concerts have costs what each row costs: the keyword is folded once, and
 * the rank worked out once a row and without a function's start. */
PG_STATEMENT(concert_list_by_keyword,
	"select " CONCERT_COLUMNS CONCERT_AVAILABLE ", c.rank "
	"from (select c.*, m.rank from (select search_terms($8::text) as terms, "
	"case when $9::boolean then array[search_fold($8)] "
	"else string_to_array(search_fold($8), ' ') end as words offset 0) k "
	"join concert c on c.search_words @> k.terms cross join lateral " CONCERT_RANK "m "
	"where k.terms <> '{}' and " CONCERT_FILTER
	"and m.rank is not null and (m.rank, c.date_time, c.id) > ($10::bigint, " CONCERT_AFTER
	"order by m.rank, c.date_time, c.id limit $7) c order by c.rank, c.date_time, c.id");

/* One row a grade, the concert's own columns in each. */
PG_STATEMENT(concert_find,
	"select " CONCERT_COLUMNS
	"c.description, c.max_tickets_per_member, c.hold_seconds, c.version, c.layout_version, "
	"c.seat_count, c.queue_mode, c.queue_rate_per_second, c.queue_capacity, "
	PG_MS("c.queue_lobby_at") ", c.queue_paused, c.cancellation, "
	"g.id, g.name, g.price, g.seat_count, a.available, a.held, a.sold, a.blocked "
	"from concert c left join seat_grade g on g.concert_id = c.id "
	"left join lateral (select sum(available)::bigint as available, sum(held)::bigint as held, "
	"sum(sold)::bigint as sold, sum(blocked)::bigint as blocked "
	"from seat_counter n where n.concert_id = c.id and n.grade_id = g.id) a on true "
	"where c.id = $1 order by g.first_position, g.id limit 1000");

/* 100,000 seats take seconds: longer than the role's own statement_timeout of 20 s. */
enum { LAYOUT_CALL_MS = 21000 };

PG_STATEMENT(concert_create_one,
	"select code, id from concert_create($1::jsonb, $2::jsonb, $3)");

static void read_head(const struct pg_rows *rows, int row, struct concert *concert)
{
	concert->id.value = pg_integer(rows, row, 0);
	concert->title = pg_text(rows, row, 1);
	concert->artist = pg_text(rows, row, 2);
	concert->place = pg_text(rows, row, 3);
	concert->date_time_ms = pg_integer(rows, row, 4);
	concert->open_at_ms = pg_integer(rows, row, 5);
	concert->close_at_ms = pg_integer(rows, row, 6);
	concert->status = pg_text(rows, row, 7);
	concert->min_price = pg_integer(rows, row, 8);
	concert->max_price = pg_integer(rows, row, 9);
}

enum fault concert_store_list(struct ctx *ctx, const struct concert_filter *filter,
	struct concert **ret_concerts, size_t *ret_count)
{
	struct pg_rows rows;
	enum fault fault = filter->keyword
		? pg_query(ctx, &rows, &concert_list_by_keyword, "IItbIIitbi", filter->from_ms,
			filter->to_ms, filter->status, (int)filter->drafts, filter->after[1],
			filter->after[2], filter->limit + 1, filter->keyword, (int)filter->phrase,
			filter->has_after ? filter->after[0] : INT64_C(-1))
		: pg_query(ctx, &rows, &concert_list_by_date, "IItbIIi", filter->from_ms,
			filter->to_ms, filter->status, (int)filter->drafts, filter->after[1],
			filter->after[2], filter->limit + 1);
	if (fault)
		return fault;
	struct concert *concerts = arena_array(ctx->arena, (size_t)rows.count, sizeof(*concerts));
	for (int i = 0; i < rows.count; i++) {
		read_head(&rows, i, &concerts[i]);
		concerts[i].available_seats = pg_integer(&rows, i, 10);
		concerts[i].rank = pg_integer(&rows, i, 11);
	}
	*ret_concerts = concerts;
	*ret_count = (size_t)rows.count;
	return FAULT_NONE;
}

static void read_detail(const struct pg_rows *rows, struct concert *concert)
{
	concert->description = pg_text(rows, 0, 10);
	concert->max_tickets_per_member = pg_integer(rows, 0, 11);
	concert->hold_seconds = pg_integer(rows, 0, 12);
	concert->version = pg_integer(rows, 0, 13);
	concert->layout_version = pg_integer(rows, 0, 14);
	concert->seat_count = pg_integer(rows, 0, 15);
	concert->queue = (struct queue_terms){ .mode = pg_text(rows, 0, 16),
		.rate_per_second = pg_integer(rows, 0, 17), .capacity = pg_integer(rows, 0, 18),
		.lobby_at_ms = pg_integer(rows, 0, 19), .paused = pg_boolean(rows, 0, 20) };
	concert->cancellation = pg_text(rows, 0, 21);
}

static void read_grade(const struct pg_rows *rows, int row, struct concert *concert)
{
	struct grade *grade = &concert->grades[concert->grade_count++];
	*grade = (struct grade){ .id = { pg_integer(rows, row, 22) }, .name = pg_text(rows, row, 23),
		.price = pg_integer(rows, row, 24), .total_seats = pg_integer(rows, row, 25),
		.available_seats = pg_integer(rows, row, 26), .held_seats = pg_integer(rows, row, 27),
		.sold_seats = pg_integer(rows, row, 28), .blocked_seats = pg_integer(rows, row, 29) };
	concert->available_seats += grade->available_seats;
}

enum fault concert_store_find(struct ctx *ctx, struct concert_id id, struct concert **ret_concert)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_find, "i", id.value);
	if (fault)
		return fault;
	*ret_concert = NULL;
	if (!rows.count)
		return FAULT_NONE;
	struct concert *concert = arena_alloc(ctx->arena, sizeof(*concert));
	read_head(&rows, 0, concert);
	read_detail(&rows, concert);
	concert->grades = arena_array(ctx->arena, (size_t)rows.count, sizeof(*concert->grades));
	for (int i = 0; i < rows.count && !pg_is_null(&rows, i, 22); i++)
		read_grade(&rows, i, concert);
	*ret_concert = concert;
	return FAULT_NONE;
}

enum fault concert_store_create(struct ctx *ctx, const struct concert_input *input,
	struct concert_id *ret_id)
{
	struct pg_rows rows;
	ctx->database_call_ms = LAYOUT_CALL_MS;
	enum fault fault = pg_query(ctx, &rows, &concert_create_one, "ttI",
		concert_input_json(ctx, input), layout_json(ctx, input->layout), ctx->member.value);
	if (fault)
		return fault;
	if (strcmp(pg_text(&rows, 0, 0), "OK") != 0)
		return ctx_field_error(ctx, "grades", "conflict");
	ret_id->value = pg_integer(&rows, 0, 1);
	return FAULT_NONE;
}
