#include "queue/queue_follow.h"

#include <string.h>

#include "base/banned.h"
#include "queue/queue_desk.h"

void queue_follow_now(struct ctx *ctx, struct concert_id concert)
{
	const struct queue_record *record;
	(void)!queue_desk_refresh(ctx, concert, &record, NULL);
}

/* Neither draws nor commits: Redis must learn nothing that this transaction may take back. */
enum fault queue_follow(struct ctx *ctx, const struct event *event)
{
	enum queue_code code;
	struct queue_summary summary = { 0 };
	if (strcmp(event->topic, "concert.changed") != 0
		&& strcmp(event->topic, "concert.cancelled") != 0)
		return FAULT_NONE;
	struct queue_record *record = arena_alloc(ctx->arena, sizeof *record);
	enum fault fault = queue_record_load(ctx, event->concert, record);
	if (fault)
		return fault == FAULT_CONCERT_NOT_FOUND ? FAULT_NONE : fault;
	fault = queue_tick(ctx, event->concert, record, &summary, &code);
	if (!fault && summary.checkpoint_due)
		fault = queue_checkpoint_save(ctx, event->concert, &summary);
	return fault;
}
