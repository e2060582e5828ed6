#include "unit.h"

#include "reservation/cancellation.h"

#include "base/banned.h"

static const struct refund_ladder ladder = { .is_free_on_booking_day = true,
	.free_days_after_booking = 7, .free_days_before = 10, .step_count = 4,
	.steps = { { 10, 0, 4000, 10 }, { 7, 10, 0, 0 }, { 3, 20, 0, 0 }, { 1, 30, 0, 0 } } };

static int64_t at(const char *text)
{
	int64_t instant_ms;
	ck_assert(clock_parse(text, &instant_ms));
	return instant_ms;
}

static struct refund_quote quote(const char *booked, const char *now)
{
	struct refund_case paid = { .amount = 150001, .seat_count = 2, .booked_ms = at(booked),
		.now_ms = at(now), .concert_ms = at("2027-03-05T19:00:00+09:00") };
	return refund_quote(ctx.arena, &ladder, &paid);
}

/* Over a month's end, in Asia/Seoul; booked long before. */
START_TEST(each_day_has_its_fee)
{
	static const struct { const char *now; int64_t fee; } days[] = {
		{ "2027-02-13T00:00:00+09:00", 8000 }, { "2027-02-23T23:59:59+09:00", 8000 },
		{ "2027-02-24T00:00:00+09:00", 15000 }, { "2027-02-26T23:59:59+09:00", 15000 },
		{ "2027-02-27T00:00:00+09:00", 30000 }, { "2027-03-02T23:59:59+09:00", 30000 },
		{ "2027-03-03T00:00:00+09:00", 45000 }, { "2027-03-04T23:59:59+09:00", 45000 },
	};
	for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
		struct refund_quote got = quote("2027-01-01T10:00:00+09:00", days[i].now);
		ck_assert_msg(got.is_allowed && got.fee == days[i].fee, "%s: %lld", days[i].now,
			(long long)got.fee);
		ck_assert_int_eq(got.fee + got.refund_amount, 150001);
	}
}
END_TEST

START_TEST(nothing_is_given_back_on_the_day)
{
	ck_assert(!quote("2027-01-01T10:00:00+09:00", "2027-03-05T00:00:00+09:00").is_allowed);
	ck_assert(!quote("2027-03-05T09:00:00+09:00", "2027-03-05T10:00:00+09:00").is_allowed);
	ck_assert(!quote("2027-01-01T10:00:00+09:00", "2027-03-06T00:00:00+09:00").is_allowed);
}
END_TEST

START_TEST(the_day_of_booking_and_the_week_after_are_free)
{
	ck_assert_int_eq(quote("2027-03-03T00:30:00+09:00", "2027-03-03T23:59:00+09:00").fee, 0);
	ck_assert_int_gt(quote("2027-03-03T23:59:00+09:00", "2027-03-04T00:01:00+09:00").fee, 0);
	ck_assert_int_eq(quote("2027-02-10T10:00:00+09:00", "2027-02-17T23:00:00+09:00").fee, 0);
	ck_assert_int_gt(quote("2027-02-10T10:00:00+09:00", "2027-02-18T00:00:00+09:00").fee, 0);
	ck_assert_int_gt(quote("2027-02-20T10:00:00+09:00", "2027-02-24T10:00:00+09:00").fee, 0);
}
END_TEST

/* What 150,001 for two seats cost, by the days that remain; -1: nothing is given back. */
static int64_t wanted_fee(int64_t days)
{
	return days >= 10 ? 8000 : days >= 7 ? 15000 : days >= 3 ? 30000 : days >= 1 ? 45000 : -1;
}

static int64_t fee_at(int64_t now_ms, int64_t concert_ms)
{
	struct refund_case paid = { .amount = 150001, .seat_count = 2, .now_ms = now_ms,
		.booked_ms = concert_ms - INT64_C(100) * 86400000, .concert_ms = concert_ms };
	struct refund_quote got = refund_quote(ctx.arena, &ladder, &paid);
	ck_assert_int_eq(got.refund_amount, got.is_allowed ? 150001 - got.fee : 0);
	return got.is_allowed ? got.fee : -1;
}

/* The day of each concert and the twenty before it, at their first and last millisecond: over the
 * end of months, of a year, and February of a leap year and of none. */
static void check_twenty_days(void)
{
	static const char *const midnights[] = { "2027-03-05T00:00:00+09:00",
		"2027-01-01T00:00:00+09:00", "2027-01-10T00:00:00+09:00", "2028-03-01T00:00:00+09:00",
		"2028-03-10T00:00:00+09:00", "2028-02-29T00:00:00+09:00", "2027-03-01T00:00:00+09:00",
		"2100-03-05T00:00:00+09:00", "2026-12-31T00:00:00+09:00", "2027-05-01T00:00:00+09:00" };
	static const int64_t day_ms = 86400000, starts_ms[] = { 1, 19 * 3600000, 86399999 };
	for (size_t i = 0; i < sizeof(midnights) / sizeof(*midnights); i++)
		for (size_t s = 0; s < sizeof(starts_ms) / sizeof(*starts_ms); s++)
			for (int64_t days = 20; days >= 0; days--) {
				int64_t midnight_ms = at(midnights[i]);
				int64_t first_ms = midnight_ms - days * day_ms;
				int64_t concert_ms = midnight_ms + starts_ms[s];
				ck_assert_msg(fee_at(first_ms, concert_ms) == wanted_fee(days),
					"%s, %lld days before", midnights[i], (long long)days);
				ck_assert_msg(fee_at(first_ms + day_ms - 1, concert_ms)
					== wanted_fee(days), "%s, end of %lld days before",
					midnights[i], (long long)days);
			}
}

