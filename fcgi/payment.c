/* The payment pool: it waits on the outside world, hence its own processes. */
#include <stddef.h>
#include <string.h>

#include "base/conf.h"
#include "http/idempotency.h"
#include "http/json.h"
#include "payment/payment.h"
#include "worker.h"

#include "base/banned.h"

static const char *const scripts[] = { "success", "decline", "timeout", "lost", "duplicate",
	"late", "error500", "lost500", "refund-refused", "slow:100", "slow:1000", "slow:5000", NULL };
static const char *const none[] = { NULL };

struct pay_input {
	int64_t reservation;
	bool is_success;
	const char *script, *gateway_key;
};

/* isSuccess drives the sandbox only; script refines it where tests and demos run. */
static const struct field sandbox_fields[] = {
	{ .name = "reservationId", .type = FIELD_ID, .required = true,
		.offset = offsetof(struct pay_input, reservation) },
	{ .name = "isSuccess", .type = FIELD_BOOLEAN, .required = true,
		.offset = offsetof(struct pay_input, is_success) },
	{ .name = "script", .type = FIELD_CHOICE, .choices = scripts,
		.offset = offsetof(struct pay_input, script) },
};

/* At a real gateway nobody says how it ends: isSuccess has no allowed value. There is no key where
 * there is nothing to pay. */
static const struct field gateway_fields[] = {
	{ .name = "reservationId", .type = FIELD_ID, .required = true,
		.offset = offsetof(struct pay_input, reservation) },
	{ .name = "paymentKey", .type = FIELD_TEXT, .minimum = 1, .maximum = 200,
		.offset = offsetof(struct pay_input, gateway_key) },
	{ .name = "isSuccess", .type = FIELD_CHOICE, .choices = none,
		.offset = offsetof(struct pay_input, script) },
};

static enum fault read_order(struct ctx *ctx, const struct req *req,
	struct payment_order *ret_order)
{
	struct pay_input input = { .script = NULL };
	bool sandbox = payment_is_sandbox();
	enum fault fault = sandbox
		? json_read(ctx, req, sandbox_fields, FIELD_COUNT(sandbox_fields), &input)
		: json_read(ctx, req, gateway_fields, FIELD_COUNT(gateway_fields), &input);
	if (fault)
		return fault;
	*ret_order = (struct payment_order){
		.reservation = { input.reservation },
		.gateway_key = input.gateway_key,
		.idempotency = idempotency_read(ctx, req),
	};
	if (sandbox && !input.is_success)
		ret_order->script = "decline";
	else if (sandbox)
		ret_order->script = conf_is_demo() && input.script ? input.script : "success";
	return FAULT_NONE;
}

static void write_payment(struct res *res, const struct payment *payment)
{
	struct strbuf *out = &res->body;
	json_open(out, NULL, '{');
	json_integer(out, "id", payment->id.value);
	json_integer(out, "reservationId", payment->reservation.value);
	json_integer(out, "amount", payment->amount);
	json_text(out, "currency", payment->currency);
	json_text(out, "status", payment->status);
	json_text(out, "reservationStatus", payment->reservation_status);
	json_time(out, "paidAt", payment->paid_ms);
}

static enum fault pay(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct payment_order order;
	struct payment payment = { .replayed = false };
	enum fault fault = read_order(ctx, req, &order);
	if (fault)
		return fault;
	fault = payment_pay(ctx, &order, &payment);
	if (payment.replayed)
		res_header(res, "Idempotency-Replayed", "true");
	if (fault)
		return fault;
	res->status = strcmp(payment.status, "PENDING") == 0 ? 202 : 201;
	res_header_printf(res, "Location", "/payment/%lld", (long long)payment.id.value);
	write_payment(res, &payment);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

static enum fault get(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct payment payment;
	enum fault fault = payment_get(ctx, (struct payment_id){ req->ids[0] }, &payment);
	if (fault)
		return fault;
	write_payment(res, &payment);
	json_time(&res->body, "requestedAt", payment.requested_ms);
	json_integer(&res->body, "refundedAmount", payment.refunded_amount);
	json_text(&res->body, "failureCode", payment.failure_code);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

struct notice_input {
	const struct cJSON *data;
};
struct notice_data {
	const char *order_id;
};

static const struct field notice_fields[] = {
	{ .name = "data", .type = FIELD_JSON, .required = true,
		.offset = offsetof(struct notice_input, data) },
};
static const struct field data_fields[] = {
	{ .name = "orderId", .type = FIELD_TEXT, .required = true, .minimum = 1, .maximum = 64,
		.offset = offsetof(struct notice_data, order_id) },
};

/* Notices aren't signed, so nothing in them is believed but that it may be worth asking. */
static enum fault webhook(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct notice_input input = { .data = NULL };
	struct notice_data data = { .order_id = NULL };
	enum fault fault = json_read(ctx, req, notice_fields, FIELD_COUNT(notice_fields), &input);
	if (fault)
		return fault;
	if (!json_is_object(input.data))
		return ctx_field_error(ctx, "data", "type");
	fault = json_read_object(ctx, (struct json_part){ input.data, "data." }, data_fields,
		FIELD_COUNT(data_fields), &data);
	if (fault)
		return fault;
	if ((fault = payment_notice(ctx, data.order_id)))
		return fault;
	strbuf_text(&res->body, "{}");
	return FAULT_NONE;
}

static const struct route routes[] = {
	{ METHOD_POST, "/payment", GUARD_MEMBER | GUARD_IDEMPOTENT, pay },
	{ METHOD_POST, "/payment/webhook", GUARD_PUBLIC, webhook },
	{ METHOD_GET, "/payment/{id}", GUARD_MEMBER, get },
};

int main(int argc, char **argv)
{
	static const struct worker worker = { .name = "payment", .routes = routes,
		.route_count = sizeof(routes) / sizeof(*routes), .check = payment_check_settings };
	return worker_main(argc, argv, &worker);
}
