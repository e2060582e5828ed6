#include "queue/queue_desk.h"

#include "base/banned.h"
#include "base/clock.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <string.h>

enum { KEPT = 64, FRESH_US = 2000000 };

static struct kept {
	struct queue_record record;
	int64_t loaded_us;
} kept[KEPT];

static struct kept *slot_of(struct concert_id concert)
{
	return &kept[concert.value % KEPT];
}

static struct kept *find_kept(struct concert_id concert)
{
	struct kept *slot = slot_of(concert);
	return slot->loaded_us && slot->record.concert.value == concert.value ? slot : NULL;
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

static enum fault settle(struct ctx *ctx, struct queue_record *record,
	struct queue_summary *summary)
{
	enum queue_code code;
	enum fault fault = FAULT_NONE;
	if (summary->phase == QUEUE_PHASE_DRAWING && record->has_draw) {
		fault = draw(ctx, record, summary);
		if (!fault)
			fault = queue_tick(ctx, record->concert, record, summary, &code);
	}
	if (!fault && summary->checkpoint_due)
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

/* PostgreSQL is away: the queue goes on with what Redis has. */
static enum fault go_on(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record, struct queue_summary *ret_summary)
{
	enum queue_code code;
	struct queue_summary summary = { 0 };
	struct kept *slot = find_kept(concert);
	enum fault fault = queue_tick(ctx, concert, NULL, &summary, &code);
	if (fault)
		return fault;
	*ret_record = slot ? &slot->record : NULL;
	if (ret_summary)
		*ret_summary = summary;
	return FAULT_NONE;
}

enum fault queue_desk_refresh(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record, struct queue_summary *ret_summary)
{
	struct queue_summary summary = { 0 };
	enum queue_code code;
	struct queue_record *record = arena_alloc(ctx->arena, sizeof *record);
	enum fault fault = load(ctx, concert, record);
	if (is_database_trouble(fault))
		return go_on(ctx, concert, ret_record, ret_summary);
	record->makes_summary = ret_summary != NULL;
	if (!fault)
		fault = queue_tick(ctx, concert, record, &summary, &code);
	if (!fault)
		fault = settle(ctx, record, &summary);
	if (fault == FAULT_CONCERT_NOT_FOUND || fault == FAULT_REDIS_AWAY)
		return fault;
	struct kept *slot = slot_of(concert);
	slot->record = *record;
	slot->loaded_us = clock_monotonic_us();
	*ret_record = &slot->record;
	if (ret_summary)
		*ret_summary = summary;
	return FAULT_NONE;
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
