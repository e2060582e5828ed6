#include "ops/retention.h"

#include "base/conf.h"
#include "pg/pg.h"

#include "base/banned.h"

/* $1 hours, $2 rows. The lock's class is of its own; it ends with the statement. */
#define ALONE "mine as materialized (select pg_try_advisory_xact_lock(5, 1) as got)"
#define OLD(column) column " < now() - make_interval(hours => $1::integer)"

/* A payment's key without an answer is still under way, however old. */
PG_STATEMENT(retention_keys_delete,
	"with " ALONE " delete from cm.idempotency_key k using (select member_id, key"
	" from cm.idempotency_key where (select got from mine) and code is not null and "
	OLD("created_at") " order by created_at limit $2) old"
	" where k.member_id = old.member_id and k.key = old.key");

PG_STATEMENT(retention_tokens_delete,
	"with " ALONE " delete from cm.refresh_token t using (select id from cm.refresh_token"
	" where (select got from mine) and " OLD("expires_at") " order by expires_at limit $2) old"
	" where t.id = old.id");

/* In order of ids and so about of age: no index by time, which every event would pay for.
 * $3 the last id looked at. */
PG_STATEMENT(retention_events_delete,
	"with " ALONE ", seen as materialized (select id, published_at, " OLD("created_at") " as old"
	" from cm.outbox where (select got from mine) and id > $3 order by id limit $2),"
	" groups as materialized (select array_agg(distinct consumer_group) as names"
	" from cm.subscription),"
	" done as materialized (select s.id from seen s, groups g where s.old and "
	OLD("s.published_at")
	" and not exists (select from cm.delivery d where d.consumer_group = any (g.names)"
	" and d.event_id = s.id and d.done_at is null)"
	" and not exists (select from cm.dead_letter l where l.event_id = s.id"
	" and l.closed_at is null)),"
	" deliveries as (delete from cm.delivery d using done e, groups g"
	" where d.consumer_group = any (g.names) and d.event_id = e.id),"
	" marks as (delete from cm.inbox i using done e, groups g"
	" where i.consumer_group = any (g.names) and i.event_id = e.id),"
	" gone as (delete from cm.outbox o using done e where o.id = e.id returning 1)"
	" select (select count(*) from gone), coalesce(max(id), 0),"
	" count(*) = $2 and bool_and(old) from seen");

static enum fault run(struct ctx *ctx, const struct pg_statement *statement, int64_t hours,
	int64_t most, struct retention *ret_done)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, statement, "ii", hours, most);
	if (fault)
		return fault;
	ret_done->removed = pg_affected(&rows);
	ret_done->more = ret_done->removed == most;
	return FAULT_NONE;
}

enum fault retention_keys(struct ctx *ctx, int64_t most, struct retention *ret_done)
{
	return run(ctx, &retention_keys_delete, conf_integer(CONF_KEEP_KEYS_H), most, ret_done);
}

enum fault retention_tokens(struct ctx *ctx, int64_t most, struct retention *ret_done)
{
	return run(ctx, &retention_tokens_delete, conf_integer(CONF_KEEP_TOKENS_H), most, ret_done);
}

enum fault retention_events(struct ctx *ctx, int64_t most, int64_t *after,
	struct retention *ret_done)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &retention_events_delete, "iii",
		conf_integer(CONF_KEEP_EVENTS_H), most, *after);
	if (fault)
		return fault;
	ret_done->removed = pg_integer(&rows, 0, 0);
	ret_done->more = pg_boolean(&rows, 0, 2);
	*after = ret_done->more ? pg_integer(&rows, 0, 1) : 0;
	return FAULT_NONE;
}
