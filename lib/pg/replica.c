#include "pg/replica.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "pg/pg_internal.h"

#include "base/banned.h"

/* More samples than the longest allowed lag has seconds. */
enum { SAMPLES = 64 };
enum { CHECK_EVERY_US = 1000000, CHECK_CALL_MS = 500, PRIMARY_REST_US = 2000000 };
enum { REST_FIRST_US = 500000, REST_LAST_US = 8000000, REST_DOUBLINGS = 4 };
/* A read that the replica did not answer in this part of its deadline goes to the primary, so that
 * both fit into what nginx waits for. */
enum { SHARE_OF_DEADLINE = 3 };

/* "The primary had flushed so much then." */
struct sample {
	int64_t at_us, position;
};

enum state { UNKNOWN, IN_USE, LAGGING, AWAY };

struct replica {
	struct pg *pg;
	struct sample samples[SAMPLES];
	unsigned taken;        /* samples so far; the ring holds the last ones */
	int64_t fresh_at_us;   /* what the primary had committed by then is on the replica */
	int64_t check_at_us;   /* next look at both */
	int64_t primary_at_us; /* no look at the primary before */
	int64_t retry_at_us;   /* no use of the replica before */
	int failures;
	bool primary_away;
	enum state state;
};

PG_STATEMENT(replica_flushed, "select (pg_current_wal_flush_lsn() - '0/0')::bigint");
PG_STATEMENT(replica_replayed, "select case when pg_is_in_recovery() "
	"then (pg_last_wal_replay_lsn() - '0/0')::bigint end");

struct replica *replica_new(const char *url, const char *program)
{
	struct replica *replica = calloc(1, sizeof(*replica));
	if (!replica)
		abort();
	replica->pg = pg_new_for(url, program);
	return replica;
}

void replica_free(struct replica *replica)
{
	if (!replica)
		return;
	pg_free(replica->pg);
	free(replica);
}

static void note_state(struct replica *replica, enum state state)
{
	static const char *const messages[] = { NULL, "the replica serves reads",
		"the replica lags: the primary serves its reads",
		"the replica is away: the primary serves its reads" };
	metric_set(METRIC_REPLICA_WORKERS, state == IN_USE);
	if (state == replica->state)
		return;
	log_event(state == IN_USE ? LOG_INFO : LOG_WARNING, messages[state], NULL, NULL);
	replica->state = state;
}

/* Longer each time, with jitter. */
static void rest(struct replica *replica)
{
	int64_t pause = (int64_t)REST_FIRST_US
		<< (replica->failures < REST_DOUBLINGS ? replica->failures : REST_DOUBLINGS);
	if (pause > REST_LAST_US)
		pause = REST_LAST_US;
	replica->failures++;
	replica->retry_at_us = clock_monotonic_us() + pause / 2 + random() % (pause / 2);
	note_state(replica, AWAY);
}

static enum fault call(struct ctx *ctx, struct pg *pg, int64_t most_ms, struct pg_rows *ret_rows,
	const struct pg_call *one)
{
	int64_t before = ctx->database_call_ms;
	ctx->database_call_ms = most_ms;
	enum fault fault = pg_run(ctx, pg, ret_rows, one);
	ctx->database_call_ms = before;
	return fault;
}

static bool look(struct ctx *ctx, struct pg *pg, const struct pg_statement *statement,
	int64_t *ret_position)
{
	struct pg_rows rows;
	const struct pg_call one = { .statement = statement };
	if (call(ctx, pg, CHECK_CALL_MS, &rows, &one) || pg_is_null(&rows, 0, 0))
		return false;
	*ret_position = pg_integer(&rows, 0, 0);
	return true;
}

/* A primary that doesn't answer is asked less often: its silence is paid by a reader. */
static void look_at_primary(struct ctx *ctx, struct replica *replica, int64_t now_us)
{
	int64_t position;
	if (now_us < replica->primary_at_us)
		return;
	replica->primary_away = !look(ctx, ctx->pg, &replica_flushed, &position);
	if (replica->primary_away) {
		replica->primary_at_us = clock_monotonic_us() + PRIMARY_REST_US;
		return;
	}
	replica->samples[replica->taken++ % SAMPLES] = (struct sample){ now_us, position };
}

/* The newest sample that the replica has reached. */
static void reach(struct replica *replica, int64_t position)
{
	unsigned count = replica->taken < SAMPLES ? replica->taken : SAMPLES;
	for (unsigned i = 0; i < count; i++)
		if (replica->samples[i].position <= position
			&& replica->samples[i].at_us > replica->fresh_at_us)
			replica->fresh_at_us = replica->samples[i].at_us;
}

static void check(struct ctx *ctx, struct replica *replica, int64_t now_us)
{
	int64_t position;
	replica->check_at_us = now_us + CHECK_EVERY_US;
	look_at_primary(ctx, replica, now_us);
	if (!look(ctx, replica->pg, &replica_replayed, &position)) {
		rest(replica);
		return;
	}
	replica->failures = 0;
	reach(replica, position);
	int64_t since_us = replica->fresh_at_us ? replica->fresh_at_us : replica->samples[0].at_us;
	metric_set(METRIC_REPLICA_LAG, replica->taken ? (now_us - since_us) / 1000 : 0);
}

/* Nothing new is known of while the primary is away. */
static int64_t behind_us(const struct replica *replica, int64_t now_us)
{
	int64_t until_us = now_us;
	if (replica->primary_away)
		until_us = replica->samples[(replica->taken - 1) % SAMPLES].at_us;
	return until_us - replica->fresh_at_us;
}

static bool is_usable(struct ctx *ctx, struct replica *replica)
{
	int64_t now_us = clock_monotonic_us();
	if (now_us >= replica->retry_at_us && now_us >= replica->check_at_us)
		check(ctx, replica, now_us);
	if (replica->failures) {
		metric_add(METRIC_REPLICA_AWAY, 1);
		return false;
	}
	int64_t most_us = conf_integer(CONF_DATABASE_REPLICA_LAG_S) * 1000000;
	bool fresh = replica->fresh_at_us && behind_us(replica, now_us) <= most_us;
	note_state(replica, fresh ? IN_USE : LAGGING);
	if (!fresh)
		metric_add(METRIC_REPLICA_LAGGING, 1);
	return fresh;
}

bool replica_answers(struct ctx *ctx, struct pg_rows *ret_rows, const struct pg_call *one)
{
	struct replica *replica = ctx->replica;
	if (!is_usable(ctx, replica))
		return false;
	int64_t whole_ms = ctx->database_call_ms ? ctx->database_call_ms
		: conf_integer(CONF_DATABASE_CALL_MS);
	enum fault fault = call(ctx, replica->pg, whole_ms / SHARE_OF_DEADLINE, ret_rows, one);
	if (fault) {
		metric_add(METRIC_REPLICA_FAILED, 1);
		/* Others, as a conflict with recovery, are this statement's own. */
		if (fault == FAULT_DATABASE_AWAY || fault == FAULT_OUTCOME_UNKNOWN
			|| fault == FAULT_DATABASE_BUSY)
			rest(replica);
		return false;
	}
	if (!ret_rows->count) {
		metric_add(METRIC_REPLICA_EMPTY, 1);
		return false;
	}
	metric_add(METRIC_REPLICA_READS, 1);
	return true;
}
