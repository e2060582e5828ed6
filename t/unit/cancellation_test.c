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

int main(void)
{
	const TTest *tests[4] = { NULL };
	size_t count = 0;
	tests[count++] = each_day_has_its_fee;
	tests[count++] = nothing_is_given_back_on_the_day;
	tests[count++] = the_day_of_booking_and_the_week_after_are_free;
	return unit_main("cancellation", tests);
}
