/* The bus that needs nothing more to run: a delivery row per group, taken with SKIP LOCKED. */
#include <string.h>

#include "base/conf.h"
#include "base/point.h"
#include "base/tx.h"
#include "event/bus.h"
#include "event/event_pg.h"
#include "event/outbox.h"
#include "event/wake.h"
#include "metrics/metrics.h"

#include "base/banned.h"

PG_STATEMENT(delivery_give,
	"insert into cm.delivery (consumer_group, event_id, key)"
	" select s.consumer_group, o.id, o.key from cm.outbox o join cm.subscription s using (topic)"
	" where o.id = any ($1) order by o.id on conflict do nothing");
/* An event waits for all earlier ones of its key: for one that waits for its next try (only the
 * first of a key is ever tried; asked with a limit, which no plan turns into a join of all that
 * wait), or that another consumer holds. Those before it in the same batch are handled before it:
 * there are as many of its key in the batch as wait at all. */
PG_STATEMENT(delivery_take,
	"with batch as materialized (select d.event_id, d.key, d.attempt_count from cm.delivery d"
	" where d.consumer_group = $1 and d.done_at is null and d.next_at <= now()"
	" and (select e.next_at from cm.delivery e where e.consumer_group = $1 and e.key = d.key"
	" and e.done_at is null order by e.event_id limit 1) <= now()"
	" order by d.event_id limit $2 for update of d skip locked),"
	" numbered as (select *, row_number() over (partition by key order by event_id) as nth"
	" from batch)"
	" select " EVENT_COLUMNS ", b.attempt_count"
	" from numbered b join cm.outbox o on o.id = b.event_id"
	" where b.nth = (select count(*) from cm.delivery e where e.consumer_group = $1"
	" and e.key = b.key and e.done_at is null and e.event_id <= b.event_id)"
	" order by o.id");
/* One look in the key for each: planned while the table was small, event_id = any ($2) reads all
 * that the group ever had. */
PG_STATEMENT(delivery_done,
	"update cm.delivery set done_at = now() where ctid = any (array(select"
	" (select d.ctid from cm.delivery d where d.consumer_group = $1 and d.event_id = e.id)"
	" from unnest($2::bigint[]) as e (id)))");
PG_STATEMENT(delivery_later,
	"update cm.delivery set attempt_count = attempt_count + 1, last_error = $3,"
	" next_at = now() + least(interval '100 milliseconds' * power(4, least(attempt_count, 10)),"
	" interval '5 minutes') where consumer_group = $1 and event_id = $2 and done_at is null");
/* On delivery_waiting, each group from its front. */
PG_STATEMENT(delivery_backlog,
	"select g.name, (select count(*) from (select from cm.delivery d"
	" where d.consumer_group = g.name and d.done_at is null limit $1) as counted),"
	" coalesce((select extract(epoch from now() - o.created_at)::bigint from cm.outbox o"
	" where o.id = (select min(event_id) from (select d.event_id, d.next_at"
	" from cm.delivery d where d.consumer_group = g.name and d.done_at is null"
	" order by d.event_id limit 1000) as first where next_at <= now())), 0)"
	" from (select distinct consumer_group as name from cm.subscription) as g"
	" order by g.name");

struct batch {
	const struct event_group *group;
	size_t limit, count;
	struct event *failed; /* of a batch of one */
	int attempts;
	enum fault fault;
	const char *error;
};

static enum fault publish(struct ctx *ctx, const struct event *events, size_t count,
	size_t *ret_count)
{
	static const char *const groups[] = { "consumer-reservation", "consumer-notification",
		"consumer-cache" };
	struct pg_rows rows;
	int64_t *ids = arena_array(ctx->arena, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = events[i].id;
	enum fault fault = pg_query(ctx, &rows, &delivery_give, "A", (const void *)ids, count);
	if (fault)
		return fault;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		event_wake(groups[i]);
	*ret_count = count;
	return FAULT_NONE;
}

static enum fault done(struct ctx *ctx, const struct batch *batch, const int64_t *ids)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &delivery_done, "tA", batch->group->name, (const void *)ids,
		batch->count);
}

