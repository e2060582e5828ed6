#include "unit.h"

#include "concert/organise.h"
#include "concert/report.h"
#include "fake/concert_mem.h"

static const int64_t day_ms = INT64_C(86400000);

static void forget(void)
{
	memset(&concert_memory, 0, sizeof(concert_memory));
}

START_TEST(keyword_quotes)
{
	static const struct { const char *given, *wanted; bool phrase; } table[] = {
		{ "sample", "sample", false }, { "\"sample\"", "sample", true },
		{ "  \" two words \"  ", "two words", true }, { "'x'", "x", true },
		{ "“샘플 콘서트”", "샘플 콘서트", true }, { "\"\"", NULL, true }, { "   ", NULL, false },
		{ "\"half", "\"half", false }, { "\"", "\"", false }, { "\"\"x\"\"", "\"x\"", true },
		{ "봄날의 재즈", "봄날의 재즈", false },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct concert_filter filter = { .limit = 1 };
		concert_keyword(&ctx, table[i].given, &filter);
		ck_assert_pstr_eq(filter.keyword, table[i].wanted);
		ck_assert_int_eq(filter.phrase, table[i].phrase);
	}
}
END_TEST

START_TEST(list_pages)
{
	struct concert *rows;
	size_t count;
	bool more;
	struct concert_filter filter = { .limit = 2 };
	forget();
	for (int i = 0; i < 3; i++)
		concert_memory.concerts[concert_memory.concert_count++] =
			(struct concert){ .id = { i + 1 }, .status = "PUBLISHED" };
	ck_assert_int_eq(concert_list(&ctx, &filter, &rows, &count, &more), FAULT_NONE);
	ck_assert_uint_eq(count, 2);
	ck_assert(more);
	filter.limit = 3;
	ck_assert_int_eq(concert_list(&ctx, &filter, &rows, &count, &more), FAULT_NONE);
	ck_assert_uint_eq(count, 3);
	ck_assert(!more);
	filter.from_ms = 2;
	filter.to_ms = 1;
	ck_assert_int_eq(concert_list(&ctx, &filter, &rows, &count, &more), FAULT_BAD_INPUT);
	ck_assert_int_eq(concert_memory.calls, 2);
}
END_TEST

START_TEST(drafts_are_hidden)
{
	struct concert *concert;
	forget();
	concert_memory.concerts[concert_memory.concert_count++] =
		(struct concert){ .id = { 7 }, .status = "DRAFT" };
	ctx.role = ROLE_USER;
	ck_assert_int_eq(concert_get(&ctx, (struct concert_id){ 7 }, &concert),
		FAULT_CONCERT_NOT_FOUND);
	ck_assert_int_eq(concert_get(&ctx, (struct concert_id){ 8 }, &concert),
		FAULT_CONCERT_NOT_FOUND);
	ctx.role = ROLE_ADMIN;
	ck_assert_int_eq(concert_get(&ctx, (struct concert_id){ 7 }, &concert), FAULT_NONE);
}
END_TEST

START_TEST(seat_must_exist)
{
	struct seat *seat;
	forget();
	concert_memory.seat.id.value = 5;
	ck_assert_int_eq(seat_get(&ctx, (struct seat_id){ 5 }, &seat), FAULT_NONE);
	ck_assert_int_eq(seat_get(&ctx, (struct seat_id){ 6 }, &seat), FAULT_SEAT_NOT_FOUND);
}
END_TEST

static enum fault create(const struct concert_input *input)
{
	struct concert *concert;
	forget();
	ctx.role = ROLE_ADMIN;
	ctx.errors = NULL;
	return concert_create(&ctx, input, &concert);
}

