/* What an organiser reads about sales: sums by grade, live invariants, and every sold seat.
 * Money is whole KRW. */
#ifndef CM_CONCERT_REPORT_H
#define CM_CONCERT_REPORT_H

#include "concert/concert.h"

struct report_grade {
	struct grade grade;
	int64_t revenue;        /* of its seats that are paid and not given back */
	int64_t paid_seats;     /* by reservations; equals grade.sold_seats */
	int64_t returned_seats; /* of reservations refunded or being refunded */
};

struct report {
	struct concert_id concert;
	const char *title, *status;
	int64_t refunds, fees;  /* returned to members, kept by the fee ladder */
	int64_t sold_rows;      /* seats whose state is SOLD; equals the sum of sold_seats */
	struct report_grade *grades;
	size_t grade_count;
};

/* One sold seat, for the export. */
struct sale {
	int64_t reservation, member, seat, position;
	const char *status, *seat_number, *grade;
	int64_t price, created_ms, paid_ms;
};

struct sale_query {
	struct concert_id concert;
	int64_t after_position; /* of the last one seen; -1: from the start */
	int64_t limit;
};

/* Fault: CONCERT_NOT_FOUND. */
enum fault report_get(struct ctx *ctx, struct concert_id id, struct report **ret_report);
/* Sold = paid in every grade, by counters, reservations and seats alike. */
bool report_is_sound(const struct report *report);
/* The next sales after a layout position (-1: from the start), in layout order. */
enum fault report_sales(struct ctx *ctx, struct concert_id id, int64_t after_position,
	struct sale **ret_sales, size_t *ret_count);

#endif
