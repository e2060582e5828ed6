/* Toss Payments (https://docs.tosspayments.com/reference): confirm, query, cancel over libcurl.
 *
 * Basic authentication by the secret key; Idempotency-Keys are unique per attempt and per refund,
 * because what they cover is key, API key, path and method, but not the body. What a reply says is
 * only believed when its orderId, paymentKey, amount and currency are ours; anything else is
 * UNKNOWN and asked again. Order ids are those the client gave the payment widget:
 * cm-<reservation id>. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/str.h"
#include "payment/gateway.h"

#include "base/banned.h"

enum { REPLY_BYTES = 256 * 1024, SAME_KEY_TRIES = 6 };

struct call {
	const char *path, *body, *idempotency_key; /* body NULL: GET */
	int64_t deadline_us; /* on the monotonic clock */
	long status; /* 0: no answer */
	struct strbuf reply;
};

/* For all the calls that one question takes. */
static int64_t new_deadline(void)
{
	return clock_monotonic_us() + conf_integer(CONF_GATEWAY_TIMEOUT_MS) * 1000;
}

/* Codes of confirm that say for sure that no money was taken and none will be; other refusals are
 * asked about. From the documented error codes of confirm. */
static const char *const declined_codes[] = {
	"REJECT_CARD_PAYMENT", "REJECT_CARD_COMPANY", "REJECT_ACCOUNT_PAYMENT",
	"REJECT_TOSSPAY_INVALID_ACCOUNT",
	"INVALID_REJECT_CARD", "INVALID_STOPPED_CARD", "INVALID_CARD_LOST_OR_STOLEN",
	"INVALID_CARD_EXPIRATION", "INVALID_CARD_NUMBER", "INVALID_CARD_INSTALLMENT_PLAN",
	"INVALID_PASSWORD", "INVALID_AUTHORIZE_AUTH", "INVALID_UNREGISTERED_SUBMALL",
	"INVALID_ACCOUNT_INFO_RE_REGISTER", "NOT_ALLOWED_POINT_USE",
	"NOT_AVAILABLE_PAYMENT", "NOT_AVAILABLE_BANK",
	"NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
	"NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN",
	"EXCEED_MAX_AMOUNT", "EXCEED_MAX_DAILY_PAYMENT_COUNT", "EXCEED_MAX_PAYMENT_AMOUNT",
	"EXCEED_MAX_ONE_DAY_AMOUNT", "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT",
	"EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT", "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT",
	"EXCEED_MAX_CARD_INSTALLMENT_PLAN", "EXCEED_MAX_AUTH_COUNT", "BELOW_MINIMUM_AMOUNT",
	"RESTRICTED_TRANSFER_ACCOUNT", "FDS_ERROR", "UNAPPROVED_ORDER_ID",
	"NOT_FOUND_PAYMENT_SESSION", "FORBIDDEN_REQUEST", "INVALID_REQUEST",
};

/* Codes of cancel after which asking again is no use: an operator must act. What time, a bank's
 * hours or our own settings may heal is not among them. */
static const char *const unrefundable_codes[] = {
	"NOT_CANCELABLE_PAYMENT", "NOT_CANCELABLE_AMOUNT", "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT",
	"NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER", "EXCEED_MAX_REFUND_DUE", "REFUND_REJECTED",
	"INVALID_REFUND_ACCOUNT_INFO", "INVALID_REFUND_ACCOUNT_NUMBER", "INVALID_BANK",
	"FORBIDDEN_BANK_REFUND_REQUEST",
	"NOT_ALLOWED_PARTIAL_REFUND", "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT",
};

static size_t receive(char *bytes, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	if (call->reply.length + size * count > REPLY_BYTES)
		return 0;
	strbuf_add(&call->reply, bytes, size * count);
	return size * count;
}

static struct curl_slist *make_headers(struct ctx *ctx, const struct call *call)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (call->idempotency_key)
		headers = curl_slist_append(headers, arena_printf(ctx->arena,
			"Idempotency-Key: %s", call->idempotency_key));
	return headers;
}

