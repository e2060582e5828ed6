/* What cancelling a paid reservation costs: the concert's fee ladder applied to one case.
 *
 * Days are calendar days in the process' zone. The default ladder is the Korean practice: free on
 * the day of booking, free within 7 days of it while 10 or more days remain, then 4,000 a ticket
 * (at most 10 %), 10 % from 9 days before, 20 % from 6, 30 % from 2; nothing on the day itself.
 * What is free is so whatever the steps say, but for the day itself, which needs a step.
 * Integers only; a fee is rounded down, in the member's favour. */
#ifndef CM_RESERVATION_CANCELLATION_H
#define CM_RESERVATION_CANCELLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { REFUND_STEPS = 16 };

/* Holds while at least days_before days remain. The fee is percent of the amount, or per_ticket
 * for each seat but at most most_percent of the amount (0: no cap). */
struct refund_step {
	int64_t days_before, percent, per_ticket, most_percent;
};

struct refund_ladder {
	bool is_free_on_booking_day;
	int64_t free_days_after_booking, free_days_before; /* both must hold; 0, 0: never */
	struct refund_step steps[REFUND_STEPS];            /* most days first */
	size_t step_count;
};

struct refund_case {
	int64_t amount, seat_count;
	int64_t booked_ms, concert_ms, now_ms;
};

struct refund_quote {
	bool is_allowed;
	int64_t refund_amount, fee; /* sum is the case's amount */
};

struct refund_quote refund_quote(struct arena *arena, const struct refund_ladder *ladder,
	const struct refund_case *refund_case);

#endif
