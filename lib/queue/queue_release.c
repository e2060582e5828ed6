#include "base/banned.h"
#include "queue/queue.h"
#include "queue/queue_pass.h"
#include "queue/queue_store.h"

/* In a file of its own, so that those who only release don't link the queue's statements. */
enum fault queue_release(struct ctx *ctx, struct concert_id concert, struct member_id member,
	const char *why, int64_t before_ms)
{
	struct queue_answer answer;
	struct queue_question question = { .verb = QUEUE_VERB_RELEASE, .member = member,
		.drawn = -1, .why = why, .claimed_before_ms = before_ms };
	return queue_ask(ctx, concert, &question, &answer);
}

enum fault queue_turn_restore(struct ctx *ctx, const struct queue_paper *pass, bool *ret_lost)
{
	struct queue_answer answer;
	struct queue_question question = { .verb = QUEUE_VERB_RESTORE, .member = pass->member,
		.epoch = pass->epoch, .drawn = -1, .number = pass->number, .kind = 1,
		.lease_end_ms = pass->expires_ms };
	enum fault fault = queue_ask(ctx, pass->concert, &question, &answer);
	*ret_lost = !fault && answer.code == QUEUE_CODE_UNCONFIGURED;
	return fault;
}
