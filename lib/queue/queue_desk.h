/* Where the two stores of the queue meet: settings into Redis, the draw out of it, the checkpoint
 * back to PostgreSQL. Internal to lib/queue. */
#ifndef CM_QUEUE_QUEUE_DESK_H
#define CM_QUEUE_QUEUE_DESK_H

#include "queue/queue_store.h"

/* The process' copy of the record, at most 2 s old; older or missing ones are loaded, and loading
 * brings Redis up to date. With PostgreSQL away the old copy serves on, or *ret_record is NULL.
 * Faults:
 * CONCERT_NOT_FOUND, REDIS_AWAY. */
enum fault queue_desk_get(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record);
/* Loads and brings Redis up to date now. Also draws when the lobby has closed, and saves the
 * checkpoint when it is due. *ret_summary may be NULL. */
enum fault queue_desk_refresh(struct ctx *ctx, struct concert_id concert,
	const struct queue_record **ret_record, struct queue_summary *ret_summary);
/* As refresh, for the public summary: its age counts from here. */
enum fault queue_desk_summarize(struct ctx *ctx, struct concert_id concert,
	struct queue_summary *ret_summary);

#endif
