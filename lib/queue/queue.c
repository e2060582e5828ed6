#include "queue/queue.h"

#include "base/banned.h"
#include "metrics/metrics.h"
#include "queue/queue_desk.h"
#include "queue/queue_pass.h"
#include "queue/queue_rules.h"

enum { ATTEMPTS = 4, NEW_RATE = 50, REBUILD_RETRY_S = 5, DRAW_RETRY_S = 1 };

/* Different for different members and moments, 0 to range - 1. */
static int jitter(const struct ctx *ctx, int range)
{
	return (int)((uint64_t)(ctx->member.value + ctx->now_ms) % (uint64_t)range);
}

static int64_t rate_of(const struct queue_record *record)
{
	return record ? record->rate_per_second : NEW_RATE;
}

/* What an answer asks of us before it can be given to the member. True: ask again. */
static bool must_ask_again(struct ctx *ctx, const struct queue_record **record,
	struct concert_id concert, struct queue_question *question,
	const struct queue_answer *answer)
{
	bool drawing = answer->phase == QUEUE_PHASE_DRAWING
		&& (answer->code == QUEUE_CODE_LOBBY || answer->code == QUEUE_CODE_NOT_OPEN);
	bool knows_draw = *record && (*record)->drawn && (*record)->epoch == answer->epoch
		&& (*record)->participants == answer->lobby;
	if (answer->code == QUEUE_CODE_RESOLVE && knows_draw && answer->number < answer->lobby) {
		question->drawn = draw_ticket((*record)->seed, answer->number, answer->lobby);
		question->epoch = answer->epoch;
		return true;
	}
	if (answer->code == QUEUE_CODE_RESOLVE || answer->code == QUEUE_CODE_UNCONFIGURED
		|| answer->code == QUEUE_CODE_EPOCH
		|| (drawing && !(*record && queue_awaits_beacon(*record)))) {
		if (question->verb != QUEUE_VERB_RESTORE) /* a paper is of its own epoch only */
			question->epoch = -1;
		question->drawn = -1;
		return queue_desk_refresh(ctx, concert, record, NULL) == FAULT_NONE;
	}
	return false;
}

static enum fault ask(struct ctx *ctx, const struct queue_record **record,
	struct concert_id concert, struct queue_question *question,
	struct queue_answer *ret_answer)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		enum fault fault = queue_ask(ctx, concert, question, ret_answer);
		if (fault)
			return fault;
		if (!must_ask_again(ctx, record, concert, question, ret_answer))
			break;
	}
	if (ret_answer->code == QUEUE_CODE_UNCONFIGURED || ret_answer->code == QUEUE_CODE_EPOCH
		|| ret_answer->code == QUEUE_CODE_RESOLVE)
		return FAULT_DATABASE_AWAY;
	if (ret_answer->code == QUEUE_CODE_ADMITTED && ret_answer->claim_delay_ms >= 0) {
		metric_add(METRIC_QUEUE_CLAIMED, 1);
		metric_observe(METRIC_QUEUE_CLAIM_DELAY, ret_answer->claim_delay_ms * 1000);
		metric_observe(METRIC_QUEUE_WAIT, ret_answer->waited_ms * 1000);
	}
	return FAULT_NONE;
}

/* Who has bought since the ticket was given has had the turn. Asked only of PostgreSQL, and only
 * here: a lost queue can't know. */
static enum fault is_used(struct ctx *ctx, const struct queue_paper *ticket, bool *ret_used)
{
	int64_t paid_ms;
	enum fault fault = queue_member_paid(ctx, ticket->concert, &paid_ms);
	if (!fault)
		*ret_used = paid_ms >= ticket->issued_ms;
	return fault;
}

/* The member isn't known but shows a signed ticket (and perhaps a pass): put the place back. */
static enum fault restore(struct ctx *ctx, const struct queue_record **record,
	struct concert_id concert, const struct queue_proofs *proofs,
	struct queue_answer *answer)
{
	struct queue_paper ticket, pass;
	struct queue_answer restored;
	bool used;
	if (!proofs->ticket || queue_ticket_open(ctx, concert, proofs->ticket, &ticket)
		|| ticket.epoch != answer->epoch)
		return FAULT_NONE;
	enum fault fault = is_used(ctx, &ticket, &used);
	if (fault || used)
		return fault;
	struct queue_question question = { .verb = QUEUE_VERB_RESTORE, .member = ctx->member,
		.epoch = ticket.epoch, .drawn = -1, .number = ticket.number,
		.kind = ticket.kind };
	if (queue_pass_check(ctx, concert, ticket.epoch, proofs->pass, &pass) == FAULT_NONE
		&& pass.number == ticket.number && ticket.kind == 1)
		question.lease_end_ms = pass.expires_ms;
	fault = ask(ctx, record, concert, &question, &restored);
	if (!fault)
		*answer = restored;
	return fault;
}

