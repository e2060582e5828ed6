#include "auth/auth_store.h"
#include "base/conf.h"
#include "metrics/metrics.h"
#include "pg/pg.h"

#include "base/banned.h"

PG_STATEMENT(auth_create,
	"insert into cm.member (name, email, email_key, password_hash, role)"
	" values ($1, $2, $3, $4, $5) on conflict (email_key) do nothing"
	" returning id, " PG_MS("created_at"));

PG_STATEMENT(auth_find,
	"select id, role, password_hash, email_key from cm.member"
	" where email_key = $1 and deleted_at is null");

PG_STATEMENT(auth_get,
	"select id, role, password_hash, email_key from cm.member"
	" where id = $1 and deleted_at is null");

PG_STATEMENT(auth_rehash,
	"update cm.member set password_hash = $3, updated_at = now()"
	" where id = $1 and password_hash = $2");

PG_STATEMENT(auth_change,
	"with changed as (update cm.member set password_hash = $3, updated_at = now()"
	"    where id = $1 and password_hash = $2 and deleted_at is null returning id),"
	" ended as (update cm.refresh_token t set revoked_at = now() from changed"
	"    where t.member_id = changed.id and t.revoked_at is null"
	"    and ($4::text is null or t.family <> $4::uuid))"
	" select id from changed");

PG_STATEMENT(auth_session_new,
	"insert into cm.refresh_token (member_id, family, token_hash, expires_at)"
	" values ($1, gen_random_uuid(), $2, now() + $3 * interval '1 second') returning family::text");

/* A second use waits for the first's row lock and then finds the token used. */
PG_STATEMENT(auth_session_rotate,
	"with used as (update cm.refresh_token t set used_at = now() from cm.member m"
	"    where t.token_hash = $1 and t.used_at is null and t.revoked_at is null"
	"    and t.expires_at > now() and m.id = t.member_id and m.deleted_at is null"
	"    returning t.member_id, t.family, m.role),"
	" fresh as (insert into cm.refresh_token (member_id, family, token_hash, expires_at)"
	"    select member_id, family, $2, now() + $3 * interval '1 second' from used)"
	" select member_id, role, family::text from used");

PG_STATEMENT(auth_session_revoke,
	"update cm.refresh_token set revoked_at = now() where revoked_at is null and family ="
	" (select family from cm.refresh_token where token_hash = $1"
	"  and ($2::bigint = 0 or used_at is not null))");

PG_STATEMENT(auth_session_end,
	"update cm.refresh_token set revoked_at = now()"
	" where family = $1::uuid and revoked_at is null");

enum fault auth_store_create(struct ctx *ctx, const char *email_key, const char *password_hash,
	struct member *member)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_create, "ttttt", member->name, member->email,
		email_key, password_hash, member_role_name(member->role));
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_EMAIL_TAKEN;
	member->id.value = pg_integer(&rows, 0, 0);
	member->created_ms = pg_integer(&rows, 0, 1);
	return FAULT_NONE;
}

static void read_account(const struct pg_rows *rows, struct auth_account *ret_account)
{
	*ret_account = (struct auth_account){ .member = { 0 } };
	if (!rows->count)
		return;
	ret_account->member.value = pg_integer(rows, 0, 0);
	ret_account->role = member_role_parse(pg_text(rows, 0, 1));
	ret_account->password_hash = pg_text(rows, 0, 2);
	ret_account->email_key = pg_text(rows, 0, 3);
}

enum fault auth_store_find(struct ctx *ctx, const char *email_key, struct auth_account *ret_account)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_find, "t", email_key);
	if (!fault)
		read_account(&rows, ret_account);
	return fault;
}

enum fault auth_store_get(struct ctx *ctx, struct member_id member,
	struct auth_account *ret_account)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_get, "i", member.value);
	if (fault)
		return fault;
	read_account(&rows, ret_account);
	return rows.count ? FAULT_NONE : FAULT_MEMBER_NOT_FOUND;
}

enum fault auth_store_rehash(struct ctx *ctx, struct member_id member, const char *old_hash,
	const char *new_hash)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &auth_rehash, "itt", member.value, old_hash, new_hash);
}

enum fault auth_store_change_password(struct ctx *ctx, const struct auth_account *account,
	const char *new_hash, const char *kept_session)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_change, "ittt", account->member.value,
		account->password_hash, new_hash, kept_session);
	if (fault)
		return fault;
	return rows.count ? FAULT_NONE : FAULT_BAD_CREDENTIALS;
}

enum fault auth_store_session_new(struct ctx *ctx, struct member_id member,
	const unsigned char hash[REFRESH_HASH_BYTES], const char **ret_session)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_session_new, "ixi", member.value,
		(const void *)hash, (size_t)REFRESH_HASH_BYTES, conf_integer(CONF_REFRESH_TTL_S));
	if (!fault)
		*ret_session = pg_text(&rows, 0, 0);
	return fault;
}

enum fault auth_store_session_rotate(struct ctx *ctx, const unsigned char hash[REFRESH_HASH_BYTES],
	const unsigned char next_hash[REFRESH_HASH_BYTES], struct auth_account *ret_account,
	const char **ret_session)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_session_rotate, "xxi", (const void *)hash,
		(size_t)REFRESH_HASH_BYTES, (const void *)next_hash, (size_t)REFRESH_HASH_BYTES,
		conf_integer(CONF_REFRESH_TTL_S));
	if (fault)
		return fault;
	*ret_account = (struct auth_account){ .member = { 0 } };
	*ret_session = NULL;
	if (rows.count) {
		ret_account->member.value = pg_integer(&rows, 0, 0);
		ret_account->role = member_role_parse(pg_text(&rows, 0, 1));
		*ret_session = pg_text(&rows, 0, 2);
	}
	return FAULT_NONE;
}

enum fault auth_store_session_revoke(struct ctx *ctx, const unsigned char hash[REFRESH_HASH_BYTES],
	bool used_only)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &auth_session_revoke, "xi", (const void *)hash,
		(size_t)REFRESH_HASH_BYTES, (int64_t)used_only);
	if (!fault && used_only)
		metric_add(METRIC_AUTH_FAMILY_REVOKED, pg_affected(&rows) > 0);
	return fault;
}

enum fault auth_store_session_end(struct ctx *ctx, const char *session)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &auth_session_end, "t", session);
}
