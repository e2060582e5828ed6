#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/point.h"
#include "event/wake.h"
#include "payment/payment.h"
#include "payment/payment_store.h"

#include "base/banned.h"

static enum fault settle_charge(struct ctx *ctx, const struct payment_due *due)
{
	struct gateway_answer answer = { .outcome = GATEWAY_UNKNOWN };
	struct payment_row row;
	const struct gateway *gateway = gateway_find(due->gateway);
	int64_t start = clock_monotonic_us();
	if (gateway)
		gateway->query(ctx, &due->charge, &answer);
	ctx->outside_us += clock_monotonic_us() - start;
	POINT("reconcile-asked");
	enum fault fault = payment_store_settle(ctx, due->payment, &answer, &row);
	if (!fault)
		event_wake_after(ctx);
	POINT("reconcile-settled");
	return fault;
}

static enum fault make_refund(struct ctx *ctx, const struct payment_due *due)
{
	struct gateway_answer answer = { .outcome = GATEWAY_UNKNOWN };
	const char *code;
	const struct gateway *gateway = gateway_find(due->gateway);
	const struct gateway_refund refund = { .charge = &due->charge, .id = due->refund_id,
		.amount = due->refund_amount, .reason = due->reason };
	if (due->refund_amount == 0)
		answer.outcome = GATEWAY_SUCCESS; /* the fee ate it all: nothing to move */
	else if (gateway)
		gateway->refund(ctx, &refund, &answer);
	POINT("refund-made");
	enum fault fault = payment_store_refund_settle(ctx, due->refund_id, &answer,
		answer.outcome == GATEWAY_DECLINED, &code);
	if (fault)
		return fault;
	event_wake_after(ctx);
	if (strcmp(code, "FAILED") == 0)
		log_event(LOG_ERROR, "a refund was refused for good: an operator must act",
			"gatewayCode", answer.code);
	POINT("refund-settled");
	return FAULT_NONE;
}

/* One that fails is leased for a while and doesn't keep the others waiting. */
static enum fault handle(struct ctx *ctx, const struct payment_due_list *list,
	enum fault (*fn)(struct ctx *, const struct payment_due *), size_t *done)
{
	enum fault first = FAULT_NONE;
	for (size_t i = 0; i < list->count; i++) {
		enum fault fault = fn(ctx, &list->items[i]);
		if (!fault)
			(*done)++;
		else if (!first)
			first = fault;
	}
	return first;
}

enum fault payment_reconcile(struct ctx *ctx, size_t limit, size_t *ret_done)
{
	struct payment_due_list charges, refunds;
	size_t done = 0;
	enum fault fault = payment_store_due(ctx, limit, &charges);
	if (!fault)
		fault = handle(ctx, &charges, settle_charge, &done);
	if (!fault)
		fault = payment_store_refunds_due(ctx, limit, &refunds);
	if (!fault)
		fault = handle(ctx, &refunds, make_refund, &done);
	if (!fault)
		*ret_done = done;
	return fault;
}

enum fault payment_refund_concert(struct ctx *ctx, struct concert_id concert, size_t limit,
	size_t *ret_done)
{
	struct payment_paid *paid;
	struct payment_row row;
	size_t count;
	enum fault fault = payment_store_paid(ctx, concert, limit, &paid, &count);
	for (size_t i = 0; !fault && i < count; i++)
		fault = payment_store_refund_begin(ctx, &paid[i], "concert-cancelled", &row);
	if (!fault)
		*ret_done = count;
	return fault;
}
