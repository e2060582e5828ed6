#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "pg/pg_internal.h"

#include "base/banned.h"

enum { BACKOFF_FIRST_US = 50000, BACKOFF_LAST_US = 1000000 };

extern const struct pg_statement __start_cm_statements[] __attribute__((weak));
extern const struct pg_statement __stop_cm_statements[] __attribute__((weak));

const struct pg_statement *pg_statements(size_t *ret_count)
{
	*ret_count = (size_t)(__stop_cm_statements - __start_cm_statements);
	return __start_cm_statements;
}

struct pg *pg_new(const char *url, const char *role)
{
	struct pg *pg = calloc(1, sizeof(*pg));
	if (!pg)
		abort();
	pg->url = strdup(url);
	pg->role = strdup(role ? role : "");
	return pg;
}

struct pg *pg_new_for(const char *url, const char *program)
{
	const char *role = conf_text(CONF_DATABASE_ROLE);
	char own[64];
	snprintf(own, sizeof(own), "cm_%s", program);
	return pg_new(url, strcmp(role, "-") == 0 ? "" : *role ? role : own);
}

void pg_drop(struct pg *pg)
{
	if (pg->connection)
		PQfinish(pg->connection);
	pg->connection = NULL;
}

void pg_free(struct pg *pg)
{
	if (!pg)
		return;
	pg_drop(pg);
	free(pg->url);
	free(pg->role);
	free(pg);
}

int pg_socket(const struct pg *pg)
{
	return pg->connection ? PQsocket(pg->connection) : -1;
}

bool pg_wait_socket(PGconn *connection, enum pg_wait wanted, int64_t deadline_us)
{
	struct pollfd poller = { .fd = PQsocket(connection),
		.events = wanted == PG_READABLE ? POLLIN : POLLOUT };
	for (;;) {
		int64_t left = deadline_us - clock_monotonic_us();
		if (left <= 0 || poller.fd < 0)
			return false;
		if (poll(&poller, 1, (int)(left / 1000) + 1) > 0)
			return true;
	}
}

static PGresult *flush_and_receive(PGconn *connection, int64_t deadline_us)
{
	int unsent;
	while ((unsent = PQflush(connection)) > 0)
		if (!pg_wait_socket(connection, PG_WRITABLE, deadline_us))
			return NULL;
	while (unsent == 0 && PQisBusy(connection))
		if (!pg_wait_socket(connection, PG_READABLE, deadline_us)
			|| !PQconsumeInput(connection))
			return NULL;
	return unsent < 0 ? NULL : PQgetResult(connection);
}

PGresult *pg_last_result(PGconn *connection, int64_t deadline_us)
{
	PGresult *last = flush_and_receive(connection, deadline_us);
	while (last) {
		if (PQstatus(connection) != CONNECTION_OK)
			return last;
		while (PQisBusy(connection))
			if (!pg_wait_socket(connection, PG_READABLE, deadline_us)
				|| !PQconsumeInput(connection)) {
				PQclear(last);
				return NULL;
			}
		PGresult *next = PQgetResult(connection);
		if (!next)
			return last;
		PQclear(last);
		last = next;
	}
	return NULL;
}

static bool run_command(PGconn *connection, int sent, int64_t deadline_us)
{
	PGresult *result = sent ? pg_last_result(connection, deadline_us) : NULL;
	ExecStatusType status = PQresultStatus(result);
	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool prepare_all(PGconn *connection, int64_t deadline_us)
{
	size_t count;
	const struct pg_statement *statements = pg_statements(&count);
	for (size_t i = 0; i < count; i++) {
		int sent = PQsendPrepare(connection, statements[i].name, statements[i].sql, 0, NULL);
		if (!run_command(connection, sent, deadline_us)) {
			log_event(LOG_ERROR, "statement cannot be prepared", "statement",
				statements[i].name);
			log_event(LOG_ERROR, "database said", "error", PQerrorMessage(connection));
			return false;
		}
	}
	return true;
}

/* The operator's string first; what it leaves open gets our values. The schema is fixed here and
 * not on the role, so that an operator's own role works too. */
static PGconn *start_connect(const struct pg *pg)
{
	const char *keys[16], *values[16];
	int count = 0;
#define SET(key, value) (keys[count] = (key), values[count++] = (value))
	SET("application_name", pg->role);
	SET("keepalives_idle", "30");
	SET("tcp_user_timeout", "10000");
	SET("client_encoding", "UTF8");
	SET("options", "-c search_path=cm -c client_connection_check_interval=500ms");
	SET("dbname", pg->url);
	if (*pg->role)
		SET("user", pg->role);
#undef SET
	keys[count] = values[count] = NULL;
	return PQconnectStartParams(keys, values, 1);
}

static bool finish_connect(PGconn *connection, int64_t deadline_us)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	while (status != PGRES_POLLING_OK) {
		if (status == PGRES_POLLING_FAILED)
			return false;
		enum pg_wait wanted = status == PGRES_POLLING_READING ? PG_READABLE : PG_WRITABLE;
		if (!pg_wait_socket(connection, wanted, deadline_us))
			return false;
		status = PQconnectPoll(connection);
	}
	return PQsetnonblocking(connection, 1) == 0;
}

/* Doubling with jitter, so that a restarted server isn't met by all workers at once. */
static void note_failure(struct pg *pg)
{
	int64_t pause = BACKOFF_FIRST_US << (pg->failures < 5 ? pg->failures : 5);
	if (pause > BACKOFF_LAST_US)
		pause = BACKOFF_LAST_US;
	pg->failures++;
	pg->retry_at_us = clock_monotonic_us() + pause / 2 + random() % (pause / 2);
	pg_drop(pg);
}

/* Nothing should arrive while we are idle: what does is a server saying farewell, often some time
 * before its socket closes. Noticing it before sending keeps the outcome of what we send out of
 * doubt. A rare harmless notice costs one reconnection. */
static bool is_alive(struct pg *pg)
{
	struct pollfd poller = { .fd = PQsocket(pg->connection), .events = POLLIN };
	return poll(&poller, 1, 0) <= 0;
}

enum fault pg_connect(struct ctx *ctx, struct pg *pg)
{
	if (pg->connection && is_alive(pg))
		return FAULT_NONE;
	pg_drop(pg);
	int64_t now = clock_monotonic_us();
	if (now < pg->retry_at_us)
		return FAULT_DATABASE_AWAY;
	int64_t deadline = now + conf_integer(CONF_DATABASE_CONNECT_MS) * 1000;
	pg->connection = start_connect(pg);
	if (!pg->connection || PQstatus(pg->connection) == CONNECTION_BAD
		|| !finish_connect(pg->connection, deadline)
		|| !prepare_all(pg->connection, deadline + 1000000)) {
		ctx->log_detail = arena_strdup(ctx->arena,
			pg->connection ? PQerrorMessage(pg->connection) : "out of memory");
		note_failure(pg);
		return FAULT_DATABASE_AWAY;
	}
	pg->failures = 0;
	metric_add(METRIC_DATABASE_CONNECTS, 1);
	return FAULT_NONE;
}
