#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "pg/pg.h"
#include "queue/queue_store.h"

#define DRAW_COLUMNS "d.s0, d.commitment, d.seed, d.participants, d.transcript, d.beacon," \
	" d.beacon_source, " PG_MS("d.created_at") ", " PG_MS("d.beacon_named_at") ", " \
	PG_MS("d.beacon_at") ", " PG_MS("d.drawn_at")
enum { COLUMN_DRAW = 13, COLUMN_CHECKPOINT = 24 };

PG_STATEMENT(queue_record_find,
	"select c.status = 'CANCELLED', c.queue_mode = 'on', c.queue_rate_per_second,"
	" c.queue_capacity, " PG_MS("c.queue_lobby_at") ", " PG_MS("c.reservation_open_at") ", "
	PG_MS("c.reservation_close_at") ", c.queue_paused, c.queue_message, c.queue_epoch,"
	" array_to_string(array(select coalesce((c.queue_settings ->> k.name)::bigint, -1)"
	"  from unnest($2::text[]) with ordinality k(name, place) order by k.place), ','),"
	" coalesce(s.free, -1), coalesce(s.held, 0), " DRAW_COLUMNS
	", coalesce(p.tail, 0), coalesce(p.serving, 0),"
	" coalesce(p.lobby, -1), c.version, p.gaps"
	" from cm.concert c"
	" left join lateral (select sum(available)::bigint as free, sum(held)::bigint as held"
	"  from cm.seat_counter where concert_id = c.id) s on true"
	" left join cm.queue_draw d on d.concert_id = c.id and d.epoch = c.queue_epoch"
	" left join cm.queue_checkpoint p on p.concert_id = c.id and p.epoch = c.queue_epoch"
	" where c.id = $1 and c.status <> 'DRAFT'");

PG_STATEMENT(queue_record_update,
	"update cm.concert set queue_mode = coalesce($2, queue_mode),"
	" queue_rate_per_second = coalesce($3, queue_rate_per_second)::int,"
	" queue_capacity = coalesce($4, queue_capacity)::int,"
	" queue_lobby_at = coalesce(to_timestamp($5::bigint / 1000.0), queue_lobby_at),"
	" queue_paused = case $6::bigint when 0 then false when 1 then true else queue_paused end,"
	" queue_message = coalesce($7, queue_message),"
	" queue_settings = queue_settings || (select coalesce(jsonb_object_agg(name, value), '{}')"
	"  from unnest($8::text[], $9::bigint[]) u(name, value) where value >= 0),"
	" queue_epoch = queue_epoch + case when $10::boolean then 1 else 0 end,"
	" version = version + 1, updated_at = now()"
	" where id = $1 and status <> 'DRAFT' returning id");

PG_STATEMENT(queue_draw_insert,
	"insert into cm.queue_draw (concert_id, epoch, s0, commitment) values ($1, $2, $3, $4)"
	" on conflict (concert_id, epoch) do nothing");

PG_STATEMENT(queue_draw_find,
	"select " DRAW_COLUMNS " from cm.queue_draw d where d.concert_id = $1 and d.epoch = $2");

PG_STATEMENT(queue_draw_name_beacon,
	"update cm.queue_draw d set beacon_source = $2, beacon_named_at = now() from cm.concert c"
	" where c.id = $1 and d.concert_id = c.id and d.epoch = c.queue_epoch"
	" and d.beacon_source is null and d.seed is null returning d.epoch");

PG_STATEMENT(queue_draw_give_beacon,
	"update cm.queue_draw d set beacon = $2, beacon_at = now() from cm.concert c"
	" where c.id = $1 and d.concert_id = c.id and d.epoch = c.queue_epoch"
	" and d.beacon_source is not null and d.beacon is null and d.seed is null"
	" returning d.epoch");

PG_STATEMENT(queue_draw_update,
	"update cm.queue_draw set seed = $3, transcript = $4, participants = $5, drawn_at = now()"
	" where concert_id = $1 and epoch = $2 and seed is null");

