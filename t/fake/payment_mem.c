#include "fake/payment_mem.h"

#include <string.h>

#include "base/banned.h"
#include "concert/seat_state.h"
#include "queue/queue.h"

struct payment_memory payment_memory;

static const int64_t positions[] = { 11, 12 };

static void fill(struct payment_row *row, const char *code, const char *status)
{
	*row = (struct payment_row){ .code = code, .concert = { 802 }, .order_id = "cm-0000000007",
		.payment = { .id = { 5 }, .reservation = { 7 }, .amount = 300000, .currency = "KRW",
			.status = status, .reservation_status = "PENDING" } };
}

enum fault payment_store_amount(struct ctx *ctx, struct reservation_id reservation,
	int64_t *ret_amount)
{
	(void)ctx;
	(void)reservation;
	*ret_amount = 300000;
	return FAULT_NONE;
}

enum fault payment_store_begin(struct ctx *ctx, const struct payment_order *order,
	const char *gateway, struct payment_row *ret_row)
{
	(void)ctx;
	(void)order;
	(void)gateway;
	payment_memory.begins++;
	if (payment_memory.begin_fault)
		return payment_memory.begin_fault;
	fill(ret_row, payment_memory.begin_code ? payment_memory.begin_code : "OK",
		payment_memory.begin_status ? payment_memory.begin_status : "PENDING");
	ret_row->payment.replayed = payment_memory.is_replayed;
	ret_row->held_ms = PAYMENT_HELD_MS;
	return FAULT_NONE;
}

/* As cm.payment_settle: the first outcome that is known counts. */
enum fault payment_store_settle(struct ctx *ctx, struct payment_id id,
	const struct gateway_answer *answer, struct payment_row *ret_row)
{
	(void)ctx;
	(void)id;
	payment_memory.settled[payment_memory.settles++] = answer->outcome;
	if (payment_memory.settle_faults) {
		payment_memory.settle_faults -= payment_memory.settle_faults > 0;
		return payment_memory.settle_fault;
	}
	if (payment_memory.settled_before) {
		fill(ret_row, "ALREADY", payment_memory.settled_before);
		return FAULT_NONE;
	}
	fill(ret_row, answer->outcome == GATEWAY_SUCCESS ? "PAID"
		: answer->outcome == GATEWAY_DECLINED ? "DECLINED" : "UNKNOWN",
		answer->outcome == GATEWAY_SUCCESS ? "SUCCESS"
		: answer->outcome == GATEWAY_DECLINED ? "FAILED" : "PENDING");
	if (answer->outcome == GATEWAY_UNKNOWN)
		return FAULT_NONE;
	ret_row->payment.reservation_status = answer->outcome == GATEWAY_SUCCESS ? "PAID"
		: "CANCELLED";
	ret_row->positions = positions;
	ret_row->position_count = 2;
	return FAULT_NONE;
}

enum fault payment_store_get(struct ctx *ctx, struct payment_id id, struct payment *ret_payment)
{
	(void)ctx;
	if (id.value != 5)
		return FAULT_PAYMENT_NOT_FOUND;
	*ret_payment = (struct payment){ .id = id, .status = "SUCCESS" };
	return FAULT_NONE;
}

enum fault payment_store_hint(struct ctx *ctx, const char *order_id)
{
	(void)ctx;
	(void)order_id;
	return FAULT_NONE;
}

enum fault payment_store_due(struct ctx *ctx, size_t limit, struct payment_due_list *ret_list)
{
	(void)ctx;
	(void)limit;
	*ret_list = (struct payment_due_list){ payment_memory.due, payment_memory.charges_due };
	return FAULT_NONE;
}

enum fault payment_store_refunds_due(struct ctx *ctx, size_t limit,
	struct payment_due_list *ret_list)
{
	(void)ctx;
	(void)limit;
	*ret_list = (struct payment_due_list){ payment_memory.due + payment_memory.charges_due,
		payment_memory.refunds_due };
	return FAULT_NONE;
}

enum fault payment_store_refund_settle(struct ctx *ctx, int64_t refund_id,
	const struct gateway_answer *answer, bool is_final, const char **ret_code)
{
	(void)ctx;
	(void)refund_id;
	if (payment_memory.refund_fault)
		return payment_memory.refund_fault;
	payment_memory.refunded[payment_memory.refunds_settled++] = answer->outcome;
	payment_memory.refund_is_final = is_final;
	*ret_code = answer->outcome == GATEWAY_SUCCESS ? "REFUNDED" : is_final ? "FAILED" : "RETRY";
	return FAULT_NONE;
}

enum fault payment_store_paid(struct ctx *ctx, struct concert_id concert, size_t limit,
	struct payment_paid_list *ret_list)
{
	(void)ctx;
	(void)concert;
	*ret_list = (struct payment_paid_list){ payment_memory.paid, payment_memory.paid_count,
		payment_memory.is_cancelled };
	if (ret_list->count > limit)
		ret_list->count = limit;
	return FAULT_NONE;
}

enum fault payment_store_go_on(struct ctx *ctx, const struct event *event)
{
	(void)ctx;
	(void)event;
	payment_memory.went_on++;
	return FAULT_NONE;
}

enum fault payment_store_refund_begin(struct ctx *ctx, const struct payment_paid *paid,
	const char *reason, struct payment_row *ret_row)
{
	(void)ctx;
	(void)paid;
	(void)reason;
	payment_memory.refunds_begun++;
	fill(ret_row, "OK", "REFUNDING");
	ret_row->positions = positions;
	ret_row->position_count = 1;
	return payment_memory.refund_fault;
}

static void answer(struct gateway_answer *ret_answer)
{
	*ret_answer = (struct gateway_answer){ .outcome = payment_memory.outcome, .key = "key",
		.code = payment_memory.gateway_code };
}

static void confirm(struct ctx *ctx, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	(void)ctx;
	payment_memory.confirms++;
	payment_memory.charge = *charge;
	answer(ret_answer);
}

static void query(struct ctx *ctx, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	(void)ctx;
	payment_memory.queries++;
	payment_memory.charge = *charge;
	answer(ret_answer);
}

static void refund(struct ctx *ctx, const struct gateway_refund *asked,
	struct gateway_answer *ret_answer)
{
	(void)ctx;
	payment_memory.refunds++;
	payment_memory.refund = *asked;
	answer(ret_answer);
}

const struct gateway *gateway_find(const char *name)
{
	static const struct gateway sandbox = { "sandbox", confirm, query, refund };
	return strcmp(name, sandbox.name) == 0 ? &sandbox : NULL;
}

void seat_state_changed(struct ctx *ctx, struct concert_id concert, enum seat_letter letter,
	const int64_t *seats, size_t count)
{
	(void)ctx;
	(void)concert;
	(void)seats;
	payment_memory.seats_told += (int)count;
	payment_memory.letter = (char)letter;
}

enum fault queue_release(struct ctx *ctx, struct concert_id concert, struct member_id member,
	const char *reason, int64_t before_ms)
{
	(void)ctx;
	(void)concert;
	(void)member;
	(void)reason;
	payment_memory.turns_ended++;
	payment_memory.turns_before_ms = before_ms;
	return FAULT_NONE;
}