static bool may_restore(const struct queue_answer *answer, const struct queue_proofs *proofs)
{
	return proofs->ticket && (answer->code == QUEUE_CODE_NONE
		|| answer->code == QUEUE_CODE_REBUILD
		|| (proofs->pass && answer->code == QUEUE_CODE_EXPIRED));
}

static enum fault write_papers(struct ctx *ctx, struct concert_id concert,
	struct queue_place *place)
{
	struct queue_paper paper = { .concert = concert, .member = ctx->member,
		.epoch = place->epoch, .kind = place->lobby_index >= 0 ? 0 : 1,
		.number = place->lobby_index >= 0 ? place->lobby_index : place->number,
		.issued_ms = place->now_ms };
	if (paper.number < 0 || (place->status != QUEUE_PRE_QUEUE && place->status != QUEUE_WAITING
			&& place->status != QUEUE_ADMITTED))
		return FAULT_NONE;
	enum fault fault = queue_ticket_sign(ctx, &paper, &place->ticket);
	if (fault || place->status != QUEUE_ADMITTED || !place->pass_expires_ms)
		return fault;
	paper.expires_ms = place->pass_expires_ms;
	return queue_pass_sign(ctx, &paper, &place->pass);
}

static enum fault finish(struct ctx *ctx, const struct queue_record *record,
	struct concert_id concert, const struct queue_answer *answer, struct queue_place *ret_place)
{
	struct queue_place place;
	if (answer->code == QUEUE_CODE_REBUILD) {
		ctx->retry_after_s = REBUILD_RETRY_S + jitter(ctx, REBUILD_RETRY_S);
		return FAULT_QUEUE_REBUILDING;
	}
	queue_place_from(answer, rate_of(record), &place);
	enum fault fault = write_papers(ctx, concert, &place);
	if (!fault)
		*ret_place = place;
	return fault;
}

/* Many come at once when Redis returns: spread them. */
static enum fault spread(struct ctx *ctx, enum fault fault)
{
	if (fault == FAULT_REDIS_AWAY) {
		metric_add(METRIC_QUEUE_STORE_DOWN, 1);
		ctx->retry_after_s = 1 + jitter(ctx, 4);
	}
	return fault;
}

static enum fault check_work(struct ctx *ctx, struct concert_id concert,
	const struct queue_record *record, const struct queue_proofs *proofs)
{
	int64_t bits = record->values[QUEUE_SETTING_WORK_BITS];
	const char *challenge;
	if (!bits || queue_work_valid(ctx, concert, proofs->work, bits))
		return FAULT_NONE;
	enum fault fault = queue_work_challenge(ctx, concert, &challenge);
	if (fault)
		return fault;
	ctx->problem_extra = arena_printf(ctx->arena, "\"challenge\":\"%s\",\"bits\":%lld",
		challenge, (long long)bits);
	return FAULT_QUEUE_WORK_REQUIRED;
}

/* Accounts made after the announcement can't multiply one's chances in the draw. */
static enum fault check_account_age(struct ctx *ctx, const struct queue_record *record)
{
	int64_t age_s = record->values[QUEUE_SETTING_ACCOUNT_AGE], created_ms;
	if (!age_s || !record->lobby_ms || ctx->now_ms >= record->open_ms)
		return FAULT_NONE;
	enum fault fault = queue_member_created(ctx, &created_ms);
	if (fault)
		return fault;
	return created_ms + age_s * 1000 <= ctx->now_ms ? FAULT_NONE : FAULT_QUEUE_ACCOUNT_TOO_NEW;
}

static enum fault check_entry(struct ctx *ctx, struct concert_id concert,
	const struct queue_record *record, const struct queue_proofs *proofs)
{
	if (!record)
		return FAULT_NONE;
	if (record->cancelled)
		return FAULT_QUEUE_CLOSED;
	enum fault fault = check_work(ctx, concert, record, proofs);
	return fault ? fault : check_account_age(ctx, record);
}

static enum fault refusal(struct ctx *ctx, const struct queue_answer *answer)
{
	switch (answer->code) {
	case QUEUE_CODE_NOT_OPEN:
		if (answer->open_ms > answer->now_ms) {
			int64_t wait_s = (answer->open_ms - answer->now_ms) / 1000 + 1;
			ctx->retry_after_s = wait_s < 60 ? (int)wait_s : 60;
		} else {
			ctx->retry_after_s = DRAW_RETRY_S;
		}
		return FAULT_QUEUE_NOT_OPEN;
	case QUEUE_CODE_CLOSED:
		return FAULT_QUEUE_CLOSED;
	case QUEUE_CODE_SOLD_OUT:
		return FAULT_QUEUE_SOLD_OUT;
	default:
		return FAULT_NONE;
	}
}

