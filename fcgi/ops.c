/* cm-ops: is it alive, is it ready, what does it count. For the internal listener. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "event/event.h"
#include "metrics/exposition.h"
#include "ops/budget.h"
#include "ops/health.h"
#include "ops/schema_version.h"
#include "queue/queue.h"
#include "worker.h"

#include "base/banned.h"

/* Answers as long as this process does: no dependency is asked. */
static enum fault livez(struct ctx *ctx, const struct req *req, struct res *res)
{
	(void)ctx;
	(void)req;
	strbuf_text(&res->body, "{\"status\":\"live\"}");
	return FAULT_NONE;
}

/* Without an essential one nothing can be done. Without another one some answers are 503 while the
 * rest goes on: taking the host away then would turn a part's outage into the whole's. */
struct check {
	const char *name, *state;
	bool essential;
};

static const char *state_of(enum fault fault)
{
	return fault ? fault_info(fault)->slug : "ok";
}

static const char *migrations(struct ctx *ctx, enum fault *ret_database)
{
	int64_t version = 0;
	*ret_database = health_database(ctx, &version);
	if (*ret_database)
		return "unknown";
	if (version < OPS_SCHEMA_VERSION)
		return arena_printf(ctx->arena, "at %lld of %d", (long long)version,
				    OPS_SCHEMA_VERSION);
	return "ok";
}

static const char *readiness(const struct check *checks, size_t count)
{
	const char *status = "ready";
	for (size_t i = 0; i < count; i++) {
		if (strcmp(checks[i].state, "ok") == 0)
			continue;
		if (checks[i].essential)
			return "not ready";
		status = "degraded";
	}
	return status;
}

static void write_checks(struct res *res, const struct check *checks, size_t count)
{
	const char *status = readiness(checks, count);
	strbuf_printf(&res->body, "{\"status\":\"%s\",\"checks\":{", status);
	for (size_t i = 0; i < count; i++) {
		strbuf_printf(&res->body, "%s\"%s\":", i ? "," : "", checks[i].name);
		strbuf_json(&res->body, checks[i].state);
	}
	strbuf_text(&res->body, "}}");
	if (strcmp(status, "not ready") != 0)
		return;
	res->status = 503;
	res_header(res, "Retry-After", "1");
}

static enum fault readyz(struct ctx *ctx, const struct req *req, struct res *res)
{
	(void)req;
	enum fault database;
	const char *schema = migrations(ctx, &database);
	struct check checks[] = {
		{"database", state_of(database), true},
		{"migrations", schema, true},
		{"redis", state_of(health_redis(ctx)), false},
		{"queueLibrary", state_of(health_queue_library(ctx)), false},
	};
	write_checks(res, checks, sizeof(checks) / sizeof(*checks));
	return FAULT_NONE;
}

static void gauge(FILE *out, const char *name, int64_t value, const char *help)
{
	metrics_print_head(out, name, "gauge", help);
	fprintf(out, "%s %lld\n", name, (long long)value);
}

static void print_work(FILE *out, const struct health_work *work)
{
	gauge(out, "cm_outbox_unpublished", work->outbox_rows, "Events not yet given to the bus.");
	gauge(out, "cm_outbox_oldest_seconds", work->outbox_oldest_s,
	      "Age of the oldest event not yet given to the bus.");
	gauge(out, "cm_dead_letters", work->dead_letters, "Poisoned events that wait for a person.");
	gauge(out, "cm_payments_pending", work->payments_pending,
	      "Payments whose outcome is not known yet.");
	gauge(out, "cm_payments_pending_oldest_seconds", work->payments_oldest_s,
	      "Age of the oldest payment whose outcome is not known.");
	gauge(out, "cm_refunds_pending", work->refunds_pending, "Refunds not yet settled.");
	gauge(out, "cm_refunds_pending_oldest_seconds", work->refunds_oldest_s,
	      "Age of the oldest refund not yet settled.");
	gauge(out, "cm_refunds_failed", work->refunds_failed,
	      "Payments whose refund was refused for good: a person must act.");
	gauge(out, "cm_holds", work->holds, "Reservations that wait for their payment.");
	gauge(out, "cm_held_seats", work->held_seats, "Seats of these reservations.");
	gauge(out, "cm_holds_overdue_seconds", work->holds_overdue_s,
	      "How long the most overdue hold has waited for the sweeper.");
	gauge(out, "cm_mails_waiting", work->mails, "E-mails neither sent nor given up.");
	gauge(out, "cm_mails_oldest_seconds", work->mails_oldest_s, "Age of the oldest of these.");
	gauge(out, "cm_database_connections_most", work->connections_most,
	      "Connections PostgreSQL accepts.");
	gauge(out, "cm_database_connections_needed", budget_make().needed,
	      "Connections the settings ask for, at most.");
	gauge(out, "cm_database_connections_locked", work->connections_locked,
	      "Connections of ours that wait for a lock.");
}

