#include "event/outbox.h"

#include <string.h>

#include "base/bug.h"
#include "event/event_pg.h"
#include "metrics/metrics.h"

#include "base/banned.h"

/* The lock belongs to the session: taken once, it is only looked for afterwards. */
PG_STATEMENT(outbox_try_lead,
	"select exists (select from pg_locks where locktype = 'advisory' and classid = 3"
	" and objid = 1 and objsubid = 2 and pid = pg_backend_pid())"
	" or pg_try_advisory_lock(3, 1)");
#ifdef CM_BUG_RELAY_CURSOR
#define UNPUBLISHED \
	"o.id > coalesce((select max(id) from cm.outbox where published_at is not null), 0)"
#else
#define UNPUBLISHED "o.published_at is null"
#endif
PG_STATEMENT(outbox_unpublished,
	"select " EVENT_COLUMNS " from cm.outbox o where " UNPUBLISHED
	" order by o.id limit $1");
PG_STATEMENT(outbox_published,
	"update cm.outbox set published_at = now() where id = any ($1) and published_at is null");
PG_STATEMENT(inbox_first_time, "select cm.inbox_mark($1, $2)");
PG_STATEMENT(dead_letter_add,
	"insert into cm.dead_letter (event_id, attempt_count, consumer_group, topic, key, trace,"
	" payload, error) values ($1, $2, $3, $4, $5, $6, $7, $8)");

void event_read(const struct pg_rows *rows, int row, struct event *ret_event)
{
	*ret_event = (struct event){
		.id = pg_integer(rows, row, 0),
		.created_ms = pg_integer(rows, row, 1),
		.topic = pg_text(rows, row, 2),
		.key = pg_text(rows, row, 3),
		.trace = pg_text(rows, row, 4),
		.payload = pg_text(rows, row, 5),
		.reservation = { pg_integer(rows, row, 6) },
		.member = { pg_integer(rows, row, 7) },
		.concert = { pg_integer(rows, row, 8) },
	};
}

enum fault outbox_lead(struct ctx *ctx, bool *ret_leads)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &outbox_try_lead, "");
	if (!fault)
		*ret_leads = pg_boolean(&rows, 0, 0);
	return fault;
}

enum fault outbox_read(struct ctx *ctx, size_t limit, struct event_list *ret_events)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &outbox_unpublished, "i", (int64_t)limit);
	if (fault)
		return fault;
	ret_events->count = (size_t)rows.count;
	ret_events->items = arena_array(ctx->arena, ret_events->count, sizeof(struct event));
	for (int row = 0; row < rows.count; row++)
		event_read(&rows, row, &ret_events->items[row]);
	return FAULT_NONE;
}

enum fault outbox_mark(struct ctx *ctx, const struct event *events, size_t count)
{
	struct pg_rows rows;
	int64_t *ids = arena_array(ctx->arena, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = events[i].id;
	enum fault fault = pg_query(ctx, &rows, &outbox_published, "A", (const void *)ids, count);
	if (!fault)
		metric_add(METRIC_EVENT_PUBLISHED, (uint64_t)pg_affected(&rows));
	return fault;
}

enum fault outbox_bury(struct ctx *ctx, const char *group, const struct event *event,
	int attempts, const char *error)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &dead_letter_add, "iitttttt", event->id, (int64_t)attempts,
		group, event->topic, event->key, event->trace, event->payload,
		error ? error : "unknown");
}

enum fault event_first_time(struct ctx *ctx, const char *group, const struct event *event,
	bool *ret_first)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &inbox_first_time, "ti", group, event->id);
	if (!fault)
		*ret_first = pg_boolean(&rows, 0, 0);
	return fault;
}
