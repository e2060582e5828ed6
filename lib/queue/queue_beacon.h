/* The draw's public randomness: its source is named before the first join, its value given once the
 * lobby is closed, so that whoever knows the secret can't try values. Internal to lib/queue. */
#ifndef CM_QUEUE_QUEUE_BEACON_H
#define CM_QUEUE_QUEUE_BEACON_H

#include "queue/queue_store.h"

/* Before anything of the change is stored. Faults: BAD_INPUT, naming the member that comes too
 * early or too late, and those of queue_desk_refresh. */
enum fault queue_beacon_check(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change);
/* After the rest of the change. Faults: BAD_INPUT (somebody was faster), those of pg.h. */
enum fault queue_beacon_store(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change);

#endif
