/* The pool "queue": a place in line, where one stands, the operator's side. */
#include "queue/queue.h"

#include <stddef.h>

#include "auth/token.h"
#include "base/banned.h"
#include "http/json.h"
#include "worker.h"

static struct queue_proofs proofs_of(const struct req *req)
{
	return (struct queue_proofs) {
		.ticket = req_header(req, "HTTP_X_QUEUE_TICKET"),
		.pass = req_header(req, "HTTP_X_QUEUE_PASS"),
		.work = req_header(req, "HTTP_X_QUEUE_WORK"),
	};
}

/* Values below zero are unknown: null. */
static void integer_or_null(struct strbuf *out, const char *key, int64_t value)
{
	if (value < 0)
		json_null(out, key);
	else
		json_integer(out, key, value);
}

static void write_place(struct res *res, const struct queue_place *place)
{
	struct strbuf *out = &res->body;
	json_open(out, NULL, '{');
	json_text(out, "status", queue_status_name(place->status));
	integer_or_null(out, "position", place->position ? place->position : -1);
	integer_or_null(out, "ticketNumber", place->number);
	integer_or_null(out, "estimatedWaitSeconds", place->wait_s);
	integer_or_null(out, "pollAfterSeconds", place->poll_s ? place->poll_s : -1);
	json_text(out, "pass", place->pass);
	json_time(out, "passExpiresAt", place->pass_expires_ms);
	if (place->lobby_index >= 0) {
		json_integer(out, "lobbyIndex", place->lobby_index);
		json_time(out, "opensAt", place->open_ms);
	}
	json_text(out, "ticket", place->ticket);
	json_integer(out, "epoch", place->epoch);
	json_time(out, "serverTime", place->now_ms);
	json_close(out, '}');
	if (place->poll_s)
		res_header_printf(res, "Retry-After", "%lld", (long long)place->poll_s);
}

static enum fault join(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct queue_place place;
	struct queue_proofs proofs = proofs_of(req);
	enum fault fault = queue_join(ctx, (struct concert_id) { req->ids[0] }, &proofs, &place);
	if (fault)
		return fault;
	res->status = place.created ? 201 : 200;
	write_place(res, &place);
	return FAULT_NONE;
}

static enum fault status(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct queue_place place;
	struct queue_proofs proofs = proofs_of(req);
	enum fault fault = queue_get_status(ctx, (struct concert_id) { req->ids[0] }, &proofs,
		&place);
	if (fault)
		return fault;
	write_place(res, &place);
	return FAULT_NONE;
}

static enum fault leave(struct ctx *ctx, const struct req *req, struct res *res)
{
	enum fault fault = queue_leave(ctx, (struct concert_id) { req->ids[0] });
	if (!fault)
		res->status = 204;
	return fault;
}

static void text_or_null(struct strbuf *out, const char *key, const char *text)
{
	json_text(out, key, text && *text ? text : NULL);
}

/* "from-to from-to" as [[from,to],...] */
static void write_gaps(struct strbuf *out, const char *gaps)
{
	json_open(out, "gaps", '[');
	for (bool inside = false; gaps && *gaps; gaps++) {
		if (!inside)
			strbuf_text(out, out->data[out->length - 1] == ']' ? ",[" : "[");
		inside = *gaps != ' ';
		strbuf_byte(out, *gaps == '-' ? ',' : *gaps == ' ' ? ']' : *gaps);
		if (inside && !gaps[1])
			strbuf_byte(out, ']');
	}
	json_close(out, ']');
}

/* nginx, and a cache in front of it, keep the summary this long: longer where nothing moves. What
 * is older serves on while a fresh one is made, for a little longer than the stores may take. */
#define KEPT_S(seconds) "public, max-age=" #seconds ", stale-while-revalidate=4"

static const char *kept_for(const struct queue_summary *summary)
{
	switch (summary->phase) {
	case QUEUE_PHASE_CLOSED:
		return KEPT_S(30);
	case QUEUE_PHASE_SCHEDULED:
	case QUEUE_PHASE_LOBBY:
		return summary->open_ms - summary->now_ms > 10000 ? KEPT_S(5) : KEPT_S(1);
	case QUEUE_PHASE_SOLD_OUT:
		return KEPT_S(5);
	default:
		return KEPT_S(1);
	}
}

