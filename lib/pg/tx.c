#include "base/tx.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "metrics/metrics.h"
#include "pg/pg.h"

#include "base/banned.h"

enum { ATTEMPTS = 5, PAUSE_US = 2000 };

static void pause_with_jitter(int attempt)
{
	long pause_us = (PAUSE_US << attempt) / 2 + random() % (PAUSE_US << attempt);
	struct timespec pause = { .tv_nsec = pause_us * 1000 };
	nanosleep(&pause, NULL);
}

static enum fault attempt_once(struct ctx *ctx, enum fault (*fn)(struct ctx *, void *), void *arg)
{
	enum fault fault = pg_execute(ctx, ctx->pg, "begin");
	if (fault)
		return fault == FAULT_OUTCOME_UNKNOWN ? FAULT_DATABASE_AWAY : fault;
	fault = fn(ctx, arg);
	if (!fault)
		return pg_execute(ctx, ctx->pg, "commit");
	/* Nothing was committed, so a lost connection inside fn is not in doubt. */
	if (fault == FAULT_OUTCOME_UNKNOWN)
		return FAULT_DATABASE_AWAY;
	if (pg_socket(ctx->pg) >= 0)
		pg_execute(ctx, ctx->pg, "rollback");
	return fault;
}

enum fault tx_run(struct ctx *ctx, const char *name, enum fault (*fn)(struct ctx *, void *),
	void *arg)
{
	enum fault fault = FAULT_DATABASE_RETRY;
	for (int attempt = 0; attempt < ATTEMPTS && fault == FAULT_DATABASE_RETRY; attempt++) {
		if (attempt) {
			metric_add(METRIC_TRANSACTION_RETRIES, 1);
			pause_with_jitter(attempt);
		}
		fault = attempt_once(ctx, fn, arg);
	}
	if (fault == FAULT_DATABASE_RETRY)
		log_event(LOG_WARNING, "transaction given up", "transaction", name);
	return fault;
}