/* Never back: a late writer's older state must not undo a newer one. */
PG_STATEMENT(queue_checkpoint_upsert,
	"insert into cm.queue_checkpoint as p (concert_id, epoch, serving, tail, lobby, gaps)"
	" values ($1, $2, $3, $4, $5, nullif($6, '')) on conflict (concert_id, epoch) do update"
	" set serving = excluded.serving, tail = excluded.tail, lobby = excluded.lobby,"
	" gaps = excluded.gaps, at = now() where p.tail <= excluded.tail"
	" and p.serving <= excluded.serving and coalesce(p.lobby, -1) <= excluded.lobby");

PG_STATEMENT(queue_member_find,
	"select " PG_MS("created_at") " from cm.member where id = $1");

PG_STATEMENT(queue_member_bought,
	"select coalesce(max(" PG_MS("paid_at") "), 0) from cm.reservation"
	" where member_id = $1 and concert_id = $2");

static const char *const *setting_names(void)
{
	static const char *names[QUEUE_SETTING_COUNT];
	for (int i = 0; i < QUEUE_SETTING_COUNT; i++)
		names[i] = queue_setting_table[i].name;
	return names;
}

static void read_values(const char *text, int64_t values[QUEUE_SETTING_COUNT])
{
	for (int i = 0; i < QUEUE_SETTING_COUNT; i++) {
		char *end;
		int64_t value = strtoll(text, &end, 10);
		bool given = end != text && value >= 0;
		int64_t minimum = queue_setting_table[i].minimum; /* it may have been lower once */
		values[i] = !given ? queue_setting_table[i].initial : value < minimum ? minimum : value;
		text = *end ? end + 1 : end;
	}
}

static void read_text(const struct pg_rows *rows, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", pg_is_null(rows, 0, column) ? "" : pg_text(rows, 0, column));
}

/* DRAW_COLUMNS from column on. */
static void read_draw(struct ctx *ctx, const struct pg_rows *rows, int column,
	struct queue_record *record)
{
	size_t length;
	unsigned char *const cells[] = { record->s0, record->commitment, record->seed };
	for (int i = 0; i < 3; i++) {
		if (pg_is_null(rows, 0, column + i))
			continue;
		const unsigned char *bytes = pg_bytes(ctx, rows, 0, column + i, &length);
		if (length == DRAW_BYTES)
			memcpy(cells[i], bytes, DRAW_BYTES);
	}
	record->has_draw = !pg_is_null(rows, 0, column);
	record->drawn = !pg_is_null(rows, 0, column + 2);
	record->participants = record->drawn ? pg_integer(rows, 0, column + 3) : -1;
	read_text(rows, column + 4, record->transcript, sizeof record->transcript);
	read_text(rows, column + 5, record->beacon, sizeof record->beacon);
	read_text(rows, column + 6, record->beacon_source, sizeof record->beacon_source);
	record->committed_ms = pg_integer(rows, 0, column + 7);
	record->beacon_named_ms = pg_integer(rows, 0, column + 8);
	record->beacon_ms = pg_integer(rows, 0, column + 9);
	record->drawn_ms = pg_integer(rows, 0, column + 10);
}

enum fault queue_record_load(struct ctx *ctx, struct concert_id concert,
	struct queue_record *ret_record)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &queue_record_find, "iT", concert.value,
		setting_names(), (size_t)QUEUE_SETTING_COUNT);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_CONCERT_NOT_FOUND;
	*ret_record = (struct queue_record) { .concert = concert,
		.cancelled = pg_boolean(&rows, 0, 0), .gate = pg_boolean(&rows, 0, 1),
		.rate_per_second = pg_integer(&rows, 0, 2), .capacity = pg_integer(&rows, 0, 3),
		.lobby_ms = pg_integer(&rows, 0, 4), .open_ms = pg_integer(&rows, 0, 5),
		.close_ms = pg_integer(&rows, 0, 6), .paused = pg_boolean(&rows, 0, 7),
		.epoch = pg_integer(&rows, 0, 9), .free = pg_integer(&rows, 0, 11),
		.held = pg_integer(&rows, 0, 12),
		.checkpoint_tail = pg_integer(&rows, 0, COLUMN_CHECKPOINT),
		.checkpoint_serving = pg_integer(&rows, 0, COLUMN_CHECKPOINT + 1),
		.checkpoint_lobby = pg_integer(&rows, 0, COLUMN_CHECKPOINT + 2),
		.version = pg_integer(&rows, 0, COLUMN_CHECKPOINT + 3) };
	read_text(&rows, 8, ret_record->message, sizeof ret_record->message);
	read_text(&rows, COLUMN_CHECKPOINT + 4, ret_record->checkpoint_gaps,
		sizeof ret_record->checkpoint_gaps);
	read_values(pg_text(&rows, 0, 10), ret_record->values);
	read_draw(ctx, &rows, COLUMN_DRAW, ret_record);
	return FAULT_NONE;
}