static enum fault now(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct queue_summary summary = { 0 };
	struct strbuf *out = &res->body;
	enum fault fault = queue_summarize(ctx, (struct concert_id) { req->ids[0] }, &summary);
	if (fault)
		return fault;
	res->cache_control = kept_for(&summary);
	json_open(out, NULL, '{');
	json_text(out, "phase", queue_phase_name(summary.phase));
	json_time(out, "serverTime", summary.now_ms);
	json_integer(out, "serverTimeMs", summary.now_ms);
	json_integer(out, "epoch", summary.epoch);
	json_integer(out, "serving", summary.serving);
	json_integer(out, "ceiling", summary.ceiling);
	json_integer(out, "tail", summary.tail);
	json_integer(out, "late", summary.late);
	integer_or_null(out, "speedPerThousandSeconds", summary.speed_milli);
	json_integer(out, "ceilingSpeedPerThousandSeconds", summary.vmax_milli);
	json_integer(out, "ratePerSecond", summary.rate_milli / 1000);
	json_time(out, "opensAt", summary.open_ms);
	json_integer(out, "opensAtMs", summary.open_ms);
	integer_or_null(out, "lobby", summary.lobby);
	text_or_null(out, "commit", summary.commit);
	text_or_null(out, "seed", summary.seed);
	write_gaps(out, summary.gaps);
	text_or_null(out, "message", summary.message);
	json_close(out, '}');
	return FAULT_NONE;
}

static enum fault audit(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct queue_audit audit;
	struct strbuf *out = &res->body;
	enum fault fault = queue_get_audit(ctx, (struct concert_id) { req->ids[0] }, &audit);
	if (fault)
		return fault;
	res->cache_control = "public, max-age=5";
	json_open(out, NULL, '{');
	json_text(out, "algorithm", "swap-or-not-90-sha256");
	json_integer(out, "epoch", audit.epoch);
	text_or_null(out, "commitment", audit.commit);
	text_or_null(out, "secret", audit.s0);
	text_or_null(out, "transcript", audit.transcript);
	integer_or_null(out, "participants", audit.participants);
	text_or_null(out, "beaconSource", audit.beacon_source);
	text_or_null(out, "beacon", audit.beacon);
	json_time(out, "committedAt", audit.committed_ms);
	json_time(out, "beaconNamedAt", audit.beacon_named_ms);
	json_time(out, "beaconAt", audit.beacon_ms);
	json_time(out, "drawnAt", audit.drawn_ms);
	text_or_null(out, "seed", audit.seed);
	text_or_null(out, "callsDigest", audit.calls_digest);
	json_close(out, '}');
	return FAULT_NONE;
}

struct calls_query {
	int64_t from;
};

static const struct field calls_fields[] = {
	{ "from", FIELD_INTEGER, offsetof(struct calls_query, from), false, 0, ID_MAX, NULL },
};

static enum fault calls(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct calls_query query = { 0 };
	struct queue_calls calls;
	struct strbuf *out = &res->body;
	enum fault fault = query_read(ctx, req, calls_fields, FIELD_COUNT(calls_fields), &query);
	if (!fault)
		fault = queue_get_calls(ctx, (struct concert_id) { req->ids[0] }, query.from, &calls);
	if (fault)
		return fault;
	res->cache_control = calls.next < 0 ? "public, max-age=1" : "public, max-age=60";
	json_open(out, NULL, '{');
	json_integer(out, "epoch", calls.epoch);
	json_integer(out, "from", query.from);
	json_integer(out, "total", calls.total);
	integer_or_null(out, "next", calls.next);
	text_or_null(out, "callsDigest", calls.digest);
	json_raw(out, "tickets", arena_printf(ctx->arena, "[%s]", calls.tickets));
	json_close(out, '}');
	return FAULT_NONE;
}

static const char *const modes[] = { "on", "none", NULL };
static const char *const states[] = { "open", "drain", "closed", NULL };

struct change_input {
	struct queue_change change;
	const char *state;
	bool paused, reset, rebase;
};

