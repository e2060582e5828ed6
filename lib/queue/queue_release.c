#include "base/banned.h"
#include "queue/queue.h"
#include "queue/queue_store.h"

/* In a file of its own, so that those who only release don't link the queue's statements. */
enum fault queue_release(struct ctx *ctx, struct concert_id concert, struct member_id member,
	const char *why)
{
	struct queue_answer answer;
	struct queue_question question = { .verb = QUEUE_VERB_RELEASE, .member = member,
		.drawn = -1, .why = why };
	return queue_ask(ctx, concert, &question, &answer);
}
