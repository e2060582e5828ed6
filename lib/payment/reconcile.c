#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/point.h"
#include "concert/seat_state.h"
#include "event/wake.h"
#include "payment/payment.h"
#include "payment/payment_store.h"

#include "base/banned.h"

enum { REFUNDS_AT_ONCE = 50 };

/* The seats that changed are of one state: sold for a paid reservation, else free. */
void payment_told(struct ctx *ctx, const struct payment_row *row)
{
	bool is_sold = row->payment.reservation_status
		&& strcmp(row->payment.reservation_status, "PAID") == 0;
	if (row->position_count)
		seat_state_changed(ctx, row->concert, is_sold ? SEAT_SOLD : SEAT_AVAILABLE,
			row->positions, row->position_count);
	event_wake_after(ctx);
}

static enum fault settle_charge(struct ctx *ctx, const struct payment_due *due)
{
	struct gateway_answer answer = { .outcome = GATEWAY_UNKNOWN };
	struct payment_row row;
	const struct gateway *gateway = gateway_find(due->gateway);
	int64_t start = clock_monotonic_us();
	if (!due->charge.amount)
		answer.outcome = GATEWAY_SUCCESS;
	else if (gateway)
		gateway->query(ctx, &due->charge, &answer);
	ctx->outside_us += clock_monotonic_us() - start;
	POINT("reconcile-asked");
	enum fault fault = payment_store_settle(ctx, due->payment, &answer, &row);
	if (!fault)
		payment_told(ctx, &row);
	POINT("reconcile-settled");
	return fault;
}

static enum fault make_refund(struct ctx *ctx, const struct payment_due *due)
{
	struct gateway_answer answer = { .outcome = GATEWAY_UNKNOWN };
	const char *code;
	const struct gateway *gateway = gateway_find(due->gateway);
	const struct gateway_refund refund = { .charge = &due->charge, .id = due->refund_id,
		.amount = due->refund_amount, .tries = due->attempts, .reason = due->reason };
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

/* ret_begun: false when nothing changed, so that asking again would find the same. */
static enum fault refund_one(struct ctx *ctx, const struct payment_paid *paid, bool *ret_begun)
{
	struct payment_row row;
	enum fault fault = payment_store_refund_begin(ctx, paid, "concert-cancelled", &row);
	if (fault)
		return fault;
	*ret_begun = strcmp(row.code, "OK") == 0;
	if (*ret_begun)
		payment_told(ctx, &row);
	else if (strcmp(row.code, "ALREADY") != 0 && strcmp(row.code, "NOT_PAID") != 0)
		log_event(LOG_ERROR, "a refund could not be asked for: an operator must act",
			"code", row.code);
	return FAULT_NONE;
}

enum fault payment_refund_cancelled(struct ctx *ctx, const struct event *event,
	bool *ret_cancelled)
{
	struct payment_paid_list paid;
	bool any_begun = false;
	enum fault fault = payment_store_paid(ctx, event->concert, REFUNDS_AT_ONCE, &paid);
	for (size_t i = 0; !fault && i < paid.count; i++) {
		bool begun = false;
		fault = refund_one(ctx, &paid.items[i], &begun);
		any_begun |= begun;
	}
	if (!fault && paid.count == REFUNDS_AT_ONCE && any_begun)
		fault = payment_store_go_on(ctx, event);
	if (!fault)
		*ret_cancelled = paid.is_cancelled || strcmp(event->topic, "payment.completed") != 0;
	return fault;
}