START_TEST(twenty_days_before_each_concert)
{
	check_twenty_days();
}
END_TEST

/* The zone is the setting's, wherever the process was started. */
START_TEST(days_are_seouls_for_a_process_of_another_zone)
{
	clock_set_timezone("America/New_York");
	ck_assert_int_eq(fee_at(at("2027-03-03T00:00:00+09:00"), at("2027-03-05T19:00:00+09:00")),
		wanted_fee(3)); /* as nobody wants it */
	clock_set_timezone("Asia/Seoul");
	check_twenty_days();
}
END_TEST

/* Calendar days, not 24 hours: a clock put forward in between makes one of 23. */
START_TEST(a_day_of_23_hours_is_a_day)
{
	clock_set_timezone("America/New_York");
	int64_t concert_ms = at("2027-03-15T19:00:00-04:00");
	ck_assert_int_eq(fee_at(at("2027-03-12T23:59:59-05:00"), concert_ms), 30000);
	ck_assert_int_eq(fee_at(at("2027-03-13T00:00:00-05:00"), concert_ms), 45000);
	ck_assert_int_eq(fee_at(at("2027-03-14T23:59:59-04:00"), concert_ms), 45000);
	ck_assert_int_eq(fee_at(at("2027-03-15T00:00:00-04:00"), concert_ms), -1);
}
END_TEST

START_TEST(fees_are_rounded_down_and_never_above_the_amount)
{
	for (int64_t amount = 0; amount < 3000; amount += 7)
		for (int64_t percent = 0; percent <= 100; percent++) {
			struct refund_ladder one = { .step_count = 1,
				.steps = { { 0, percent, 0, 0 } } };
			struct refund_case paid = { .amount = amount, .seat_count = 1,
				.booked_ms = at("2027-01-01T00:00:00+09:00"),
				.now_ms = at("2027-02-01T00:00:00+09:00"),
				.concert_ms = at("2027-03-05T19:00:00+09:00") };
			struct refund_quote got = refund_quote(ctx.arena, &one, &paid);
			ck_assert_int_le(got.fee * 100, amount * percent);
			ck_assert_int_gt((got.fee + 1) * 100, amount * percent);
			ck_assert_int_eq(got.fee + got.refund_amount, amount);
			one.steps[0] = (struct refund_step){ 0, 0, 4000, percent };
			got = refund_quote(ctx.arena, &one, &paid);
			ck_assert_int_le(got.fee, percent ? amount * percent / 100 : amount);
			ck_assert_int_eq(got.fee + got.refund_amount, amount);
		}
}
END_TEST

/* Free days hold without a step, though never on the day; a step for day 0 opens that too. */
START_TEST(what_is_free_needs_no_step)
{
	struct refund_ladder strict = { .is_free_on_booking_day = true,
		.free_days_after_booking = 3, .free_days_before = 1, .step_count = 1,
		.steps = { { 20, 50, 0, 0 } } };
	struct refund_case paid = { .amount = 1000, .seat_count = 1,
		.booked_ms = at("2027-03-01T10:00:00+09:00"),
		.concert_ms = at("2027-03-05T19:00:00+09:00") };
	static const struct { const char *now; bool is_allowed; } days[] = {
		{ "2027-03-01T23:59:59+09:00", true }, { "2027-03-04T23:59:59+09:00", true },
		{ "2027-03-05T00:00:00+09:00", false },
	};
	for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
		paid.now_ms = at(days[i].now);
		struct refund_quote got = refund_quote(ctx.arena, &strict, &paid);
		ck_assert_int_eq(got.is_allowed, days[i].is_allowed);
		ck_assert_int_eq(got.refund_amount, days[i].is_allowed ? 1000 : 0);
	}
	strict.free_days_after_booking = 0;
	paid.now_ms = at("2027-03-02T00:00:00+09:00");
	ck_assert(!refund_quote(ctx.arena, &strict, &paid).is_allowed);
	strict.steps[0].days_before = 0;
	paid.now_ms = at("2027-03-05T18:59:59+09:00");
	ck_assert_int_eq(refund_quote(ctx.arena, &strict, &paid).refund_amount, 500);
	paid.now_ms = at("2027-03-05T19:00:00+09:00");
	ck_assert(!refund_quote(ctx.arena, &strict, &paid).is_allowed);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { each_day_has_its_fee, nothing_is_given_back_on_the_day,
		the_day_of_booking_and_the_week_after_are_free, twenty_days_before_each_concert,
		days_are_seouls_for_a_process_of_another_zone, a_day_of_23_hours_is_a_day,
		fees_are_rounded_down_and_never_above_the_amount, what_is_free_needs_no_step, NULL };
	return unit_main("cancellation", tests);
}
