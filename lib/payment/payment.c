#include "payment/payment.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/point.h"
#include "metrics/metrics.h"
#include "payment/gateway.h"
#include "payment/payment_store.h"
#include "queue/queue.h"

#include "base/banned.h"

/* How long settling is tried again; with the last statement's 3 s less than the client waits. */
enum { SETTLE_US = 2000000, SETTLE_TRIES = 5 };

/* The codes that refuse an attempt, or repeat an earlier answer. */
static const struct { const char *code; enum fault fault; } refusals[] = {
	{ "DECLINED", FAULT_PAYMENT_DECLINED },
	{ "REFUND", FAULT_RESERVATION_EXPIRED },
	{ "IN_FLIGHT", FAULT_PAYMENT_IN_PROGRESS },
	{ "ALREADY_PAID", FAULT_ALREADY_PAID },
	{ "EXPIRED", FAULT_RESERVATION_EXPIRED },
	{ "CANCELLED", FAULT_RESERVATION_CANCELLED },
	{ "NOT_FOUND", FAULT_RESERVATION_NOT_FOUND },
	{ "KEY_RUNNING", FAULT_REQUEST_IN_PROGRESS },
	{ "KEY_REUSED", FAULT_IDEMPOTENCY_KEY_REUSED },
};

bool payment_is_sandbox(void)
{
	return strcmp(conf_text(CONF_GATEWAY), "sandbox") == 0;
}

bool payment_check_settings(const char **ret_error)
{
	bool is_trial = conf_is_demo() || strcmp(conf_text(CONF_ALLOW_SANDBOX), "yes") == 0;
	*ret_error = NULL;
	if (!gateway_find(conf_text(CONF_GATEWAY)))
		*ret_error = "CM_GATEWAY names no gateway: sandbox or toss";
	else if (payment_is_sandbox() && !is_trial)
		*ret_error = "CM_GATEWAY is sandbox, where every ticket is free: set CM_GATEWAY=toss, or "
			"CM_ALLOW_SANDBOX=yes for a trial";
	else if (!payment_is_sandbox() && !*conf_text(CONF_TOSS_SECRET_KEY))
		*ret_error = "CM_TOSS_SECRET_KEY is empty";
	else if (*conf_text(CONF_SANDBOX_DIR) && !conf_is_demo())
		*ret_error = "CM_SANDBOX_DIR is for tests, not for production";
	return !*ret_error;
}

static bool is_code(const struct payment_row *row, const char *code)
{
	return strcmp(row->code, code) == 0;
}

static enum fault refusal(struct ctx *ctx, const struct payment_row *row)
{
	if (row->payment.id.value)
		ctx->problem_extra = arena_printf(ctx->arena, "\"paymentId\":%lld",
			(long long)row->payment.id.value);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (is_code(row, refusals[i].code))
			return refusals[i].fault;
	ctx->log_detail = row->code;
	return FAULT_INTERNAL;
}

/* A settled row says how it ended, also when another process settled it first (ALREADY). */
static enum fault outcome(struct ctx *ctx, const struct payment_row *row,
	struct payment *ret_payment)
{
	if (strcmp(row->payment.status, "FAILED") == 0)
		return refusal(ctx, &(struct payment_row){ .code = "DECLINED",
			.payment = row->payment });
	if (strcmp(row->payment.status, "CANCELLED") == 0)
		return refusal(ctx, &(struct payment_row){ .code = "REFUND",
			.payment = row->payment });
	*ret_payment = row->payment;
	return FAULT_NONE;
}

static void confirm(struct ctx *ctx, const struct gateway *gateway,
	const struct payment_order *order, const struct payment_row *row,
	struct gateway_answer *ret_answer)
{
	const struct gateway_charge charge = {
		.order_id = row->order_id, .amount = row->payment.amount,
		.currency = row->payment.currency, .key = order->gateway_key,
		.script = order->script,
	};
	if (!charge.amount) {
		ret_answer->outcome = GATEWAY_SUCCESS; /* nothing to move: nobody to ask */
		return;
	}
	int64_t took_us = clock_monotonic_us();
	gateway->confirm(ctx, &charge, ret_answer);
	took_us = clock_monotonic_us() - took_us;
	ctx->outside_us += took_us;
	metric_observe(METRIC_GATEWAY_CALL, took_us);
	metric_add(METRIC_GATEWAY_ERRORS, ret_answer->outcome == GATEWAY_UNKNOWN);
}

