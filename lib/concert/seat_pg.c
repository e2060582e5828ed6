#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "concert/concert_store.h"
#include "pg/pg.h"

#include "base/banned.h"

/* Of the hot path: one row of one table. */
PG_STATEMENT(concert_find_seat,
	"select concert_id, grade_id, seat_number, state, state = 'HELD' and held_until <= now()"
	" from seat where id = $1");
PG_STATEMENT(concert_seat_grade,
	"select g.name, g.price, c.status = 'DRAFT'"
	" from seat_grade g join concert c on c.id = g.concert_id where g.id = $1");
/* A hold past its end is free, unless its payment is in flight. */
PG_STATEMENT(concert_seat_overdue,
	"select case when s.state = 'HELD' and s.held_until <= now()"
	" and not exists (select from reservation r where r.id = s.reservation_id and r.paying)"
	" then 'AVAILABLE' else s.state end from seat s where s.id = $1");

/* What a grade is called and costs is kept as long as nginx keeps the concert's page. */
enum { KEPT = 256, FRESH_US = 1000000, NAME_BYTES = 50 * 4 + 1 };

static struct kept_grade {
	int64_t id, price, loaded_us;
	bool is_draft; /* its concert isn't public yet */
	char name[NAME_BYTES];
} kept[KEPT];

static enum fault load_grade(struct ctx *ctx, int64_t id, struct kept_grade *grade)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_seat_grade, "i", id);
	if (fault)
		return fault;
	if (!rows.count) {
		ctx->log_detail = "a seat without its grade";
		return FAULT_INTERNAL;
	}
	*grade = (struct kept_grade){ .id = id, .price = pg_integer(&rows, 0, 1),
		.loaded_us = clock_monotonic_us(), .is_draft = pg_boolean(&rows, 0, 2) };
	snprintf(grade->name, sizeof(grade->name), "%s", pg_text(&rows, 0, 0));
	return FAULT_NONE;
}

static enum fault grade_of(struct ctx *ctx, int64_t id, const struct kept_grade **ret_grade)
{
	struct kept_grade *grade = &kept[id % KEPT];
	bool is_fresh = grade->id == id && !grade->is_draft
		&& clock_monotonic_us() - grade->loaded_us < FRESH_US;
	*ret_grade = grade;
	return is_fresh ? FAULT_NONE : load_grade(ctx, id, grade);
}

static enum fault overdue_state(struct ctx *ctx, struct seat *seat)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &concert_seat_overdue, "i", seat->id.value);
	if (!fault && rows.count)
		seat->state = pg_text(&rows, 0, 0);
	return fault;
}

enum fault concert_store_find_seat(struct ctx *ctx, struct seat_id id, struct seat **ret_seat)
{
	struct pg_rows rows;
	const struct kept_grade *grade;
	enum fault fault = pg_query(ctx, &rows, &concert_find_seat, "i", id.value);
	if (fault)
		return fault;
	*ret_seat = NULL;
	if (!rows.count)
		return FAULT_NONE;
	if ((fault = grade_of(ctx, pg_integer(&rows, 0, 1), &grade)))
		return fault;
	if (grade->is_draft)
		return FAULT_NONE;
	struct seat *seat = arena_alloc(ctx->arena, sizeof(*seat));
	*seat = (struct seat){ .id = id, .concert = { pg_integer(&rows, 0, 0) },
		.number = pg_text(&rows, 0, 2), .grade = grade->name, .price = grade->price,
		.state = pg_text(&rows, 0, 3) };
	if (pg_boolean(&rows, 0, 4) && (fault = overdue_state(ctx, seat)))
		return fault;
	*ret_seat = seat;
	return FAULT_NONE;
}
