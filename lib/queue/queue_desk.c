#include "queue/queue_desk.h"

#include "base/banned.h"
#include "base/clock.h"
#include "metrics/metrics.h"
#include "queue/queue_rules.h"

#include <stdio.h>
#include <string.h>

enum { KEPT = 64, FRESH_US = 2000000, READINGS = 3 };

static struct kept {
	struct queue_record record;
	int64_t loaded_us;
} kept[KEPT];

static struct kept *find_kept(struct concert_id concert)
{
	for (size_t i = 0; i < KEPT; i++)
		if (kept[i].loaded_us && kept[i].record.concert.value == concert.value)
			return &kept[i];
	return NULL;
}

/* The concert's, or the one that has stayed longest. */
static struct kept *slot_for(struct concert_id concert)
{
	struct kept *slot = find_kept(concert), *oldest = &kept[0];
	for (size_t i = 1; i < KEPT; i++)
		if (kept[i].loaded_us < oldest->loaded_us)
			oldest = &kept[i];
	return slot ? slot : oldest;
}

/* Repeats are harmless: the first seed stored is everybody's. */
static enum fault draw(struct ctx *ctx, struct queue_record *record,
	const struct queue_summary *summary)
{
	if (!record->drawn) {
		record->participants = summary->lobby;
		snprintf(record->transcript, sizeof record->transcript, "%s", summary->transcript);
		struct draw_input input = { record->s0, record->transcript, record->participants,
			record->beacon };
		draw_seed(&input, record->seed);
		enum fault fault = queue_draw_save(ctx, record);
		if (fault)
			return fault;
	}
	return queue_reveal(ctx, record);
}

/* Nobody was drawn, but the secret is owed. Not before the first number: until then the opening,
 * and with it the lobby, may still be moved. */
static bool is_empty_lobby(const struct queue_record *record, const struct queue_summary *summary)
{
	return !record->drawn && summary->lobby == 0 && summary->tail > 0;
}

/* Also where no seat is free, so that nobody is called: numbers are owed all the same. */
static bool awaits_draw(const struct queue_summary *summary)
{
	return summary->phase == QUEUE_PHASE_DRAWING
		|| (!summary->seeded && summary->lobby > 0
			&& (summary->phase == QUEUE_PHASE_RETURNS
				|| summary->phase == QUEUE_PHASE_SOLD_OUT));
}

static enum fault settle(struct ctx *ctx, struct queue_record *record,
	struct queue_summary *summary)
{
	enum queue_code code;
	enum fault fault = FAULT_NONE;
	bool drawing = record->has_draw && (is_empty_lobby(record, summary)
		|| (awaits_draw(summary) && !queue_awaits_beacon(record)));
	if (drawing) {
		fault = draw(ctx, record, summary);
		if (!fault)
			fault = queue_tick(ctx, record->concert, record, summary, &code);
	}
	if (!fault && (summary->checkpoint_due || drawing))
		fault = queue_checkpoint_save(ctx, record->concert, summary);
	return fault;
}

static enum fault load(struct ctx *ctx, struct concert_id concert, struct queue_record *record)
{
	enum fault fault = queue_record_load(ctx, concert, record);
	if (!fault && record->lobby_ms && !record->has_draw)
		fault = queue_draw_commit(ctx, record);
	return fault;
}

static bool is_database_trouble(enum fault fault)
{
	return fault && fault != FAULT_CONCERT_NOT_FOUND && fault != FAULT_REDIS_AWAY;
}

/* PostgreSQL is away, or behind Redis: the queue goes on with what Redis has. */
static enum fault go_on(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record, struct queue_summary *ret_summary)
{
	enum queue_code code;
	struct queue_summary summary = { 0 };
	struct kept *slot = find_kept(concert);
	enum fault fault = queue_tick(ctx, concert, NULL, &summary, &code);
	if (fault)
		return fault;
	if (code != QUEUE_CODE_NONE)
		return FAULT_DATABASE_AWAY; /* Redis has nothing either */
	*ret_record = slot ? &slot->record : NULL;
	if (ret_summary)
		*ret_summary = summary;
	return FAULT_NONE;
}

/* A reset between the reading and the telling makes the reading old: then it is read again. */
static enum fault load_and_tell(struct ctx *ctx, struct concert_id concert,
	struct queue_record *record, struct queue_summary *summary)
{
	enum queue_code code = QUEUE_CODE_EPOCH;
	enum fault fault = FAULT_NONE;
	bool makes_summary = record->makes_summary;
	for (int i = 0; i < READINGS && !fault && code == QUEUE_CODE_EPOCH; i++) {
		fault = load(ctx, concert, record);
		record->makes_summary = makes_summary;
		if (!fault)
			fault = queue_tick(ctx, concert, record, summary, &code);
	}
	return fault || code == QUEUE_CODE_NONE ? fault : FAULT_DATABASE_AWAY;
}

static enum fault refresh(struct ctx *ctx, struct concert_id concert, bool is_public,
	const struct queue_record **ret_record, struct queue_summary *ret_summary)
{
	struct queue_summary summary = { 0 };
	struct queue_record *record = arena_alloc(ctx->arena, sizeof *record);
	record->makes_summary = is_public;
	enum fault fault = load_and_tell(ctx, concert, record, &summary);
	if (is_database_trouble(fault))
		return go_on(ctx, concert, ret_record, ret_summary);
	if (!fault)
		fault = settle(ctx, record, &summary);
	if (fault == FAULT_CONCERT_NOT_FOUND || fault == FAULT_REDIS_AWAY)
		return fault;
	struct kept *slot = slot_for(concert);
	slot->record = *record;
	slot->loaded_us = clock_monotonic_us();
	*ret_record = &slot->record;
	if (ret_summary)
		*ret_summary = summary;
	return FAULT_NONE;
}

enum fault queue_desk_refresh(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record, struct queue_summary *ret_summary)
{
	return refresh(ctx, concert, false, ret_record, ret_summary);
}

enum fault queue_desk_summarize(struct ctx *ctx, struct concert_id concert,
	struct queue_summary *ret_summary)
{
	const struct queue_record *record;
	return refresh(ctx, concert, true, &record, ret_summary);
}

enum fault queue_desk_get(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record)
{
	struct kept *slot = find_kept(concert);
	if (slot && clock_monotonic_us() - slot->loaded_us < FRESH_US) {
		*ret_record = &slot->record;
		return FAULT_NONE;
	}
	return queue_desk_refresh(ctx, concert, ret_record, NULL);
}
