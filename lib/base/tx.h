/* A transaction of several statements; a single statement needs none. Defined in lib/pg. */
#ifndef CM_BASE_TX_H
#define CM_BASE_TX_H

#include "base/ctx.h"

/* Runs fn between BEGIN and COMMIT and repeats it at most 5 times after serialization failures
 * and deadlocks, so fn may run twice: it neither replies nor publishes. A fault of fn rolls back.
 * FAULT_OUTCOME_UNKNOWN: the connection broke during COMMIT. name is for the log. */
enum fault tx_run(struct ctx *ctx, const char *name, enum fault (*fn)(struct ctx *, void *),
	void *arg);

#endif