static void print_groups(FILE *out, const struct event_backlog *groups, size_t count)
{
	static const char *const names[] = {"cm_deliveries_waiting", "cm_deliveries_oldest_seconds"};
	static const char *const helps[] = {"Deliveries their consumer group has not taken in.",
					    "Age of the event it has to take in next."};
	for (int n = 0; n < 2; n++) {
		metrics_print_head(out, names[n], "gauge", helps[n]);
		for (size_t i = 0; i < count; i++) {
			fprintf(out, "%s{group=\"", names[n]);
			metrics_print_escaped(out, groups[i].group);
			fprintf(out, "\"} %lld\n",
				(long long)(n ? groups[i].oldest_s : groups[i].waiting));
		}
	}
}

static void print_connections(FILE *out, const struct health_connections *rows, int count)
{
	const char *name = "cm_database_connections";
	metrics_print_head(out, name, "gauge", "Connections by role and state.");
	for (int row = 0; row < count; row++) {
		fprintf(out, "%s{role=\"", name);
		metrics_print_escaped(out, rows[row].role);
		fputs("\",state=\"", out);
		metrics_print_escaped(out, rows[row].state);
		fprintf(out, "\"} %lld\n", (long long)rows[row].count);
	}
}

struct observed {
	struct concert_id concert;
	struct queue_summary queue;
};

/* What queue.md section 12 wants, by concert: all from one script's summary. */
static const struct {
	const char *name, *type;
	size_t at;
	const char *help;
} queue_numbers[] = {
#define NUMBER(name, type, member, help) \
	{"cm_queue_" name, type, offsetof(struct queue_summary, member), help}
	NUMBER("tail", "gauge", tail, "Tickets given so far."),
	NUMBER("serving", "gauge", serving, "Frontier: tickets below it were called or passed."),
	NUMBER("ceiling", "gauge", ceiling, "Tickets below it may ask for their turn."),
	NUMBER("lobby", "gauge", lobby, "Members gathered before the opening."),
	NUMBER("late", "gauge", late, "Members who come back after their call."),
	NUMBER("leases", "gauge", leases, "Members choosing seats now."),
	NUMBER("calls_open", "gauge", calls, "Calls not yet answered."),
	NUMBER("capacity", "gauge", capacity, "Most leases and open calls."),
	NUMBER("capacity_effective", "gauge", capacity_effective,
	       "The same, when few free seats don't allow as many."),
	NUMBER("epoch", "gauge", epoch, "Uses of the queue so far; grows with a reset."),
	NUMBER("waiting", "gauge", waiting, "Tickets not yet called or passed, at most."),
	NUMBER("eta_tail_seconds", "gauge", last_wait_s,
	       "Expected wait of whoever joins now; -1 unknown."),
	NUMBER("summary_age_seconds", "gauge", age_s,
	       "Since the public summary was last made; -1 never."),
	NUMBER("seats_free", "gauge", free, "Seats free, as the queue knows; -1 unknown."),
	NUMBER("seats_held", "gauge", held, "Seats held, as the queue knows; -1 unknown."),
	NUMBER("rate_config_milli", "gauge", rate_milli, "Admissions in 1000 s, as configured."),
	NUMBER("rate_measured_milli", "gauge", speed_milli,
	       "Tickets the frontier moves in 1000 s; -1 unknown."),
	NUMBER("live_milli", "gauge", live_milli, "Share of called tickets that answer, of 1000."),
	NUMBER("clock_back_ms", "gauge", clock_back_ms, "How far Redis' clock stepped back."),
	NUMBER("calls_total", "counter", called, "Tickets called."),
	NUMBER("claims_total", "counter", claimed, "Calls that became leases."),
	NUMBER("noshows_total", "counter", noshow, "Calls nobody answered."),
	NUMBER("passed_total", "counter", passed, "Tickets the frontier passed over."),
	NUMBER("late_in_total", "counter", late_in, "Late members let in."),
	NUMBER("late_gone_total", "counter", late_gone, "Late members whose grace ended."),
	NUMBER("leases_expired_total", "counter", expired, "Leases that ran out."),
	NUMBER("left_total", "counter", left, "Members who left."),
	NUMBER("hold_expired_total", "counter", hold_expired, "Leases ended with their hold."),
	NUMBER("done_total", "counter", done, "Leases that ended in a purchase."),
	NUMBER("restored_total", "counter", restored, "Places restored from signed tickets."),
	NUMBER("restore_conflicts_total", "counter", conflict, "Restores refused."),
	NUMBER("claim_delay_ms_total", "counter", claim_delay_ms, "Sum of calls' waiting times."),
	NUMBER("phase", "gauge", phase, "1 scheduled, 2 lobby, 3 drawing, 4 open, 5 paused, 6 returns,"
	       " 7 sold out, 8 drain, 9 closed, 10 rebuild."),
#undef NUMBER
};