START_TEST(window)
{
	int64_t now = ctx.now_ms;
	const struct concert_input good = { .title = "t", .place = "p", .date_time_ms = now + day_ms };
	ck_assert_int_eq(create(&good), FAULT_NONE);
	ck_assert_int_eq(concert_memory.seats_made, 15);
	static const struct { int64_t start, open, close, lobby; const char *field; } bad[] = {
		{ -1, 0, 0, 0, "dateTime" }, { 10, 6, 5, 0, "reservationOpenAt" },
		{ 10, 5, 5, 0, "reservationOpenAt" }, { 10, 0, 11, 0, "reservationCloseAt" },
		{ 10, 0, -1, 0, "reservationCloseAt" }, { 10, 5, 6, 7, "queue.lobbyAt" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct concert_input input = good;
		input.date_time_ms = now + bad[i].start * day_ms;
		input.open_at_ms = bad[i].open ? now + bad[i].open * day_ms : 0;
		input.close_at_ms = bad[i].close ? now + bad[i].close * day_ms : 0;
		input.lobby_at_ms = bad[i].lobby ? now + bad[i].lobby * day_ms : 0;
		ck_assert_int_eq(create(&input), FAULT_BAD_INPUT);
		bool named = false;
		for (const struct field_error *error = ctx.errors; error; error = error->next)
			named |= strcmp(error->field, bad[i].field) == 0;
		ck_assert_msg(named, "row %zu", i);
		ck_assert_int_eq(concert_memory.calls, 0);
	}
}
END_TEST

static struct layout one_grade(struct layout_grade *grade, struct layout_section *section,
	struct layout_row *rows, size_t count)
{
	*section = (struct layout_section){ "1F", rows, count };
	*grade = (struct layout_grade){ "R", 1000, section, 1 };
	return (struct layout){ grade, 1 };
}

START_TEST(layouts)
{
	static struct { struct layout_row rows[2]; size_t count; const char *field; } table[] = {
		{ { { "A", 1, 10 }, { "A", 11, 20 } }, 2, NULL },
		{ { { "A", 1, 10 }, { "B", 1, 10 } }, 2, NULL },
		{ { { "A", 1, 100000 } }, 1, NULL },
		{ { { "A", 1, 10 }, { "A", 10, 20 } }, 2, "grades[0].sections[0].rows[1]" },
		{ { { "A", 5, 4 } }, 1, "grades[0].sections[0].rows[0]" },
		{ { { "A", 1, 100000 }, { "B", 1, 1 } }, 2, "grades" },
		{ { { "A", 1, 1 } }, 0, "grades" },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct layout_grade grade;
		struct layout_section section;
		struct layout layout = one_grade(&grade, &section, table[i].rows, table[i].count);
		ctx.errors = NULL;
		enum fault fault = layout_check(&ctx, &layout);
		ck_assert_int_eq(fault, table[i].field ? FAULT_BAD_INPUT : FAULT_NONE);
		if (table[i].field)
			ck_assert_str_eq(ctx.errors->field, table[i].field);
	}
	struct layout_grade twice[2] = { layout_default()->grades[0], layout_default()->grades[0] };
	struct layout layout = { twice, 2 };
	ck_assert_int_eq(layout_check(&ctx, &layout), FAULT_BAD_INPUT);
}
END_TEST

START_TEST(layout_text)
{
	struct layout_row rows[] = { { "A\"", 1, 2 } };
	struct layout_grade grade;
	struct layout_section section;
	struct layout layout = one_grade(&grade, &section, rows, 1);
	ck_assert_str_eq(layout_json(&ctx, &layout), "[{\"name\":\"R\",\"price\":1000,\"sections\":"
		"[{\"name\":\"1F\",\"rows\":[{\"label\":\"A\\\"\",\"from\":1,\"to\":2}]}]}]");
}
END_TEST

START_TEST(changes)
{
	static const struct { const char *code; enum fault fault; } table[] = {
		{ "OK", FAULT_NONE }, { "STALE", FAULT_VERSION_MISMATCH },
		{ "CANCELLED", FAULT_CONCERT_CANCELLED }, { "HAS_SALES", FAULT_CONCERT_HAS_SALES },
		{ "NOT_FOUND", FAULT_CONCERT_NOT_FOUND }, { "WINDOW", FAULT_BAD_INPUT },
		{ "GRADE_NOT_FOUND", FAULT_BAD_INPUT },
	};
	struct concert *concert;
	const struct concert_change change = { .input = { .title = "t" } };
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		forget();
		concert_memory.concerts[concert_memory.concert_count++] =
			(struct concert){ .id = { 1 }, .status = "PUBLISHED" };
		concert_memory.code = table[i].code;
		ck_assert_int_eq(concert_change(&ctx, (struct concert_id){ 1 }, 1, &change, &concert),
			table[i].fault);
	}
}
END_TEST

START_TEST(blocking)
{
	const int64_t one[] = { 1 }, two[] = { 2, 1 };
	struct seat_block nothing = { .block = one }, both = { one, two, 1, 2 },
		good = { .block = two, .block_count = 2 };
	struct seat_positions at;
	forget();
	ck_assert_int_eq(seats_block(&ctx, (struct concert_id){ 1 }, &nothing, &at), FAULT_BAD_INPUT);
	ck_assert_int_eq(seats_block(&ctx, (struct concert_id){ 1 }, &both, &at), FAULT_BAD_INPUT);
	ck_assert_int_eq(concert_memory.calls, 0);
	ck_assert_int_eq(seats_block(&ctx, (struct concert_id){ 1 }, &good, &at), FAULT_NONE);
	concert_memory.code = "TAKEN";
	concert_memory.taken = "7\x1f" "A-1\x1e" "8\x1f" "B\"-2\x1e";
	ck_assert_int_eq(seats_block(&ctx, (struct concert_id){ 1 }, &good, &at), FAULT_SEAT_TAKEN);
	ck_assert_str_eq(ctx.problem_extra, "\"seats\":[{\"id\":7,\"seatNumber\":\"A-1\"},"
		"{\"id\":8,\"seatNumber\":\"B\\\"-2\"}]");
}
END_TEST

START_TEST(soundness)
{
	struct report_grade grade = { .grade = { .total_seats = 3, .available_seats = 2,
		.sold_seats = 1 }, .paid_seats = 1 };
	struct report report = { .sold_rows = 1, .grades = &grade, .grade_count = 1 };
	ck_assert(report_is_sound(&report));
	report.sold_rows = 2;
	ck_assert(!report_is_sound(&report));
	report.sold_rows = 1;
	grade.paid_seats = 0;
	ck_assert(!report_is_sound(&report));
	grade.paid_seats = 1;
	grade.grade.held_seats = 1;
	ck_assert(!report_is_sound(&report));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { keyword_quotes, list_pages, drafts_are_hidden, seat_must_exist,
		window, layouts, layout_text,
		changes, blocking, soundness, NULL };
	return unit_main("concert", tests);
}