static bool has_place(const struct queue_answer *answer)
{
	return answer->code == QUEUE_CODE_LOBBY || answer->code == QUEUE_CODE_WAITING
		|| answer->code == QUEUE_CODE_LATE || answer->code == QUEUE_CODE_ADMITTED;
}

/* Whoever shows a ticket may have a place that Redis lost: a new number would be further back. */
static enum fault enter(struct ctx *ctx, const struct queue_record **record,
	struct concert_id concert, const struct queue_proofs *proofs,
	struct queue_answer *ret_answer)
{
	struct queue_question question = { .verb = QUEUE_VERB_STATUS, .member = ctx->member,
		.epoch = -1, .drawn = -1 };
	enum fault fault = proofs->ticket
		? ask(ctx, record, concert, &question, ret_answer) : FAULT_NONE;
	if (!fault && proofs->ticket && may_restore(ret_answer, proofs))
		fault = restore(ctx, record, concert, proofs, ret_answer);
	if (fault || (proofs->ticket && has_place(ret_answer)))
		return fault;
	question = (struct queue_question) { .verb = QUEUE_VERB_JOIN, .member = ctx->member,
		.epoch = -1, .drawn = -1 };
	if (!*record || (*record)->lobby_ms)
		fault = queue_member_tag(ctx, concert, &question.tag);
	return fault ? fault : ask(ctx, record, concert, &question, ret_answer);
}

static enum fault join(struct ctx *ctx, struct concert_id concert,
	const struct queue_proofs *proofs, struct queue_place *ret_place)
{
	const struct queue_record *record;
	struct queue_answer answer;
	enum fault fault = queue_desk_get(ctx, concert, &record);
	if (!fault)
		fault = check_entry(ctx, concert, record, proofs);
	if (!fault)
		fault = enter(ctx, &record, concert, proofs, &answer);
	if (!fault)
		fault = refusal(ctx, &answer);
	if (fault)
		return fault;
	if (answer.created)
		metric_add(METRIC_QUEUE_JOINED, 1);
	return finish(ctx, record, concert, &answer, ret_place);
}

static enum metric refusal_metric(enum fault fault)
{
	switch (fault) {
	case FAULT_QUEUE_NOT_OPEN: return METRIC_QUEUE_REFUSED_NOT_OPEN;
	case FAULT_QUEUE_CLOSED: return METRIC_QUEUE_REFUSED_CLOSED;
	case FAULT_QUEUE_SOLD_OUT: return METRIC_QUEUE_REFUSED_SOLD_OUT;
	case FAULT_QUEUE_REBUILDING: return METRIC_QUEUE_REFUSED_REBUILD;
	case FAULT_QUEUE_WORK_REQUIRED: return METRIC_QUEUE_REFUSED_WORK;
	case FAULT_QUEUE_ACCOUNT_TOO_NEW: return METRIC_QUEUE_REFUSED_ACCOUNT;
	default: return METRIC_QUEUE_REFUSED_OTHER;
	}
}

enum fault queue_join(struct ctx *ctx, struct concert_id concert,
	const struct queue_proofs *proofs, struct queue_place *ret_place)
{
	enum fault fault = join(ctx, concert, proofs, ret_place);
	if (fault)
		metric_add(refusal_metric(fault), 1);
	return spread(ctx, fault);
}

enum fault queue_get_status(struct ctx *ctx, struct concert_id concert,
	const struct queue_proofs *proofs, struct queue_place *ret_place)
{
	const struct queue_record *record;
	struct queue_answer answer;
	struct queue_question question = { .verb = QUEUE_VERB_STATUS, .member = ctx->member,
		.epoch = -1, .drawn = -1 };
	enum fault fault = queue_desk_get(ctx, concert, &record);
	if (!fault)
		fault = ask(ctx, &record, concert, &question, &answer);
	if (!fault && may_restore(&answer, proofs))
		fault = restore(ctx, &record, concert, proofs, &answer);
	if (!fault)
		fault = finish(ctx, record, concert, &answer, ret_place);
	return spread(ctx, fault);
}

enum fault queue_leave(struct ctx *ctx, struct concert_id concert)
{
	const struct queue_record *record;
	struct queue_answer answer;
	struct queue_question question = { .verb = QUEUE_VERB_RELEASE, .member = ctx->member,
		.epoch = -1, .drawn = -1, .why = "leave" };
	enum fault fault = queue_desk_get(ctx, concert, &record);
	if (!fault)
		fault = ask(ctx, &record, concert, &question, &answer);
	return spread(ctx, fault);
}
