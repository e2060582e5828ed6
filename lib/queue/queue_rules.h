/* The queue's arithmetic outside Redis: when to come again, how long it may take. Pure. */
#ifndef CM_QUEUE_QUEUE_RULES_H
#define CM_QUEUE_QUEUE_RULES_H

#include "queue/queue_store.h"

/* Puts a script's answer into the API's terms; rate is the configured one a second. Papers (ticket,
 * pass) are left out. */
void queue_place_from(const struct queue_answer *answer, int64_t rate, struct queue_place *place);
/* Seconds until the next call of a client that only polls its status; at most 60. */
int64_t queue_poll_s(const struct queue_answer *answer, int64_t rate);
/* The lobby's draw can't be made before its beacon is given. */
bool queue_awaits_beacon(const struct queue_record *record);
/* Seconds until a ticket with so many ahead is called; -1 unknown. */
int64_t queue_wait_s(int64_t ahead, int64_t speed_milli);

#endif