static int64_t number_of(const struct queue_summary *queue, size_t at)
{
	if (at == offsetof(struct queue_summary, phase))
		return queue->phase;
	return *(const int64_t *)(const void *)((const char *)queue + at);
}

static void print_queues(struct ctx *ctx, FILE *out)
{
	struct concert_id concerts[HEALTH_CONCERTS];
	struct observed *seen = arena_array(ctx->arena, HEALTH_CONCERTS, sizeof(*seen));
	int asked, count = 0;
	if (health_concerts(ctx, concerts, &asked))
		return;
	for (int i = 0; i < asked; i++) {
		enum fault fault = queue_observe(ctx, concerts[i], &seen[count].queue);
		if (fault == FAULT_REDIS_AWAY)
			return;
		if (!fault)
			seen[count++].concert = concerts[i];
	}
	for (size_t n = 0; n < sizeof(queue_numbers) / sizeof(*queue_numbers); n++) {
		const char *name = queue_numbers[n].name;
		metrics_print_head(out, name, queue_numbers[n].type, queue_numbers[n].help);
		for (int i = 0; i < count; i++)
			fprintf(out, "%s{concert=\"%lld\"} %lld\n", name,
				(long long)seen[i].concert.value,
				(long long)number_of(&seen[i].queue, queue_numbers[n].at));
	}
}

/* False when Redis did not say. */
static bool print_functions(struct ctx *ctx, FILE *out)
{
	int64_t calls, us;
	if (health_functions(ctx, &calls, &us))
		return false;
	metrics_print_head(out, "cm_redis_function_calls_total", "counter",
			   "Calls of Redis functions: the queue's and the seat locks'.");
	fprintf(out, "cm_redis_function_calls_total %lld\n", (long long)calls);
	metrics_print_head(out, "cm_redis_function_seconds_total", "counter",
			   "Time Redis spent in them.");
	fprintf(out, "cm_redis_function_seconds_total %lld.%06lld\n", (long long)(us / 1000000),
		(long long)(us % 1000000));
	return true;
}

/* Asked of the stores at every scrape; what can't be had is left out, and cm_up says why. */
static void print_stores(struct ctx *ctx, FILE *out)
{
	struct health_work work;
	struct event_backlog *groups;
	size_t group_count;
	struct health_connections *connections;
	int count;
	bool database = health_work(ctx, &work) == FAULT_NONE;
	if (database)
		print_work(out, &work);
	enum fault bus = database ? event_backlog(ctx, &groups, &group_count) : FAULT_DATABASE_AWAY;
	if (!bus)
		print_groups(out, groups, group_count);
	if (database && health_connections(ctx, &connections, &count) == FAULT_NONE)
		print_connections(out, connections, count);
	if (database)
		print_queues(ctx, out);
	bool redis = print_functions(ctx, out) || health_redis(ctx) == FAULT_NONE;
	metrics_print_head(out, "cm_up", "gauge", "1 when the dependency answers.");
	fprintf(out, "cm_up{dependency=\"database\"} %d\n", database);
	fprintf(out, "cm_up{dependency=\"redis\"} %d\n", redis);
	if (strcmp(conf_text(CONF_BUS), "kafka") == 0 && (!bus || bus == FAULT_BUS_AWAY))
		fprintf(out, "cm_up{dependency=\"kafka\"} %d\n", !bus);
}

static enum fault metrics(struct ctx *ctx, const struct req *req, struct res *res)
{
	(void)req;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	if (!out)
		return FAULT_INTERNAL;
	metrics_print(ctx->arena, out, conf_text(CONF_METRICS_DIR));
	print_stores(ctx, out);
	fclose(out);
	strbuf_add(&res->body, text, length);
	free(text);
	res->content_type = METRICS_CONTENT_TYPE;
	return FAULT_NONE;
}

static const struct route routes[] = {
	{METHOD_GET, "/livez", GUARD_PUBLIC, livez},
	{METHOD_GET, "/readyz", GUARD_PUBLIC, readyz},
	{METHOD_GET, "/metrics", GUARD_PUBLIC, metrics},
};

int main(int argc, char **argv)
{
	static const struct worker worker = {
		.name = "ops", .routes = routes, .route_count = sizeof(routes) / sizeof(*routes)};
	return worker_main(argc, argv, &worker);
}
