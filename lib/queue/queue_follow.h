/* Keeps Redis in step with what others change of a concert: mode, rate, times, cancellation. */
#ifndef CM_QUEUE_QUEUE_FOLLOW_H
#define CM_QUEUE_QUEUE_FOLLOW_H

#include "event/event.h"

/* For whoever has just committed a change: puts it into force and, where a lobby is to come, makes
 * and publishes the commitment. Not inside a transaction. A failure is mended by queue_follow. */
void queue_follow_now(struct ctx *ctx, struct concert_id concert);
/* After concert.changed and concert.cancelled, in case the one above could not. An event_handler.
 * Redis being away is a fault: it may keep a gate that should be shut. */
enum fault queue_follow(struct ctx *ctx, const struct event *event);

#endif
