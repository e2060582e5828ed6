#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/str.h"
#include "pg/pg_internal.h"

#include "base/banned.h"

static const struct { const char *prefix; enum fault fault; } states[] = {
	{ "40", FAULT_DATABASE_RETRY },
	{ "23505", FAULT_DATABASE_DUPLICATE },
	{ "57", FAULT_DATABASE_BUSY },
	{ "55P03", FAULT_DATABASE_BUSY },
	{ "53", FAULT_DATABASE_BUSY },
	{ "25006", FAULT_DATABASE_BUSY },
};

enum fault pg_fault(struct ctx *ctx, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (!state)
		return FAULT_OUTCOME_UNKNOWN;
	ctx->log_detail = arena_printf(ctx->arena, "%s %s %s", state,
		constraint ? constraint : "", message ? message : "");
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (str_starts(state, states[i].prefix))
			return states[i].fault;
	return FAULT_INTERNAL;
}

static char *array_of_integers(struct arena *arena, const int64_t *items, size_t count)
{
	struct strbuf text;
	strbuf_init(&text, arena);
	strbuf_byte(&text, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			strbuf_byte(&text, ',');
		strbuf_int(&text, items[i]);
	}
	strbuf_byte(&text, '}');
	return text.data;
}

static char *array_of_texts(struct arena *arena, const char *const *items, size_t count)
{
	struct strbuf text;
	strbuf_init(&text, arena);
	strbuf_byte(&text, '{');
	for (size_t i = 0; i < count; i++) {
		strbuf_text(&text, i ? ",\"" : "\"");
		for (const char *from = items[i]; *from; from++) {
			if (*from == '"' || *from == '\\')
				strbuf_byte(&text, '\\');
			strbuf_byte(&text, *from);
		}
		strbuf_byte(&text, '"');
	}
	strbuf_byte(&text, '}');
	return text.data;
}

/* va_list by pointer: the caller goes on with the next letter. */
static const char *one_value(struct ctx *ctx, char type, va_list *list)
{
	if (type == 't')
		return va_arg(*list, const char *);
	if (type == 'b')
		return va_arg(*list, int) ? "t" : "f";
	if (type == 'i' || type == 'I') {
		int64_t value = va_arg(*list, int64_t);
		if (type == 'I' && !value)
			return NULL;
		char *text = arena_alloc(ctx->arena, STR_INT_BYTES);
		str_from_int(text, value);
		return text;
	}
	const void *items = va_arg(*list, const void *);
	size_t count = va_arg(*list, size_t);
	if (!items)
		return NULL;
	if (type == 'A')
		return array_of_integers(ctx->arena, items, count);
	if (type == 'T')
		return array_of_texts(ctx->arena, items, count);
	if (type == 'x')
		return arena_printf(ctx->arena, "\\x%s", str_hex(ctx->arena, items, count));
	abort();
}

static void clear_result(void *result)
{
	PQclear(result);
}

/* The rows, or the fault, of what was just sent. */
static enum fault receive(struct ctx *ctx, struct pg *pg, struct pg_rows *ret_rows)
{
	int64_t patience_ms = ctx->database_call_ms ? ctx->database_call_ms
		: conf_integer(CONF_DATABASE_CALL_MS);
	int64_t deadline = clock_monotonic_us() + patience_ms * 1000;
	PGresult *result = pg_last_result(pg->connection, deadline);
	if (!result) {
		ctx->log_detail = arena_strdup(ctx->arena, PQerrorMessage(pg->connection));
		/* The server notices by client_connection_check_interval; PQcancel would wait for a
		 * frozen server's answer without end. */
		pg_drop(pg);
		return FAULT_OUTCOME_UNKNOWN;
	}
	arena_defer(ctx->arena, clear_result, result);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		enum fault fault = pg_fault(ctx, result);
		if (PQstatus(pg->connection) != CONNECTION_OK)
			pg_drop(pg);
		return fault;
	}
	if (ret_rows)
		*ret_rows = (struct pg_rows){ .result = result, .count = PQntuples(result) };
	return FAULT_NONE;
}

enum fault pg_run(struct ctx *ctx, struct pg *pg, struct pg_rows *ret_rows,
	const struct pg_call *call)
{
	int64_t start = clock_monotonic_us();
	enum fault fault = pg_connect(ctx, pg);
	if (!fault) {
		ctx->statements++;
		if (PQsendQueryPrepared(pg->connection, call->statement->name, call->count,
			call->values, NULL, NULL, 0))
			fault = receive(ctx, pg, ret_rows);
		else {
			pg_drop(pg);
			fault = FAULT_DATABASE_AWAY;
		}
	}
	ctx->database_us += clock_monotonic_us() - start;
	return fault;
}

static void collect(struct ctx *ctx, struct pg_call *call, const char *types,
	va_list *list)
{
	for (; *types; types++) {
		if (call->count == PG_PARAMETERS)
			abort();
		call->values[call->count++] = one_value(ctx, *types, list);
	}
}

enum fault pg_query(struct ctx *ctx, struct pg_rows *ret_rows, const struct pg_statement *statement,
	const char *types, ...)
{
	struct pg_call call = { .statement = statement };
	va_list list;
	va_start(list, types);
	collect(ctx, &call, types, &list);
	va_end(list);
	if (ctx->may_lag && ctx->replica && ret_rows && replica_answers(ctx, ret_rows, &call))
		return FAULT_NONE;
	return pg_run(ctx, ctx->pg, ret_rows, &call);
}

enum fault pg_query_on(struct ctx *ctx, struct pg *pg, struct pg_rows *ret_rows,
	const struct pg_statement *statement, const char *types, ...)
{
	struct pg_call call = { .statement = statement };
	va_list list;
	va_start(list, types);
	collect(ctx, &call, types, &list);
	va_end(list);
	return pg_run(ctx, pg, ret_rows, &call);
}

enum fault pg_execute(struct ctx *ctx, struct pg *pg, const char *sql)
{
	enum fault fault = pg_connect(ctx, pg);
	if (fault)
		return fault;
	ctx->statements++;
	if (!PQsendQuery(pg->connection, sql)) {
		pg_drop(pg);
		return FAULT_DATABASE_AWAY;
	}
	return receive(ctx, pg, NULL);
}

bool pg_is_null(const struct pg_rows *rows, int row, int column)
{
	return PQgetisnull(rows->result, row, column);
}

int64_t pg_integer(const struct pg_rows *rows, int row, int column)
{
	return strtoll(PQgetvalue(rows->result, row, column), NULL, 10);
}

bool pg_boolean(const struct pg_rows *rows, int row, int column)
{
	return *PQgetvalue(rows->result, row, column) == 't';
}

const char *pg_text(const struct pg_rows *rows, int row, int column)
{
	return pg_is_null(rows, row, column) ? NULL : PQgetvalue(rows->result, row, column);
}

const unsigned char *pg_bytes(struct ctx *ctx, const struct pg_rows *rows, int row, int column,
	size_t *ret_length)
{
	*ret_length = 0;
	if (pg_is_null(rows, row, column))
		return NULL;
	unsigned char *decoded = PQunescapeBytea(
		(const unsigned char *)PQgetvalue(rows->result, row, column), ret_length);
	if (!decoded)
		abort();
	arena_defer(ctx->arena, PQfreemem, decoded);
	return decoded;
}

int64_t pg_affected(const struct pg_rows *rows)
{
	return strtoll(PQcmdTuples((PGresult *)(uintptr_t)rows->result), NULL, 10);
}
