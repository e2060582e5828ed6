/* Shared by the files of lib/pg only. */
#ifndef CM_PG_INTERNAL_H
#define CM_PG_INTERNAL_H

#include <libpq-fe.h>

#include "pg/pg.h"

struct pg {
	char *url, *role;
	PGconn *connection;
	int64_t retry_at_us; /* no new attempt before */
	int failures;
};

/* One statement with its parameters as texts. */
enum { PG_PARAMETERS = 32 };

struct pg_call {
	const struct pg_statement *statement;
	const char *values[PG_PARAMETERS];
	int count;
};

/* Sends it and waits for the answer, as pg_query does. */
enum fault pg_run(struct ctx *ctx, struct pg *pg, struct pg_rows *ret_rows,
	const struct pg_call *call);
/* Runs it on ctx->replica. False: the primary has to be asked (replica.h tells when). */
bool replica_answers(struct ctx *ctx, struct pg_rows *ret_rows, const struct pg_call *call);

enum pg_wait { PG_READABLE, PG_WRITABLE };

/* Waits until the socket is ready; false when deadline_us (monotonic) passed. */
bool pg_wait_socket(PGconn *connection, enum pg_wait wanted, int64_t deadline_us);
/* Reads results until the command is over and keeps the last; NULL when the deadline passed or
 * the connection broke. */
PGresult *pg_last_result(PGconn *connection, int64_t deadline_us);
/* Closes the connection; the next use connects again. */
void pg_drop(struct pg *pg);
/* The fault of a failed result; notes the SQLSTATE in ctx->log_detail. */
enum fault pg_fault(struct ctx *ctx, const PGresult *result);

#endif
