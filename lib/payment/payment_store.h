/* What paying needs of the database; payment_pg.c defines it, t/fake/payment_mem.c in memory.
 * Codes are those of the functions in schema/ (cm.payment_begin and its neighbours). */
#ifndef CM_PAYMENT_PAYMENT_STORE_H
#define CM_PAYMENT_PAYMENT_STORE_H

#include "payment/gateway.h"
#include "payment/payment.h"

/* The row that cm.payment_begin and cm.payment_settle answer. */
struct payment_row {
	const char *code;
	struct payment payment;
	struct concert_id concert;
	int64_t held_ms; /* when the seats were held; of a begin */
	const char *order_id;
	const int64_t *positions; /* layout positions of the seats whose state changed */
	size_t position_count;
};

/* An attempt or a refund the reconciler has to ask about. */
struct payment_due {
	struct payment_id payment;
	int64_t refund_id; /* 0: a charge whose outcome is unknown */
	const char *gateway, *reason;
	int64_t refund_amount;
	int attempts;
	struct gateway_charge charge;
};

struct payment_due_list {
	struct payment_due *items;
	size_t count;
};

/* A paid reservation of a cancelled concert. */
struct payment_paid {
	struct reservation_id reservation;
	int64_t amount;
};

/* After a commit: tells the seat states and the relay. Defined in reconcile.c. */
void payment_told(struct ctx *ctx, const struct payment_row *row);

struct payment_paid_list {
	struct payment_paid *items;
	size_t count;
	bool is_cancelled;
};

enum fault payment_store_begin(struct ctx *ctx, const struct payment_order *order,
	const char *gateway, struct payment_row *ret_row);
/* What a reservation of the member's costs. Fault: RESERVATION_NOT_FOUND. */
enum fault payment_store_amount(struct ctx *ctx, struct reservation_id reservation,
	int64_t *ret_amount);
enum fault payment_store_settle(struct ctx *ctx, struct payment_id id,
	const struct gateway_answer *answer, struct payment_row *ret_row);
enum fault payment_store_get(struct ctx *ctx, struct payment_id id, struct payment *ret_payment);
enum fault payment_store_hint(struct ctx *ctx, const char *order_id);

/* Both lease what they return for a minute: longer than the gateway is waited for. */
enum fault payment_store_due(struct ctx *ctx, size_t limit, struct payment_due_list *ret_list);
enum fault payment_store_refunds_due(struct ctx *ctx, size_t limit,
	struct payment_due_list *ret_list);
enum fault payment_store_refund_settle(struct ctx *ctx, int64_t refund_id,
	const struct gateway_answer *answer, bool is_final, const char **ret_code);
/* The paid reservations of a concert if it is cancelled; is_cancelled false and none otherwise. */
enum fault payment_store_paid(struct ctx *ctx, struct concert_id concert, size_t limit,
	struct payment_paid_list *ret_list);
/* Writes a further event concert.cancelled. */
enum fault payment_store_go_on(struct ctx *ctx, const struct event *event);
enum fault payment_store_refund_begin(struct ctx *ctx, const struct payment_paid *paid,
	const char *reason, struct payment_row *ret_row);

#endif
