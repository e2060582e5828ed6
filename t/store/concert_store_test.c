/* concert_store.h on PostgreSQL: on an instance with demo data. */
#include "store.h"

#include "concert/concert_store.h"

/* As the pool does: with no more rights than it has. */
static void connect_store(void)
{
	pg_free(ctx.pg);
	ctx.pg = pg_new(conf_text(CONF_DATABASE_URL), "cm_concert");
	ctx.role = ROLE_ADMIN;
}

START_TEST(scenario)
{
	struct concert_filter filter = { .limit = 20 };
	struct concert *rows, *concert;
	struct seat *seat;
	size_t count;
	bool more;
	connect_store();
	concert_keyword(&ctx, "\"sample\"", &filter);
	ck_assert_int_eq(concert_list(&ctx, &filter, &rows, &count, &more), FAULT_NONE);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(rows[0].id.value, 802);
	ck_assert_int_eq(rows[0].available_seats, 200);
	ck_assert_int_eq(concert_get(&ctx, rows[0].id, &concert), FAULT_NONE);
	ck_assert_uint_eq(concert->grade_count, 3);
	ck_assert_int_eq(concert->grades[0].available_seats, concert->grades[0].total_seats);
	ck_assert_str_eq(concert->queue.mode, "on");
	ck_assert_int_eq(seat_get(&ctx, (struct seat_id){ 665 }, &seat), FAULT_NONE);
	ck_assert_str_eq(seat->number, "A-12");
	ck_assert_int_eq(seat->concert.value, 802);
	ck_assert_str_eq(seat->grade, "VIP");
	ck_assert_int_eq(seat->price, 150000);
	ck_assert_uint_eq(ctx.statements, 4);
	ck_assert_int_eq(seat_get(&ctx, (struct seat_id){ 666 }, &seat), FAULT_NONE);
	ck_assert_str_eq(seat->grade, "VIP");
	ck_assert_uint_eq(ctx.statements, 5); /* the grade is known for a second */
}
END_TEST

START_TEST(create_default)
{
	struct concert_input input = { .title = "새 공연", .place = "홀",
		.date_time_ms = ctx.now_ms + 86400000, .queue_mode = "none", .layout = NULL };
	struct concert *concert;
	connect_store();
	ck_assert_int_eq(concert_create(&ctx, &input, &concert), FAULT_NONE);
	ck_assert_int_eq(concert->seat_count, 15);
	ck_assert_int_eq(concert->available_seats, 15);
	ck_assert_int_eq(concert->close_at_ms, input.date_time_ms);
	ck_assert_str_eq(concert->queue.mode, "none");
	ck_assert_str_eq(concert->grades[1].name, "R");
	ck_assert_uint_eq(ctx.statements, 2);
}
END_TEST

START_TEST(pages_meet)
{
	struct concert *rows;
	size_t count, seen = 0;
	bool more = true;
	struct concert_filter filter = { .limit = 2 };
	connect_store();
	concert_keyword(&ctx, "콘서트", &filter);
	while (more) {
		ck_assert_int_eq(concert_list(&ctx, &filter, &rows, &count, &more), FAULT_NONE);
		for (size_t i = 0; i < count; i++)
			ck_assert(rows[i].rank > filter.after[0] || rows[i].date_time_ms > filter.after[1]);
		seen += count;
		filter.has_after = true;
		filter.after[0] = rows[count - 1].rank;
		filter.after[1] = rows[count - 1].date_time_ms;
		filter.after[2] = rows[count - 1].id.value;
	}
	ck_assert_uint_eq(seen, 3); /* 801, 802 and 805 of the demo */
}
END_TEST

START_TEST(hundred_thousand_seats)
{
	struct layout_row row = { "A", 1, 100000 };
	struct layout_section section = { "", &row, 1 };
	struct layout_grade grade = { "R", 1000, &section, 1 };
	struct layout layout = { &grade, 1 };
	struct concert_input input = { .title = "큰 공연", .place = "홀",
		.date_time_ms = ctx.now_ms + 86400000, .layout = &layout };
	struct concert *concert;
	connect_store();
	ck_assert_int_eq(concert_create(&ctx, &input, &concert), FAULT_NONE);
	ck_assert_int_eq(concert->available_seats, 100000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { scenario, create_default, pages_meet, hundred_thousand_seats,
		NULL };
	return store_main("concert store", tests);
}
