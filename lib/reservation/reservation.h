/* Reservations: holding seats, a member's history, cancelling.
 *
 * What is not here: paying (payment/), the queue's rules (queue/), ending holds past their end
 * (the sweeper calls reservation_expire). Rules: booking.md. Money is whole KRW, instants are ms.
 * All results live in the request's arena. The member is ctx->member. */
#ifndef CM_RESERVATION_RESERVATION_H
#define CM_RESERVATION_RESERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/idempotency.h"

struct reserved_seat {
	struct seat_id id;
	const char *number, *grade; /* as they were when held */
	int64_t price;
	int64_t position; /* in layout order, for the seat states */
};

struct reservation {
	struct reservation_id id;
	struct concert_id concert;
	const struct reserved_seat *seats;
	size_t seat_count;
	int64_t amount;
	const char *currency;
	const char *status; /* a PENDING one past its end reads EXPIRED */
	int64_t created_ms, expires_ms, paid_ms; /* paid_ms 0: not paid */
	bool has_refund;
	int64_t refund_amount, fee; /* with has_refund */
};

/* Either seats (seat_count > 0, distinct) or the best count neighbours of a grade. */
struct hold_request {
	struct concert_id concert;
	const int64_t *seats;
	size_t seat_count;
	struct grade_id grade;
	int64_t count;
	const char *section; /* NULL: any */
	const char *pass;    /* the queue's signed pass, looked at while Redis is away; NULL: none */
	struct idempotency idempotency;
};

struct hold {
	struct reservation reservation;
	bool is_new;      /* false: the member's own hold of just these seats */
	bool is_replayed; /* first answer under the Idempotency-Key */
};

/* Holds seats, all or none. Faults: BAD_INPUT, QUEUE_PASS_REQUIRED, QUEUE_PASS_EXPIRED,
 * CONCERT_NOT_FOUND, SEAT_NOT_FOUND (a grade that isn't there is BAD_INPUT), SEAT_TAKEN (seats
 * named in ctx->problem_extra), SOLD_OUT, BOOKING_NOT_OPEN, BOOKING_CLOSED, TICKET_LIMIT_REACHED,
 * IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS, DATABASE_*, OUTCOME_UNKNOWN. ret_hold->is_replayed
 * is written with a fault too. */
enum fault reservation_hold(struct ctx *ctx, const struct hold_request *request,
	struct hold *ret_hold);

/* The member's own; another's is RESERVATION_NOT_FOUND. */
enum fault reservation_get(struct ctx *ctx, struct reservation_id id,
	struct reservation *ret_reservation);

struct reservation_filter {
	const char *status;        /* NULL: any */
	struct concert_id concert; /* 0: any */
	int64_t before_id;         /* 0: from the newest */
	int64_t limit;
};

struct reservation_list {
	struct reservation *items; /* newest first */
	size_t count;
	bool has_more;
};

enum fault reservation_list(struct ctx *ctx, const struct reservation_filter *filter,
	struct reservation_list *ret_list);

struct cancellation {
	const char *status; /* CANCELLED, REFUNDING or REFUNDED */
	int64_t refund_amount, fee;
	bool is_replayed;
};

/* Before payment: cancelled, seats free. After it: seats free, refund by the concert's ladder on
 * record (payment/ makes it). Again: the same answer. Faults: RESERVATION_NOT_FOUND,
 * RESERVATION_EXPIRED, PAYMENT_IN_PROGRESS, REFUND_CLOSED, TICKET_USED, IDEMPOTENCY_KEY_REUSED,
 * REQUEST_IN_PROGRESS, DATABASE_*. */
enum fault reservation_cancel(struct ctx *ctx, struct reservation_id id,
	const struct idempotency *idempotency, struct cancellation *ret_cancellation);

/* Ends up to limit holds past their end; several sweepers may run. */
enum fault reservation_expire(struct ctx *ctx, int64_t limit, int64_t *ret_seats);

#endif