static void perform(struct ctx *ctx, struct call *call)
{
	static CURL *curl; /* kept: the next call uses the same connection */
	long left_ms = (long)((call->deadline_us - clock_monotonic_us()) / 1000);
	strbuf_init(&call->reply, ctx->arena);
	if (left_ms <= 0 || (!curl && !(curl = curl_easy_init())))
		return;
	struct curl_slist *headers = make_headers(ctx, call);
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, arena_printf(ctx->arena, "%s%s",
		conf_text(CONF_TOSS_URL), call->path));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a key may be two dots */
	curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(curl, CURLOPT_USERNAME, conf_text(CONF_TOSS_SECRET_KEY));
	curl_easy_setopt(curl, CURLOPT_PASSWORD, "");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 3000L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
	if (call->body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->status);
	curl_slist_free_all(headers);
}

static void free_json(void *json)
{
	cJSON_Delete(json);
}

/* NULL when the reply is no JSON object. */
static const cJSON *parse(struct ctx *ctx, const struct call *call)
{
	cJSON *json = call->status ? cJSON_ParseWithLength(call->reply.data, call->reply.length)
		: NULL;
	if (json)
		arena_defer(ctx->arena, free_json, json);
	return cJSON_IsObject(json) ? json : NULL;
}

static const char *text_of(struct ctx *ctx, const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	return cJSON_IsString(item) && str_is_utf8(item->valuestring, strlen(item->valuestring))
		? arena_strdup(ctx->arena, item->valuestring) : "";
}

static bool is_amount(const cJSON *json, const char *name, int64_t amount)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	double wanted = (double)amount;
	return cJSON_IsNumber(item) && item->valuedouble <= wanted && item->valuedouble >= wanted;
}

static bool is_our_order(struct ctx *ctx, const cJSON *json, const struct gateway_charge *charge)
{
	return strcmp(text_of(ctx, json, "orderId"), charge->order_id) == 0;
}

static bool is_our_key(struct ctx *ctx, const cJSON *json, const struct gateway_charge *charge)
{
	return !charge->key || strcmp(text_of(ctx, json, "paymentKey"), charge->key) == 0;
}

/* A reply about another order or another sum is nothing to act on. */
static bool is_ours(struct ctx *ctx, const cJSON *json, const struct gateway_charge *charge)
{
	bool ours = is_our_order(ctx, json, charge) && is_our_key(ctx, json, charge)
		&& is_amount(json, "totalAmount", charge->amount)
		&& strcmp(text_of(ctx, json, "currency"), charge->currency) == 0;
	if (!ours)
		log_event(LOG_ERROR, "the gateway's reply is not about our payment", "orderId",
			charge->order_id);
	return ours;
}

static bool is_among(const char *code, const char *const *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}
#define IS_AMONG(code, codes) is_among(code, codes, sizeof(codes) / sizeof(*(codes)))

/* A payment that ended without money did so whatever sum the member's browser had begun it with. */
static void read_payment(struct ctx *ctx, const cJSON *json, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	static const char *const ends[] = { "ABORTED", "EXPIRED", "CANCELED" };
	const char *status = text_of(ctx, json, "status");
	*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_UNKNOWN, .code = status };
	if (IS_AMONG(status, ends) && is_our_order(ctx, json, charge)
		&& is_our_key(ctx, json, charge))
		ret_answer->outcome = GATEWAY_DECLINED;
	else if (!is_ours(ctx, json, charge))
		ret_answer->code = "mismatch";
	else if (strcmp(status, "DONE") == 0)
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_SUCCESS,
			.key = text_of(ctx, json, "paymentKey") };
}

/* UNKNOWN with its reason; whether a refusal is final depends on what was asked. */
static void read_error(struct ctx *ctx, const struct call *call, const cJSON *json,
	struct gateway_answer *ret_answer)
{
	const char *code = json ? text_of(ctx, json, "code") : "";
	*ret_answer = (struct gateway_answer){
		.outcome = GATEWAY_UNKNOWN,
		.code = *code ? code : call->status ? "bad-reply" : "timeout",
		.message = json ? text_of(ctx, json, "message") : NULL,
	};
	if (call->status == 401 || call->status == 403)
		log_event(LOG_ERROR, "the gateway refuses us", "gatewayCode", ret_answer->code);
}

static bool is_refusal(const struct call *call)
{
	return call->status >= 400 && call->status < 500;
}

/* A path segment: keys are the client's words. */
static const char *escaped(struct ctx *ctx, const char *key)
{
	struct strbuf out;
	strbuf_init(&out, ctx->arena);
	for (; *key; key++)
		if ((*key >= '0' && *key <= '9') || (*key >= 'a' && *key <= 'z')
			|| (*key >= 'A' && *key <= 'Z') || strchr("-_.~", *key))
			strbuf_byte(&out, *key);
		else
			strbuf_printf(&out, "%%%02X", (unsigned char)*key);
	return out.data;
}

