#include "base/banned.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "queue/queue.h"
#include "queue/queue_beacon.h"
#include "queue/queue_desk.h"
#include "queue/queue_rules.h"

enum fault queue_summarize(struct ctx *ctx, struct concert_id concert,
	struct queue_summary *ret_summary)
{
	metric_add(METRIC_QUEUE_SUMMARIES, 1);
	return queue_desk_summarize(ctx, concert, ret_summary);
}

enum fault queue_observe(struct ctx *ctx, struct concert_id concert,
	struct queue_summary *ret_summary)
{
	enum queue_code code = QUEUE_CODE_NONE;
	struct queue_summary summary = { 0 };
	enum fault fault = queue_tick(ctx, concert, NULL, &summary, &code);
	if (fault)
		return fault;
	if (code != QUEUE_CODE_NONE)
		return FAULT_CONCERT_NOT_FOUND;
	summary.last_wait_s = queue_wait_s(summary.waiting, summary.speed_milli);
	summary.age_s = summary.age_ms < 0 ? -1 : summary.age_ms / 1000;
	*ret_summary = summary;
	return FAULT_NONE;
}

enum fault queue_get_audit(struct ctx *ctx, struct concert_id concert,
	struct queue_audit *ret_audit)
{
	const struct queue_record *record;
	struct queue_summary summary = { 0 };
	enum fault fault = queue_desk_refresh(ctx, concert, &record, &summary);
	if (fault)
		return fault;
	if (!record)
		return FAULT_DATABASE_AWAY;
	struct queue_audit audit = { .epoch = record->epoch, .participants = -1,
		.calls_digest = summary.calls_digest };
	if (record->has_draw) {
		audit.commit = str_hex(ctx->arena, record->commitment, DRAW_BYTES);
		audit.beacon_source = arena_strdup(ctx->arena, record->beacon_source);
		audit.beacon = arena_strdup(ctx->arena, record->beacon);
		audit.committed_ms = record->committed_ms;
		audit.beacon_named_ms = record->beacon_named_ms;
		audit.beacon_ms = record->beacon_ms;
		audit.drawn_ms = record->drawn_ms;
	}
	/* Before a beacon can be known everybody sees what it will be mixed with. */
	if (record->has_draw && summary.phase > QUEUE_PHASE_LOBBY && summary.lobby >= 0) {
		audit.participants = summary.lobby;
		audit.transcript = summary.transcript;
	}
	if (record->drawn) {
		audit.participants = record->participants;
		audit.s0 = str_hex(ctx->arena, record->s0, DRAW_BYTES);
		audit.seed = str_hex(ctx->arena, record->seed, DRAW_BYTES);
		audit.transcript = arena_strdup(ctx->arena, record->transcript);
	}
	*ret_audit = audit;
	return FAULT_NONE;
}

enum fault queue_get_calls(struct ctx *ctx, struct concert_id concert, int64_t from,
	struct queue_calls *ret_calls)
{
	const struct queue_record *record;
	enum queue_code code = QUEUE_CODE_UNCONFIGURED;
	enum fault fault = queue_read_calls(ctx, concert, from, ret_calls, &code);
	if (fault || code == QUEUE_CODE_NONE)
		return fault;
	/* Nobody has asked for this queue yet, or Redis lost it. */
	fault = queue_desk_refresh(ctx, concert, &record, NULL);
	if (!fault)
		fault = queue_read_calls(ctx, concert, from, ret_calls, &code);
	return fault || code == QUEUE_CODE_NONE ? fault : FAULT_DATABASE_AWAY;
}

/* What a use before the reset left in Redis goes in parts, after the operator has the answer. */
static void sweep_old(struct ctx *ctx, void *arg)
{
	const struct queue_record *record = arg;
	int64_t next = 0;
	do {
		if (queue_sweep(ctx, record->concert, record->epoch - 1, &next))
			return;
	} while (next);
}

enum fault queue_change_settings(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change, struct queue_settings *ret_settings)
{
	const struct queue_record *record;
	enum fault fault = queue_beacon_check(ctx, concert, change);
	if (!fault)
		fault = queue_record_change(ctx, concert, change);
	if (!fault)
		fault = queue_beacon_store(ctx, concert, change);
	if (!fault)
		fault = queue_desk_refresh(ctx, concert, &record, NULL);
	if (fault)
		return fault;
	if (!record)
		return FAULT_DATABASE_AWAY;
	if (change->rebase && (fault = queue_rebase(ctx, record)))
		return fault;
	struct queue_settings settings = { .mode = record->gate ? "on" : "none",
		.rate_per_second = record->rate_per_second, .capacity = record->capacity,
		.lobby_ms = record->lobby_ms, .paused = record->paused,
		.message = arena_strdup(ctx->arena, record->message), .epoch = record->epoch };
	for (int i = 0; i < QUEUE_SETTING_COUNT; i++)
		settings.values[i] = record->values[i];
	if (change->reset) {
		struct queue_record *copy = arena_alloc(ctx->arena, sizeof *copy);
		*copy = *record;
		ctx_after(ctx, sweep_old, copy);
	}
	*ret_settings = settings;
	return FAULT_NONE;
}