struct turn {
	struct concert_id concert;
	int64_t held_ms;
};

static void release_turn(struct ctx *ctx, void *arg)
{
	const struct turn *turn = arg;
	(void)!queue_release(ctx, turn->concert, ctx->member, "done", turn->held_ms);
}

/* Who has bought makes room for the next one in the queue, once the answer is out. */
static void leave_queue(struct ctx *ctx, struct concert_id concert, int64_t held_ms)
{
	struct turn *turn = arena_alloc(ctx->arena, sizeof(*turn));
	*turn = (struct turn){ concert, held_ms };
	ctx_after(ctx, release_turn, turn);
}

/* The money may have been taken, so a database that fails now makes the answer unknown, not the
 * request a failure: the reconciler settles it. */
static enum fault settle(struct ctx *ctx, const struct gateway_answer *answer,
	const struct payment_row *begun, struct payment *ret_payment)
{
	struct payment_row row;
	enum fault fault = FAULT_DATABASE_RETRY;
	int64_t last_us = clock_monotonic_us() + SETTLE_US;
	for (int tries = 0; fault == FAULT_DATABASE_RETRY && tries < SETTLE_TRIES
		&& clock_monotonic_us() < last_us; tries++)
		fault = payment_store_settle(ctx, begun->payment.id, answer, &row);
	if (fault) {
		log_event(LOG_WARNING, "payment left to the reconciler", "cause",
			ctx->log_detail);
		*ret_payment = begun->payment;
		return FAULT_NONE;
	}
	payment_told(ctx, &row);
	if (row.concert.value && strcmp(row.payment.status, "SUCCESS") == 0)
		leave_queue(ctx, row.concert, begun->held_ms);
	row.payment.reservation = begun->payment.reservation;
	return outcome(ctx, &row, ret_payment);
}

/* A real gateway's key is missing: right only where there is nothing to pay. */
static enum fault check_key(struct ctx *ctx, const struct payment_order *order)
{
	int64_t amount;
	if (order->gateway_key || payment_is_sandbox())
		return FAULT_NONE;
	enum fault fault = payment_store_amount(ctx, order->reservation, &amount);
	if (!fault && amount)
		fault = ctx_field_error(ctx, "paymentKey", "required");
	return fault;
}

enum fault payment_pay(struct ctx *ctx, const struct payment_order *order,
	struct payment *ret_payment)
{
	const struct gateway *gateway = gateway_find(conf_text(CONF_GATEWAY));
	struct payment_row row;
	struct gateway_answer answer = { .outcome = GATEWAY_UNKNOWN };
	if (!gateway)
		return FAULT_INTERNAL;
	enum fault fault = check_key(ctx, order);
	if (fault || (fault = payment_store_begin(ctx, order, gateway->name, &row)))
		return fault;
	row.payment.reservation = order->reservation;
	*ret_payment = row.payment;
	if (row.payment.replayed && is_code(&row, "PAID"))
		return FAULT_NONE;
	if (!is_code(&row, "OK"))
		return refusal(ctx, &row);
	POINT("payment-begun");
	confirm(ctx, gateway, order, &row, &answer);
	POINT("payment-charged");
	fault = settle(ctx, &answer, &row, ret_payment);
	POINT("payment-settled");
	return fault;
}

enum fault payment_get(struct ctx *ctx, struct payment_id id, struct payment *ret_payment)
{
	return payment_store_get(ctx, id, ret_payment);
}

enum fault payment_notice(struct ctx *ctx, const char *order_id)
{
	return payment_store_hint(ctx, order_id);
}
