/* PostgreSQL: one connection a process, statements prepared on connect, a deadline for every call.
 *
 * A statement is defined once, at the top of the adapter that uses it:
 *     PG_STATEMENT(seat_find, "select ... where id = $1");
 * All statements linked into a program are prepared when it connects, and a test prepares those
 * of the whole library against a fresh schema. */
#ifndef CM_PG_PG_H
#define CM_PG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

struct pg_statement {
	const char *name, *sql;
} __attribute__((aligned(16)));

#define PG_STATEMENT(symbol, text) \
	static const struct pg_statement symbol __attribute__((section("cm_statements"), used)) \
		= { #symbol, text }

/* SQL for an instant column or expression as integer milliseconds. */
#define PG_MS(expression) "floor(extract(epoch from " expression ") * 1000)::bigint"

/* A result; lives until the arena is reset. */
struct pg_rows {
	const void *result;
	int count;
};

/* A handle that connects on first use. url is kept. Never NULL. */
struct pg *pg_new(const char *url, const char *role);
/* As the role of a program: cm_<program>, or what CM_DATABASE_ROLE says. */
struct pg *pg_new_for(const char *url, const char *program);
void pg_free(struct pg *pg);
/* Connects if needed. Faults: DATABASE_AWAY. */
enum fault pg_connect(struct ctx *ctx, struct pg *pg);

/* Runs one prepared statement on ctx->pg. types has one letter a parameter:
 *   i int64_t        I int64_t, 0 is NULL      b int (boolean)
 *   t const char *, NULL is NULL               A const int64_t *, size_t: bigint[]; NULL is NULL
 *   x const void *, size_t: bytea; NULL is NULL
 *   T const char *const *, size_t: text[]
 * Instants travel as ms: to_timestamp($1 / 1000.0).
 * Faults: DATABASE_AWAY (not executed), OUTCOME_UNKNOWN (sent, no answer), DATABASE_BUSY
 * (time-outs, resources), DATABASE_RETRY (serialization, deadlock),
 * DATABASE_DUPLICATE (unique violation), INTERNAL. */
enum fault pg_query(struct ctx *ctx, struct pg_rows *ret_rows,
	const struct pg_statement *statement, const char *types, ...);
/* As pg_query on another connection (a replica). */
enum fault pg_query_on(struct ctx *ctx, struct pg *pg, struct pg_rows *ret_rows,
	const struct pg_statement *statement, const char *types, ...);
/* Runs SQL text without parameters (BEGIN, migrations, LISTEN): not for input. */
enum fault pg_execute(struct ctx *ctx, struct pg *pg, const char *sql);

/* Cells. NULL reads as 0, false, NULL. Texts live as long as the result. */
bool pg_is_null(const struct pg_rows *rows, int row, int column);
int64_t pg_integer(const struct pg_rows *rows, int row, int column);
bool pg_boolean(const struct pg_rows *rows, int row, int column);
const char *pg_text(const struct pg_rows *rows, int row, int column);
/* A bytea cell's bytes, in the arena. */
const unsigned char *pg_bytes(struct ctx *ctx, const struct pg_rows *rows, int row, int column,
	size_t *ret_length);
/* Rows a command changed. */
int64_t pg_affected(const struct pg_rows *rows);

/* All statements linked into this program. */
const struct pg_statement *pg_statements(size_t *ret_count);
/* The socket, -1 when not connected: for daemons that wait. */
int pg_socket(const struct pg *pg);

#endif
