/* What an operator asks of the stores behind us: do they answer, and how much work lies there.
 *
 * A port: health_pg.c and health_redis.c define it. Everything is bounded: counts stop at
 * HEALTH_COUNT_MOST, so that asking never becomes a load when something is already wrong. */
#ifndef CM_OPS_HEALTH_H
#define CM_OPS_HEALTH_H

#include <stdint.h>

#include "base/ctx.h"

enum { HEALTH_COUNT_MOST = 100000 };

/* Number of the newest migration in the database; the caller compares it with the newest of its
 * build (OPS_SCHEMA_VERSION). Faults: those of pg_query. */
enum fault health_database(struct ctx *ctx, int64_t *ret_schema_version);
/* Redis answers. Faults: REDIS_AWAY. */
enum fault health_redis(struct ctx *ctx);
/* The function library is loaded (or could be). Faults: REDIS_AWAY, INTERNAL. */
enum fault health_queue_library(struct ctx *ctx);
/* How often Redis has run functions of the library since it started, and the microseconds it took,
 * by its own account. Faults: REDIS_AWAY, INTERNAL. */
enum fault health_functions(struct ctx *ctx, int64_t *ret_calls, int64_t *ret_us);

struct health_work {
	int64_t outbox_rows, outbox_oldest_s; /* not yet given to the bus */
	int64_t dead_letters;		      /* open ones */
	int64_t payments_pending, payments_oldest_s;
	int64_t refunds_pending, refunds_oldest_s;
	int64_t refunds_failed; /* payments whose refund was refused: a person must act */
	int64_t holds, held_seats;  /* live reservations that wait for their payment */
	int64_t holds_overdue_s;    /* how long the most overdue hold waits for the sweeper */
	int64_t connections_most;   /* the server's limit */
	int64_t connections_locked; /* connections of ours that wait for a lock */
	int64_t mails, mails_oldest_s; /* e-mails neither sent nor given up */
};
/* One statement on partial indexes. Faults: those of pg_query. */
enum fault health_work(struct ctx *ctx, struct health_work *ret_work);

struct health_limits {
	int64_t most, reserved; /* max_connections, and those only superusers get */
	int64_t usable;         /* by our roles: also what the database itself is limited to */
};
enum fault health_limits(struct ctx *ctx, struct health_limits *ret_limits);

struct health_connections {
	const char *role, *state; /* "cm_auth"; "active", "idle", "idle in transaction", "unknown" */
	int64_t count;
};
/* Connections of our roles by state, sorted; the array lives in the arena. */
enum fault health_connections(struct ctx *ctx, struct health_connections **ret_rows,
			      int *ret_count);

/* Concerts whose sale or queue is on, opens within the hour or closed minutes ago, the latest to
 * open first; at most HEALTH_CONCERTS of them. */
enum { HEALTH_CONCERTS = 20 };
enum fault health_concerts(struct ctx *ctx, struct concert_id ret_concerts[HEALTH_CONCERTS],
			   int *ret_count);

#endif
