#include "member/member_store.h"
#include "pg/pg.h"

#include "base/banned.h"

PG_STATEMENT(member_get_statement,
	"select name, email, role, " PG_MS("created_at")
	" from cm.member where id = $1 and deleted_at is null");

PG_STATEMENT(member_rename_statement,
	"update cm.member set name = $2, updated_at = now() where id = $1 and deleted_at is null");

/* Reads the row first, so that 'gone' and 'busy' are told apart in one round trip. Locks what may
 * still change hands, so that a payment which is just beginning is seen. Money that was taken for
 * nothing must have gone back before its owner may. */
PG_STATEMENT(member_delete_statement,
	"with live as materialized (select r.concert_id, r.status, r.paying, r.expires_at"
	"    from cm.reservation r where r.member_id = $1"
	"        and r.status in ('PENDING', 'PAID', 'CONFIRMED', 'REFUNDING')"
	"        order by r.id for update),"
	" me as (select id, exists (select from live r join cm.concert c on c.id = r.concert_id"
	"        where case r.status when 'REFUNDING' then true"
	"            when 'PENDING' then r.paying or r.expires_at > now()"
	"            else c.date_time > now() end)"
	"    or exists (select from cm.reservation r join cm.payment p on p.reservation_id = r.id"
	"        where r.member_id = $1 and r.status in ('CANCELLED', 'EXPIRED')"
	"        and p.captured_at is not null and not exists (select from cm.payment_refund f"
	"            where f.payment_id = p.id and f.status = 'SUCCESS')) as busy"
	"    from cm.member where id = $1 and deleted_at is null for update),"
	" gone as (update cm.member m set name = '', email = 'deleted-' || m.id || '@invalid',"
	"        email_key = 'deleted-' || m.id || '@invalid', password_hash = '!',"
	"        notification_opt_out = true, updated_at = now(), deleted_at = now()"
	"    from me where m.id = me.id and not me.busy returning m.id),"
	" ended as (update cm.refresh_token t set revoked_at = now() from gone"
	"    where t.member_id = gone.id and t.revoked_at is null)"
	" select busy from me");

enum fault member_store_get(struct ctx *ctx, struct member_id id, struct member *ret_member)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &member_get_statement, "i", id.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_MEMBER_NOT_FOUND;
	*ret_member = (struct member){ .id = id, .name = pg_text(&rows, 0, 0),
		.email = pg_text(&rows, 0, 1), .role = member_role_parse(pg_text(&rows, 0, 2)),
		.created_ms = pg_integer(&rows, 0, 3) };
	return FAULT_NONE;
}

enum fault member_store_rename(struct ctx *ctx, struct member_id id, const char *name)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &member_rename_statement, "it", id.value, name);
	if (fault)
		return fault;
	return pg_affected(&rows) ? FAULT_NONE : FAULT_MEMBER_NOT_FOUND;
}

enum fault member_store_delete(struct ctx *ctx, struct member_id id)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &member_delete_statement, "i", id.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_MEMBER_NOT_FOUND;
	return pg_boolean(&rows, 0, 0) ? FAULT_MEMBER_HAS_TICKETS : FAULT_NONE;
}