/* A virtual account waits for somebody's deposit for days, with the seat. It is closed, which Toss
 * does while nothing was paid in: that is a no. */
static void close_account(struct ctx *ctx, int64_t deadline_us, const char *key,
	struct gateway_answer *ret_answer)
{
	struct call call = { .deadline_us = deadline_us, .body = "{\"cancelReason\":\"no-deposits\"}",
		.path = arena_printf(ctx->arena, "/v1/payments/%s/cancel", escaped(ctx, key)) };
	perform(ctx, &call);
	const cJSON *json = parse(ctx, &call);
	if (call.status == 200 && json && strcmp(text_of(ctx, json, "paymentKey"), key) == 0
		&& strcmp(text_of(ctx, json, "status"), "CANCELED") == 0)
		ret_answer->outcome = GATEWAY_DECLINED;
}

/* Whether the account is waiting for a deposit; then how that ended. */
static bool was_account(struct ctx *ctx, const struct call *call, const cJSON *json,
	struct gateway_answer *ret_answer)
{
	if (!ret_answer->code || strcmp(ret_answer->code, "WAITING_FOR_DEPOSIT") != 0)
		return false;
	close_account(ctx, call->deadline_us, text_of(ctx, json, "paymentKey"), ret_answer);
	return true;
}

static const char *key_path(struct ctx *ctx, const struct gateway_charge *charge)
{
	return arena_printf(ctx->arena, "/v1/payments/%s",
		escaped(ctx, charge->key ? charge->key : ""));
}

/* What became of our key, where the order's payment has another one: begun and left before, or ours
 * was made up, or is of somebody else's order. Only what we confirmed can take money. */
static void ask_by_key(struct ctx *ctx, const struct gateway_charge *charge, int64_t deadline_us,
	struct gateway_answer *ret_answer)
{
	struct call call = { .deadline_us = deadline_us, .path = key_path(ctx, charge) };
	perform(ctx, &call);
	const cJSON *json = parse(ctx, &call);
	if (call.status != 200 || !json) {
		read_error(ctx, &call, json, ret_answer);
		if (call.status == 404 && json)
			ret_answer->outcome = GATEWAY_ABSENT;
		return;
	}
	read_payment(ctx, json, charge, ret_answer);
	(void)was_account(ctx, &call, json, ret_answer);
	if (is_our_key(ctx, json, charge) && !is_our_order(ctx, json, charge))
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_ABSENT,
			.code = "other-order" };
}

/* What became of the order, known until the deadline. */
static void ask(struct ctx *ctx, const struct gateway_charge *charge, int64_t deadline_us,
	struct gateway_answer *ret_answer)
{
	struct call call = { .deadline_us = deadline_us, .path = arena_printf(ctx->arena,
		"/v1/payments/orders/%s", charge->order_id) };
	perform(ctx, &call);
	const cJSON *json = parse(ctx, &call);
	if (call.status != 200 || !json) {
		read_error(ctx, &call, json, ret_answer);
		if (call.status == 404 && strcmp(ret_answer->code, "NOT_FOUND_PAYMENT") == 0)
			ret_answer->outcome = GATEWAY_ABSENT;
	} else if (is_our_order(ctx, json, charge) && !is_our_key(ctx, json, charge))
		ask_by_key(ctx, charge, deadline_us, ret_answer);
	else {
		read_payment(ctx, json, charge, ret_answer);
		(void)was_account(ctx, &call, json, ret_answer);
	}
}

static void toss_query(struct ctx *ctx, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	ask(ctx, charge, new_deadline(), ret_answer);
}

static const char *confirm_body(struct ctx *ctx, const struct gateway_charge *charge)
{
	struct strbuf body;
	strbuf_init(&body, ctx->arena);
	strbuf_text(&body, "{\"paymentKey\":");
	strbuf_json(&body, charge->key ? charge->key : "");
	strbuf_printf(&body, ",\"orderId\":\"%s\",\"amount\":%lld}", charge->order_id,
		(long long)charge->amount);
	return body.data;
}

