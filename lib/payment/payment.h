/* Paying for a reservation, in three steps: the attempt is on record and the hold frozen, the
 * gateway is asked outside of any transaction, the outcome is settled. Whatever dies in between,
 * the reconciler (payment_reconcile) finishes it: nothing is released while the gateway's answer
 * is unknown, nobody is charged twice, nobody pays without a seat or a refund.
 *
 * Amounts are whole KRW and come from the reservation, never from the client. */
#ifndef CM_PAYMENT_PAYMENT_H
#define CM_PAYMENT_PAYMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "base/idempotency.h"
#include "event/event.h"

/* What a member asks for. Texts may be NULL where said. */
struct payment_order {
	struct reservation_id reservation;
	const char *gateway_key;     /* the real gateway's paymentKey; NULL at the sandbox, and
				      * where there is nothing to pay: no gateway is asked then */
	const char *script;          /* the sandbox's instruction; NULL at a real gateway */
	struct idempotency idempotency;
};

struct payment {
	struct payment_id id;
	struct reservation_id reservation;
	int64_t amount, refunded_amount;
	const char *currency;
	const char *status;             /* PENDING, SUCCESS, FAILED or CANCELLED */
	const char *reservation_status;
	const char *failure_code;       /* the gateway's reason; NULL unless FAILED */
	int64_t requested_ms, paid_ms;  /* paid_ms 0: no money was taken */
	bool replayed;                  /* the first answer given under the Idempotency-Key */
};

/* Pays. status SUCCESS: paid. status PENDING: the gateway's answer is unknown; settled later.
 * Faults: PAYMENT_DECLINED (the seats are free again), RESERVATION_NOT_FOUND, RESERVATION_EXPIRED,
 * RESERVATION_CANCELLED, ALREADY_PAID, PAYMENT_IN_PROGRESS, REQUEST_IN_PROGRESS,
 * IDEMPOTENCY_KEY_REUSED, and the database's. Where an attempt exists, ctx->problem_extra holds its
 * paymentId. ret_payment->replayed is set also where the answer repeated is a fault. */
enum fault payment_pay(struct ctx *ctx, const struct payment_order *order,
	struct payment *ret_payment);

/* The member's own payment. Fault: PAYMENT_NOT_FOUND. */
enum fault payment_get(struct ctx *ctx, struct payment_id id, struct payment *ret_payment);

/* A gateway's notice about one of our orders: only a hint to ask the gateway soon, also about one
 * that failed. Orders that don't exist are ignored, so that a forged notice learns nothing. */
enum fault payment_notice(struct ctx *ctx, const char *order_id);

/* Daemon: asks gateways about attempts whose outcome is unknown, once more about those that failed
 * because the gateway had never seen them, and makes refunds that are due: up to limit of each.
 * ret_done: how many were handled; another call is worth it when it is not 0. */
enum fault payment_reconcile(struct ctx *ctx, size_t limit, size_t *ret_done);

/* Consumer group `reservation`, in its transaction: when the event's concert is cancelled, asks for
 * the refund in full of some of its paid reservations, and writes the event that goes on with the
 * rest. ret_cancelled: it was. */
enum fault payment_refund_cancelled(struct ctx *ctx, const struct event *event,
	bool *ret_cancelled);

/* Whether this installation pays at the sandbox (CM_GATEWAY). */
bool payment_is_sandbox(void);

/* Whether the settings of payment may be started with. False: *ret_error (static) says why not and
 * names the setting. Every program that talks to a gateway asks this at its start. */
bool payment_check_settings(const char **ret_error);

#endif
