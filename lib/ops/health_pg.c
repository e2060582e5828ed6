#include "ops/health.h"

#include "pg/pg.h"

#include "base/banned.h"

PG_STATEMENT(ops_schema, "select coalesce(max(version), 0)::bigint from cm.schema_migration");

PG_STATEMENT(ops_work,
	     "select"
	     " (select count(*) from (select from cm.outbox where published_at is null"
	     "   limit 100000) as counted),"
	     " coalesce((select extract(epoch from now() - created_at)::bigint from cm.outbox"
	     "   where published_at is null order by id limit 1), 0),"
	     " (select count(*) from (select from cm.dead_letter where closed_at is null"
	     "   limit 100000) as counted),"
	     " pending.number, coalesce(pending.oldest, 0),"
	     " refund.number, coalesce(refund.oldest, 0),"
	     " (select count(distinct payment_id) from (select payment_id from cm.payment_refund f"
	     "   where status = 'FAILED' and not exists (select from cm.payment_refund o"
	     "   where o.payment_id = f.payment_id and o.status <> 'FAILED')"
	     "   limit 100000) as counted),"
	     " held.number, coalesce(held.seats, 0), greatest(coalesce(held.overdue, 0), 0),"
	     " current_setting('max_connections')::bigint,"
	     " (select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
	     "   and usename like 'cm\\_%'),"
	     " mail.number, greatest(coalesce(mail.oldest, 0), 0)"
	     " from (select count(*) as number,"
	     "   extract(epoch from now() - min(requested_at))::bigint as oldest"
	     "   from (select requested_at from cm.payment where status = 'PENDING'"
	     "     limit 100000) as counted) as pending,"
	     " (select count(*) as number,"
	     "   extract(epoch from now() - min(created_at))::bigint as oldest"
	     "   from (select created_at from cm.payment_refund where status = 'PENDING'"
	     "     limit 100000) as counted) as refund,"
	     " (select count(*) as number, sum(seat_count)::bigint as seats,"
	     "   extract(epoch from now() - min(expires_at))::bigint as overdue"
	     "   from (select seat_count, expires_at from cm.reservation"
	     "     where status = 'PENDING' and not paying order by expires_at"
	     "     limit 100000) as counted) as held,"
	     " (select count(*) as number,"
	     "   extract(epoch from now() - min(created_at))::bigint as oldest"
	     "   from (select created_at from cm.notification where email_status = 'PENDING'"
	     "     order by email_next_at limit 100000) as counted) as mail");

PG_STATEMENT(ops_limits,
	     "select most, reserved, least(most - reserved, case when datconnlimit >= 0"
	     " then datconnlimit end) from (select current_setting('max_connections')::bigint as most,"
	     " current_setting('superuser_reserved_connections')::bigint as reserved) as settings,"
	     " pg_database where datname = current_database()");

PG_STATEMENT(ops_connections,
	     "select usename::text, coalesce(state, 'unknown'), count(*) from pg_stat_activity"
	     " where datname = current_database() and usename like 'cm\\_%'"
	     " group by 1, 2 order by 1, 2 limit 200");

PG_STATEMENT(ops_concerts,
	     "select id from cm.concert where queue_mode = 'on' and status = 'PUBLISHED'"
	     " and reservation_close_at > now() - interval '10 minutes'"
	     " and coalesce(queue_lobby_at, reservation_open_at) < now() + interval '1 hour'"
	     " order by reservation_open_at desc, id limit 20");

enum fault health_database(struct ctx *ctx, int64_t *ret_schema_version)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ops_schema, "");
	if (!fault)
		*ret_schema_version = pg_integer(&rows, 0, 0);
	return fault;
}

enum fault health_work(struct ctx *ctx, struct health_work *ret_work)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ops_work, "");
	if (fault)
		return fault;
	*ret_work = (struct health_work){
		.outbox_rows = pg_integer(&rows, 0, 0),
		.outbox_oldest_s = pg_integer(&rows, 0, 1),
		.dead_letters = pg_integer(&rows, 0, 2),
		.payments_pending = pg_integer(&rows, 0, 3),
		.payments_oldest_s = pg_integer(&rows, 0, 4),
		.refunds_pending = pg_integer(&rows, 0, 5),
		.refunds_oldest_s = pg_integer(&rows, 0, 6),
		.refunds_failed = pg_integer(&rows, 0, 7),
		.holds = pg_integer(&rows, 0, 8),
		.held_seats = pg_integer(&rows, 0, 9),
		.holds_overdue_s = pg_integer(&rows, 0, 10),
		.connections_most = pg_integer(&rows, 0, 11),
		.connections_locked = pg_integer(&rows, 0, 12),
		.mails = pg_integer(&rows, 0, 13),
		.mails_oldest_s = pg_integer(&rows, 0, 14),
	};
	return FAULT_NONE;
}

enum fault health_limits(struct ctx *ctx, struct health_limits *ret_limits)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ops_limits, "");
	if (!fault)
		*ret_limits = (struct health_limits){.most = pg_integer(&rows, 0, 0),
						     .reserved = pg_integer(&rows, 0, 1),
						     .usable = pg_integer(&rows, 0, 2)};
	return fault;
}

enum fault health_connections(struct ctx *ctx, struct health_connections **ret_rows,
			      int *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ops_connections, "");
	if (fault)
		return fault;
	*ret_rows = arena_array(ctx->arena, (size_t)rows.count, sizeof(**ret_rows));
	for (int row = 0; row < rows.count; row++)
		(*ret_rows)[row] = (struct health_connections){
			pg_text(&rows, row, 0), pg_text(&rows, row, 1), pg_integer(&rows, row, 2)};
	*ret_count = rows.count;
	return FAULT_NONE;
}

enum fault health_concerts(struct ctx *ctx, struct concert_id ret_concerts[HEALTH_CONCERTS],
			   int *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &ops_concerts, "");
	if (fault)
		return fault;
	*ret_count = rows.count < HEALTH_CONCERTS ? rows.count : HEALTH_CONCERTS;
	for (int row = 0; row < *ret_count; row++)
		ret_concerts[row].value = pg_integer(&rows, row, 0);
	return FAULT_NONE;
}