#define CHANGE(member) offsetof(struct change_input, change.member)
#define SETTING_FIELD(symbol, name, minimum, maximum) { name, FIELD_INTEGER, \
	CHANGE(values[QUEUE_SETTING_##symbol]), false, minimum, maximum, NULL }

static const struct field change_fields[] = {
	{ "mode", FIELD_CHOICE, CHANGE(mode), false, 0, 0, modes },
	{ "ratePerSecond", FIELD_INTEGER, CHANGE(rate_per_second), false, 1, 100000, NULL },
	{ "capacity", FIELD_INTEGER, CHANGE(capacity), false, 1, 1000000, NULL },
	{ "lobbyAt", FIELD_TIME, CHANGE(lobby_ms), false, 0, 0, NULL },
	{ "paused", FIELD_BOOLEAN, offsetof(struct change_input, paused), false, 0, 0, NULL },
	{ "state", FIELD_CHOICE, offsetof(struct change_input, state), false, 0, 0, states },
	{ "message", FIELD_RAW, CHANGE(message), false, 0, 500, NULL },
	{ "beaconSource", FIELD_TEXT, CHANGE(beacon_source), false, 1, 200, NULL },
	{ "beacon", FIELD_TEXT, CHANGE(beacon), false, 1, 200, NULL },
	{ "reset", FIELD_BOOLEAN, offsetof(struct change_input, reset), false, 0, 0, NULL },
	{ "rebaseClock", FIELD_BOOLEAN, offsetof(struct change_input, rebase), false, 0, 0, NULL },
#define HIDDEN_SETTING(symbol, name, initial, minimum, maximum, redis, unit)
#define SETTING(symbol, name, initial, minimum, maximum, redis, unit) \
	SETTING_FIELD(symbol, name, minimum, maximum),
#include "queue/queue_setting.def"
#undef SETTING
};

static void write_settings(struct strbuf *out, const struct queue_settings *settings)
{
	json_open(out, NULL, '{');
	json_text(out, "mode", settings->mode);
	json_integer(out, "ratePerSecond", settings->rate_per_second);
	json_integer(out, "capacity", settings->capacity);
	json_time(out, "lobbyAt", settings->lobby_ms);
	json_boolean(out, "paused", settings->paused);
	json_text(out, "state", states[settings->values[QUEUE_SETTING_STATE]]);
	json_text(out, "message", settings->message);
	json_integer(out, "epoch", settings->epoch);
	for (int i = QUEUE_SETTING_STATE + 1; i < QUEUE_SETTING_COUNT; i++)
		json_integer(out, queue_setting_table[i].name, settings->values[i]);
	json_close(out, '}');
}

static enum fault change(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct queue_settings settings;
	struct change_input input = { .change = { .rate_per_second = -1, .capacity = -1,
		.lobby_ms = -1, .paused = -1 } };
	struct change_input absent;
	for (int i = 0; i < QUEUE_SETTING_COUNT; i++)
		input.change.values[i] = -1;
	/* Read twice with either value beforehand: a boolean that stays as it was is absent. */
	absent = input;
	absent.paused = true;
	enum fault fault = json_read(ctx, req, change_fields, FIELD_COUNT(change_fields), &input);
	if (!fault)
		fault = json_read(ctx, req, change_fields, FIELD_COUNT(change_fields), &absent);
	if (fault)
		return fault;
	if (input.paused == absent.paused)
		input.change.paused = input.paused;
	input.change.reset = input.reset;
	input.change.rebase = input.rebase;
	for (int i = 0; input.state && states[i]; i++)
		if (states[i][0] == input.state[0])
			input.change.values[QUEUE_SETTING_STATE] = i;
	fault = queue_change_settings(ctx, (struct concert_id) { req->ids[0] }, &input.change,
		&settings);
	if (!fault)
		write_settings(&res->body, &settings);
	return fault;
}

static const struct route routes[] = {
	{ METHOD_POST, "/concert/{id}/queue", GUARD_MEMBER, join },
	{ METHOD_GET, "/concert/{id}/queue/status", GUARD_MEMBER, status },
	{ METHOD_DELETE, "/concert/{id}/queue", GUARD_MEMBER, leave },
	{ METHOD_GET, "/concert/{id}/queue/now", GUARD_PUBLIC, now },
	{ METHOD_GET, "/concert/{id}/queue/audit", GUARD_PUBLIC, audit },
	{ METHOD_GET, "/concert/{id}/queue/audit/calls", GUARD_PUBLIC, calls },
	{ METHOD_PATCH, "/concert/{id}/queue", GUARD_ADMIN, change },
};

int main(int argc, char **argv)
{
	static const struct worker worker = { .name = "queue", .routes = routes,
		.route_count = sizeof routes / sizeof *routes };
	return worker_main(argc, argv, &worker);
}
