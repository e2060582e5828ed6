#include "reservation/cancellation.h"

#include "base/clock.h"

#include "base/banned.h"

static int64_t digits(const char *text, int count)
{
	int64_t value = 0;
	for (int i = 0; i < count; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

/* Days since 0000-03-01 of the calendar day an instant falls on in the process' zone. */
static int64_t day_of(struct arena *arena, int64_t instant_ms)
{
	const char *text = clock_format(arena, instant_ms);
	int64_t year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
	if (month < 3)
		year--;
	month = (month + 9) % 12;
	return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
}

static int64_t fee_of(const struct refund_step *step, const struct refund_case *refund_case)
{
	int64_t fee = refund_case->amount * step->percent / 100;
	if (step->per_ticket) {
		int64_t most = refund_case->amount * step->most_percent / 100;
		fee = step->per_ticket * refund_case->seat_count;
		if (step->most_percent && fee > most)
			fee = most;
	}
	return fee > refund_case->amount ? refund_case->amount : fee;
}

static bool is_free(const struct refund_ladder *ladder, int64_t since_booking, int64_t remaining)
{
	if (ladder->is_free_on_booking_day && since_booking == 0)
		return true;
	return ladder->free_days_after_booking > 0
		&& since_booking <= ladder->free_days_after_booking
		&& remaining >= ladder->free_days_before;
}

struct refund_quote refund_quote(struct arena *arena, const struct refund_ladder *ladder,
	const struct refund_case *refund_case)
{
	struct refund_quote quote = { 0 };
	int64_t today = day_of(arena, refund_case->now_ms);
	int64_t remaining = day_of(arena, refund_case->concert_ms) - today;
	int64_t since_booking = today - day_of(arena, refund_case->booked_ms);
	if (refund_case->now_ms >= refund_case->concert_ms)
		return quote;
	for (size_t i = 0; i < ladder->step_count && !quote.is_allowed; i++) {
		if (remaining < ladder->steps[i].days_before)
			continue;
		quote.is_allowed = true;
		quote.fee = fee_of(&ladder->steps[i], refund_case);
	}
	/* on the day itself only a step can allow it */
	if ((quote.is_allowed || remaining > 0) && is_free(ladder, since_booking, remaining))
		quote = (struct refund_quote){ .is_allowed = true };
	quote.refund_amount = quote.is_allowed ? refund_case->amount - quote.fee : 0;
	return quote;
}
