#include <stdlib.h>

#include "base/banned.h"
#include "base/log.h"
#include "base/str.h"
#include "queue/queue_store.h"
#include "redis/redis.h"

static void start(struct redis_call *call, struct ctx *ctx, const char *function,
	struct concert_id concert)
{
	redis_call_function(call, ctx, function, 1);
	redis_add_printf(call, "cq:{%lld}", (long long)concert.value);
}

static const char *const function_of[] = {
	[QUEUE_VERB_JOIN] = "cm_queue_join", [QUEUE_VERB_STATUS] = "cm_queue_status",
	[QUEUE_VERB_RELEASE] = "cm_queue_release", [QUEUE_VERB_RESTORE] = "cm_queue_restore",
};

static void add_details(struct redis_call *call, const struct queue_question *question)
{
	switch (question->verb) {
	case QUEUE_VERB_JOIN:
		redis_add(call, question->tag ? question->tag : "");
		break;
	case QUEUE_VERB_RELEASE:
		redis_add(call, question->why);
		redis_add_integer(call, question->claimed_before_ms);
		break;
	case QUEUE_VERB_RESTORE:
		redis_add_integer(call, question->number);
		redis_add_integer(call, question->kind);
		redis_add_integer(call, question->lease_end_ms);
		break;
	case QUEUE_VERB_STATUS:
		break;
	}
	redis_add_integer(call, question->drawn);
}

enum fault queue_ask(struct ctx *ctx, struct concert_id concert,
	const struct queue_question *question, struct queue_answer *ret_answer)
{
	struct redis_call call;
	const struct redis_value *value;
	start(&call, ctx, function_of[question->verb], concert);
	redis_add_integer(&call, question->member.value);
	redis_add_integer(&call, question->epoch);
	add_details(&call, question);
	enum fault fault = redis_run(&call, &value);
	if (fault)
		return fault;
	int64_t cell[16];
	for (size_t i = 0; i < 16; i++)
		cell[i] = redis_integer(redis_item(value, i));
	*ret_answer = (struct queue_answer) {
		.code = (enum queue_code)cell[0], .epoch = cell[1],
		.phase = (enum queue_phase)cell[2], .number = cell[3], .ahead = cell[4],
		.serving = cell[5], .ceiling = cell[6], .speed_milli = cell[7],
		.lease_left_ms = cell[8], .lease_end_ms = cell[9], .now_ms = cell[10],
		.open_ms = cell[11], .lobby = cell[12], .created = cell[13] == 1,
		.claim_delay_ms = cell[14], .waited_ms = cell[15],
	};
	return FAULT_NONE;
}

static void add_pair(struct redis_call *call, const char *name, int64_t value)
{
	redis_add(call, name);
	redis_add_integer(call, value);
}

/* Ours / 100 and the like, without floating point in between. */
static void add_setting(struct redis_call *call, const struct queue_setting_info *info,
	int64_t value)
{
	if (!*info->redis_name)
		return;
	redis_add(call, info->redis_name);
	if (info->unit > 0)
		redis_add_integer(call, value * info->unit);
	else if (info->unit == -100)
		redis_add_printf(call, "%lld.%02lld", (long long)(value / 100),
			(long long)(value % 100));
	else
		redis_add_integer(call, value / -info->unit);
}

static int64_t operator_mode(const struct queue_record *record)
{
	if (record->cancelled || record->values[QUEUE_SETTING_STATE] == 2)
		return 3;
	bool drains = record->values[QUEUE_SETTING_STATE] == 1;
	if (record->paused)
		return drains ? 5 : 1;
	return drains ? 2 : 0;
}

/* A draw knows the lobby better than a checkpoint from before it. */
static void add_checkpoint(struct redis_call *call, const struct queue_record *record)
{
	int64_t tail = record->checkpoint_tail, lobby = record->checkpoint_lobby;
	if (record->drawn) {
		lobby = record->participants;
		tail = tail > lobby ? tail : lobby;
	}
	if (tail <= 0)
		return;
	add_pair(call, "checkpoint_tail", tail);
	add_pair(call, "checkpoint_serving", record->checkpoint_serving);
	add_pair(call, "checkpoint_lobby", lobby);
	redis_add(call, "checkpoint_gaps");
	redis_add(call, record->checkpoint_gaps);
}

static void add_record(struct redis_call *call, struct ctx *ctx, const struct queue_record *record)
{
	add_pair(call, "version", record->version);
	add_pair(call, "gate", record->gate);
	add_pair(call, "rate", record->rate_per_second);
	add_pair(call, "capacity", record->capacity);
	add_pair(call, "lobby_at", record->lobby_ms);
	add_pair(call, "open_at", record->open_ms);
	add_pair(call, "close_at", record->close_ms);
	add_pair(call, "operator", operator_mode(record));
	for (int i = 0; i < QUEUE_SETTING_COUNT; i++)
		add_setting(call, &queue_setting_table[i], record->values[i]);
	add_pair(call, "free", record->free);
	add_pair(call, "held", record->held);
	if (record->makes_summary)
		add_pair(call, "summary", 1);
	redis_add(call, "message");
	redis_add(call, record->message);
	if (record->has_draw) {
		redis_add(call, "commit");
		redis_add(call, str_hex(ctx->arena, record->commitment, DRAW_BYTES));
	}
	add_checkpoint(call, record);
}