enum fault queue_record_change(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &queue_record_update, "itIIIitTAb", concert.value,
		change->mode, change->rate_per_second > 0 ? change->rate_per_second : INT64_C(0),
		change->capacity > 0 ? change->capacity : INT64_C(0),
		change->lobby_ms > 0 ? change->lobby_ms : INT64_C(0), change->paused,
		change->message, setting_names(), (size_t)QUEUE_SETTING_COUNT, change->values,
		(size_t)QUEUE_SETTING_COUNT, (int)change->reset);
	if (fault)
		return fault;
	return rows.count ? FAULT_NONE : FAULT_CONCERT_NOT_FOUND;
}

static enum fault store_beacon(struct ctx *ctx, const struct pg_statement *statement,
	struct concert_id concert, const char *text, bool *ret_stored)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, statement, "it", concert.value, text);
	if (!fault)
		*ret_stored = rows.count > 0;
	return fault;
}

enum fault queue_beacon_name(struct ctx *ctx, struct concert_id concert, const char *source,
	bool *ret_stored)
{
	return store_beacon(ctx, &queue_draw_name_beacon, concert, source, ret_stored);
}

enum fault queue_beacon_give(struct ctx *ctx, struct concert_id concert, const char *value,
	bool *ret_stored)
{
	return store_beacon(ctx, &queue_draw_give_beacon, concert, value, ret_stored);
}

static enum fault reread_draw(struct ctx *ctx, struct queue_record *record)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &queue_draw_find, "ii", record->concert.value,
		record->epoch);
	if (!fault && rows.count)
		read_draw(ctx, &rows, 0, record);
	return fault;
}

enum fault queue_draw_commit(struct ctx *ctx, struct queue_record *record)
{
	unsigned char s0[DRAW_BYTES], commitment[DRAW_BYTES];
	struct pg_rows rows;
	if (RAND_bytes(s0, DRAW_BYTES) != 1)
		return FAULT_INTERNAL;
	draw_commitment(s0, commitment);
	enum fault fault = pg_query(ctx, &rows, &queue_draw_insert, "iixx", record->concert.value,
		record->epoch, (const void *)s0, (size_t)DRAW_BYTES, (const void *)commitment,
		(size_t)DRAW_BYTES);
	return fault ? fault : reread_draw(ctx, record);
}

enum fault queue_draw_save(struct ctx *ctx, struct queue_record *record)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &queue_draw_update, "iixti",
		record->concert.value, record->epoch, (const void *)record->seed,
		(size_t)DRAW_BYTES, record->transcript, record->participants);
	return fault ? fault : reread_draw(ctx, record);
}

enum fault queue_checkpoint_save(struct ctx *ctx, struct concert_id concert,
	const struct queue_summary *summary)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &queue_checkpoint_upsert, "iiiiit", concert.value,
		summary->epoch, summary->serving, summary->tail, summary->lobby, summary->gaps);
}

enum fault queue_member_created(struct ctx *ctx, int64_t *ret_created_ms)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &queue_member_find, "i", ctx->member.value);
	if (fault)
		return fault;
	*ret_created_ms = rows.count ? pg_integer(&rows, 0, 0) : INT64_MAX / 2;
	return FAULT_NONE;
}

enum fault queue_member_paid(struct ctx *ctx, struct concert_id concert, int64_t *ret_paid_ms)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &queue_member_bought, "ii", ctx->member.value,
		concert.value);
	if (!fault)
		*ret_paid_ms = pg_integer(&rows, 0, 0);
	return fault;
}
