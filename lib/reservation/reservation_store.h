/* What reservations need of a database. Defined in reservation_pg.c, and in t/fake for tests. */
#ifndef CM_RESERVATION_RESERVATION_STORE_H
#define CM_RESERVATION_RESERVATION_STORE_H

#include "concert/seat_state.h"
#include "reservation/cancellation.h"
#include "reservation/reservation.h"

/* One row a code: symbol, the fault it means to a member. Codes come from cm.reservation_hold. */
#define HOLD_CODES(CODE)                             \
	CODE(HELD, NONE)                             \
	CODE(SAME, NONE)                             \
	CODE(SEAT_TAKEN, SEAT_TAKEN)                 \
	CODE(SOLD_OUT, SOLD_OUT)                     \
	CODE(LIMIT, TICKET_LIMIT_REACHED)            \
	CODE(NOT_OPEN, BOOKING_NOT_OPEN)             \
	CODE(CLOSED, BOOKING_CLOSED)                 \
	CODE(CONCERT_NOT_FOUND, CONCERT_NOT_FOUND)   \
	CODE(SEAT_NOT_FOUND, SEAT_NOT_FOUND)         \
	CODE(GRADE_NOT_FOUND, BAD_INPUT)             \
	CODE(BUSY, SEAT_TAKEN)                       \
	CODE(KEY_RUNNING, REQUEST_IN_PROGRESS)       \
	CODE(KEY_REUSED, IDEMPOTENCY_KEY_REUSED)     \
	CODE(NONE, INTERNAL)

enum hold_code {
#define CODE(symbol, fault) HOLD_##symbol,
	HOLD_CODES(CODE)
#undef CODE
	HOLD_CODE_COUNT
};

struct hold_outcome {
	enum hold_code code;
	bool is_replayed;
	struct reservation reservation;    /* HELD, SAME */
	const struct reserved_seat *taken; /* SEAT_TAKEN: id and number */
	size_t taken_count;
};

/* One call, one transaction. A seat that is taken for the last line of defence is SEAT_TAKEN. */
enum fault reservation_store_hold(struct ctx *ctx, const struct hold_request *request,
	struct hold_outcome *ret_outcome);
/* The first answer under the key; NONE when the key is new. */
enum fault reservation_store_replay(struct ctx *ctx, const struct idempotency *idempotency,
	struct hold_outcome *ret_outcome);

/* RESERVATION_NOT_FOUND when it isn't the member's. */
enum fault reservation_store_get(struct ctx *ctx, struct reservation_id id,
	struct reservation *ret_reservation);
enum fault reservation_store_list(struct ctx *ctx, const struct reservation_filter *filter,
	struct reservation_list *ret_list);

/* The seats a reservation has or had, with their states now. */
enum fault reservation_store_seat_letters(struct ctx *ctx, struct reservation_id id,
	const struct seat_change **ret_seats, size_t *ret_count);

enum cancel_code {
	CANCEL_CANCELLED, CANCEL_ALREADY, CANCEL_EXPIRED, CANCEL_PAYING, CANCEL_PAID,
	CANCEL_REFUNDING, CANCEL_NOT_FOUND, CANCEL_KEY_RUNNING, CANCEL_KEY_REUSED,
	CANCEL_CODE_COUNT
};

struct cancel_outcome {
	enum cancel_code code;
	bool is_replayed;
	const char *status;
	struct concert_id concert;
	const struct reserved_seat *seats; /* freed: id and position */
	size_t seat_count;
	int64_t refund_amount, fee;        /* REFUNDING */
	struct refund_case refund_case;    /* PAID */
	struct refund_ladder ladder;       /* PAID */
};

enum fault reservation_store_cancel(struct ctx *ctx, struct reservation_id id,
	const struct idempotency *idempotency, struct cancel_outcome *ret_outcome);

enum refund_code {
	REFUND_OK, REFUND_ALREADY, REFUND_NOT_FOUND, REFUND_NOT_PAID, REFUND_TICKET_USED,
	REFUND_AMOUNT, REFUND_CODE_COUNT
};

struct refund_outcome {
	enum refund_code code;
	const char *status;
	struct concert_id concert;
	const struct reserved_seat *seats; /* freed */
	size_t seat_count;
	int64_t refund_amount, fee;
};

enum fault reservation_store_refund(struct ctx *ctx, struct reservation_id id,
	const struct refund_quote *quote, const struct idempotency *idempotency,
	struct refund_outcome *ret_outcome);

struct expired_seat {
	struct concert_id concert;
	int64_t position;
};

/* Seats freed, those of a concert side by side. */
enum fault reservation_store_expire(struct ctx *ctx, int64_t limit,
	const struct expired_seat **ret_seats, size_t *ret_count);

struct queue_gate {
	int64_t epoch;   /* the present use of the queue, from 1; 0: no pass is needed */
	int64_t paid_ms; /* when ctx->member last bought here: passes until then are used; 0 never */
};

/* CONCERT_NOT_FOUND. */
enum fault reservation_store_gate(struct ctx *ctx, struct concert_id concert,
	struct queue_gate *ret_gate);

struct turn_end {
	bool has_queue;     /* the concert has one */
	bool holds_others;  /* the member holds other seats of the concert */
	int64_t created_ms; /* when these were held */
};

/* RESERVATION_NOT_FOUND. */
enum fault reservation_store_turn_end(struct ctx *ctx, struct reservation_id id,
	struct turn_end *ret_end);

#endif