static void toss_confirm(struct ctx *ctx, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	struct call call = { .path = "/v1/payments/confirm", .body = confirm_body(ctx, charge),
		.idempotency_key = charge->order_id, .deadline_us = new_deadline() };
	perform(ctx, &call);
	const cJSON *json = parse(ctx, &call);
	if (call.status == 200 && json) {
		read_payment(ctx, json, charge, ret_answer);
		/* Else only asking later can tell that nothing was taken. */
		if (!was_account(ctx, &call, json, ret_answer)
			&& ret_answer->outcome == GATEWAY_DECLINED)
			ret_answer->outcome = GATEWAY_UNKNOWN;
		return;
	}
	read_error(ctx, &call, json, ret_answer);
	if (strcmp(ret_answer->code, "ALREADY_PROCESSED_PAYMENT") == 0)
		ask(ctx, charge, call.deadline_us, ret_answer);
	else if (is_refusal(&call) && IS_AMONG(ret_answer->code, declined_codes))
		ret_answer->outcome = GATEWAY_DECLINED;
}

/* The answer to a key is repeated for 15 days, an error as well: after the first minute each try
 * has a key of its own. That it gives back once is then the balance's to see to: Toss refuses what
 * names another one than there is. */
static const char *refund_key(struct ctx *ctx, const struct gateway_refund *refund)
{
	const char *key = arena_printf(ctx->arena, "%s-refund-%lld", refund->charge->order_id,
		(long long)refund->id);
	return refund->tries < SAME_KEY_TRIES ? key
		: arena_printf(ctx->arena, "%s-%d", key, refund->tries);
}

/* The last cancel of our payment, if it is over the amount of the refund; else NULL. */
static const cJSON *find_cancel(struct ctx *ctx, const cJSON *json,
	const struct gateway_refund *refund)
{
	const cJSON *cancels = cJSON_GetObjectItemCaseSensitive(json, "cancels");
	const cJSON *last = cJSON_GetArrayItem(cancels, cJSON_GetArraySize(cancels) - 1);
	return last && is_amount(last, "cancelAmount", refund->amount)
		&& is_ours(ctx, json, refund->charge) ? last : NULL;
}

/* Whether an earlier try gave the money back though its answer was lost or an error: SUCCESS, with
 * the answer; DECLINED, if it didn't; UNKNOWN. */
static enum gateway_outcome was_refunded(struct ctx *ctx, const struct gateway_refund *refund,
	int64_t deadline_us, struct gateway_answer *ret_answer)
{
	struct call call = { .deadline_us = deadline_us, .path = key_path(ctx, refund->charge) };
	perform(ctx, &call);
	const cJSON *json = call.status == 200 ? parse(ctx, &call) : NULL;
	const cJSON *cancel = find_cancel(ctx, json, refund);
	if (!cancel)
		return json ? GATEWAY_DECLINED : GATEWAY_UNKNOWN;
	*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_SUCCESS,
		.key = text_of(ctx, cancel, "transactionKey") };
	return GATEWAY_SUCCESS;
}

static void toss_refund(struct ctx *ctx, const struct gateway_refund *refund,
	struct gateway_answer *ret_answer)
{
	const struct gateway_charge *charge = refund->charge;
	struct call call = {
		.path = arena_printf(ctx->arena, "%s/cancel", key_path(ctx, charge)),
		.body = arena_printf(ctx->arena, "{\"cancelReason\":\"%s\",\"cancelAmount\":%lld,"
			"\"refundableAmount\":%lld}", refund->reason,
			(long long)refund->amount, (long long)charge->amount),
		.idempotency_key = refund_key(ctx, refund),
		.deadline_us = new_deadline(),
	};
	if (refund->tries && was_refunded(ctx, refund, call.deadline_us, ret_answer)
		== GATEWAY_SUCCESS)
		return;
	perform(ctx, &call);
	const cJSON *json = parse(ctx, &call);
	const cJSON *cancel = call.status == 200 ? find_cancel(ctx, json, refund) : NULL;
	if (cancel) {
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_SUCCESS,
			.key = text_of(ctx, cancel, "transactionKey") };
		return;
	}
	read_error(ctx, &call, json, ret_answer);
	if (strcmp(ret_answer->code, "ALREADY_CANCELED_PAYMENT") == 0)
		ret_answer->outcome = GATEWAY_SUCCESS;
	else if (is_refusal(&call) && IS_AMONG(ret_answer->code, unrefundable_codes))
		/* perhaps only because it was given back, or the balance is gone with it */
		ret_answer->outcome = was_refunded(ctx, refund, call.deadline_us, ret_answer);
}

const struct gateway gateway_toss = {
	.name = "toss",
	.confirm = toss_confirm,
	.query = toss_query,
	.refund = toss_refund,
};