/* Runs in a transaction, perhaps twice. */
static enum fault handle(struct ctx *ctx, void *arg)
{
	struct batch *batch = arg;
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &delivery_take, "ti", batch->group->name,
		(int64_t)batch->limit);
	if (fault)
		return fault;
	batch->count = (size_t)rows.count;
	batch->failed = NULL;
	if (!batch->count)
		return FAULT_NONE;
	int64_t *ids = arena_array(ctx->arena, batch->count, sizeof(*ids));
	for (int row = 0; row < rows.count; row++) {
		struct event event;
		event_read(&rows, row, &event);
		ids[row] = event.id;
		ctx->traceparent = event.trace;
		if ((fault = batch->group->handler(ctx, &event))) {
			batch->failed = arena_alloc(ctx->arena, sizeof(event));
			*batch->failed = event;
			batch->attempts = (int)pg_integer(&rows, row, EVENT_COLUMN_COUNT) + 1;
			return fault;
		}
	}
	POINT("consumer-effect");
	return done(ctx, batch, ids);
}

/* Also in a transaction: the failed event waits, or is given up. */
static enum fault note_failure(struct ctx *ctx, void *arg)
{
	struct batch *batch = arg;
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &delivery_later, "tit", batch->group->name,
		batch->failed->id, batch->error);
	/* Another consumer may have had more luck with it meanwhile. */
	if (fault || !pg_affected(&rows) || batch->attempts < conf_integer(CONF_EVENT_TRIES))
		return fault;
	fault = outbox_bury(ctx, batch->group->name, batch->failed, batch->attempts, batch->error);
	batch->count = 1;
	return fault ? fault : done(ctx, batch, &batch->failed->id);
}

static enum fault put_off(struct ctx *ctx, struct batch *batch)
{
	batch->error = arena_printf(ctx->arena, "%s %s", fault_info(batch->fault)->slug,
		ctx->log_detail ? ctx->log_detail : "");
	enum fault fault = tx_run(ctx, "event-failure", note_failure, batch);
	if (fault)
		return fault;
	bool buried = batch->attempts >= conf_integer(CONF_EVENT_TRIES);
	metric_add(buried ? METRIC_EVENT_DEAD : METRIC_EVENT_RETRIED, 1);
	return FAULT_NONE;
}

static bool is_servers(enum fault fault)
{
	return fault == FAULT_DATABASE_AWAY || fault == FAULT_OUTCOME_UNKNOWN
		|| fault == FAULT_DATABASE_BUSY || fault == FAULT_REDIS_AWAY;
}

/* A server's time-out is no event's fault, unless it is the same event's again and again, each time
 * after the batch could be read: then the others don't wait for it any longer. */
static bool is_events_own(const struct batch *batch)
{
	static int64_t last_event, times;
	if (!batch->failed || !is_servers(batch->fault))
		return batch->failed;
	if (batch->fault == FAULT_REDIS_AWAY)
		return false; /* it may be away for long, and nothing is lost by waiting */
	times = batch->failed->id == last_event ? times + 1 : 1;
	last_event = batch->failed->id;
	return times >= conf_integer(CONF_EVENT_TRIES);
}

static enum fault run(struct ctx *ctx, struct batch *batch)
{
	batch->fault = tx_run(ctx, "event-batch", handle, batch);
	if (!batch->fault && batch->count) {
		metric_add(METRIC_EVENT_CONSUMED, batch->count);
		POINT("consumer-committed");
	}
	return batch->fault;
}

/* A batch that fails is taken apart: the event that fails then has only itself to blame. */
static enum fault consume(struct ctx *ctx, const struct event_group *group, size_t *ret_count)
{
	struct batch batch = { .group = group, .limit = (size_t)conf_integer(CONF_EVENT_BATCH) };
	enum fault fault = run(ctx, &batch);
	size_t left = batch.failed ? batch.count : 0, count = fault ? 0 : batch.count;
	if (fault && !is_events_own(&batch))
		return fault;
	for (; left > 0; left--) {
		batch = (struct batch){ .group = group, .limit = 1 };
		fault = run(ctx, &batch);
		if (fault && !is_events_own(&batch))
			return fault;
		if (fault && (fault = put_off(ctx, &batch)))
			return fault;
		count++;
	}
	*ret_count = count;
	return FAULT_NONE;
}

static enum fault backlog(struct ctx *ctx, struct event_backlog **ret_groups, size_t *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &delivery_backlog, "i",
		(int64_t)EVENT_BACKLOG_MOST);
	if (fault)
		return fault;
	*ret_count = (size_t)rows.count;
	*ret_groups = arena_array(ctx->arena, *ret_count, sizeof(**ret_groups));
	for (int row = 0; row < rows.count; row++)
		(*ret_groups)[row] = (struct event_backlog){ pg_text(&rows, row, 0),
			pg_integer(&rows, row, 1), pg_integer(&rows, row, 2) };
	return FAULT_NONE;
}

const struct bus bus_postgres = {
	.name = "postgres",
	.publish = publish,
	.consume = consume,
	.backlog = backlog,
};