static void read_summary(const struct redis_value *value, struct queue_summary *summary)
{
	int64_t *const integers[] = {
		&summary->now_ms, &summary->serving, &summary->ceiling, &summary->notified,
		&summary->tail, &summary->lobby, NULL, &summary->late, &summary->leases,
		&summary->calls, &summary->free, &summary->held, &summary->speed_milli,
		&summary->vmax_milli, &summary->open_ms, &summary->capacity,
		&summary->rate_milli, &summary->live_milli, NULL, &summary->clock_back_ms,
	};
	const char **const texts[] = { &summary->gaps, &summary->message, &summary->commit,
		&summary->seed, &summary->transcript, &summary->calls_digest };
	int64_t *const counters[] = {
		&summary->called, &summary->claimed, &summary->noshow, &summary->passed,
		&summary->late_in, &summary->late_gone, &summary->expired, &summary->left,
		&summary->done, &summary->hold_expired, &summary->claim_delay_ms,
		&summary->restored, &summary->conflict, &summary->waiting,
		&summary->capacity_effective, &summary->age_ms,
	};
	size_t at = 1;
	summary->epoch = redis_integer(redis_item(value, at++));
	summary->phase = (enum queue_phase)redis_integer(redis_item(value, at++));
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++, at++)
		if (integers[i])
			*integers[i] = redis_integer(redis_item(value, at));
	summary->seeded = redis_integer(redis_item(value, 9)) == 1;
	summary->checkpoint_due = redis_integer(redis_item(value, 21)) == 1;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = redis_text(redis_item(value, at++));
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
		*counters[i] = redis_integer(redis_item(value, at++));
}

enum fault queue_tick(struct ctx *ctx, struct concert_id concert,
	const struct queue_record *record, struct queue_summary *ret_summary,
	enum queue_code *ret_code)
{
	struct redis_call call;
	const struct redis_value *value;
	start(&call, ctx, "cm_queue_now", concert);
	redis_add_integer(&call, record ? record->epoch : 0);
	if (record)
		add_record(&call, ctx, record);
	enum fault fault = redis_run(&call, &value);
	if (fault)
		return fault;
	*ret_code = (enum queue_code)redis_integer(redis_item(value, 0));
	if (*ret_code == QUEUE_CODE_NONE)
		read_summary(value, ret_summary);
	return FAULT_NONE;
}

enum fault queue_reveal(struct ctx *ctx, const struct queue_record *record)
{
	struct redis_call call;
	const struct redis_value *value;
	start(&call, ctx, "cm_queue_reveal", record->concert);
	redis_add_integer(&call, record->epoch);
	redis_add(&call, str_hex(ctx->arena, record->seed, DRAW_BYTES));
	redis_add_integer(&call, record->participants);
	redis_add(&call, record->transcript);
	enum fault fault = redis_run(&call, &value);
	if (fault || redis_integer(redis_item(value, 0)) != QUEUE_CODE_REFUSED)
		return fault;
	log_event(LOG_ERROR, "the lobby is not the one that was drawn", "participants",
		arena_printf(ctx->arena, "%lld", (long long)record->participants));
	return FAULT_INTERNAL;
}

enum fault queue_rebase(struct ctx *ctx, const struct queue_record *record)
{
	struct redis_call call;
	const struct redis_value *value;
	start(&call, ctx, "cm_queue_admin", record->concert);
	redis_add_integer(&call, record->epoch);
	redis_add(&call, "rebase");
	return redis_run(&call, &value);
}

enum fault queue_read_calls(struct ctx *ctx, struct concert_id concert, int64_t from,
	struct queue_calls *ret_calls, enum queue_code *ret_code)
{
	struct redis_call call;
	const struct redis_value *value;
	start(&call, ctx, "cm_queue_calls", concert);
	redis_add_integer(&call, -1);
	redis_add_integer(&call, from);
	redis_add_integer(&call, QUEUE_CALLS_PAGE);
	enum fault fault = redis_run(&call, &value);
	if (fault)
		return fault;
	*ret_code = (enum queue_code)redis_integer(redis_item(value, 0));
	if (*ret_code != QUEUE_CODE_NONE)
		return FAULT_NONE;
	int64_t total = redis_integer(redis_item(value, 2)), next = from + QUEUE_CALLS_PAGE;
	*ret_calls = (struct queue_calls) { .epoch = redis_integer(redis_item(value, 1)),
		.total = total, .next = next < total ? next : -1,
		.digest = redis_text(redis_item(value, 3)),
		.tickets = redis_text(redis_item(value, 4)) };
	return FAULT_NONE;
}

enum fault queue_sweep(struct ctx *ctx, struct concert_id concert, int64_t epoch, int64_t *next)
{
	enum { BUCKETS = 2048 };
	struct redis_call call;
	const struct redis_value *value;
	start(&call, ctx, "cm_queue_sweep", concert);
	redis_add_integer(&call, epoch);
	redis_add_integer(&call, *next);
	redis_add_integer(&call, BUCKETS);
	enum fault fault = redis_run(&call, &value);
	if (!fault)
		*next = redis_integer(redis_item(value, 0));
	return fault;
}
