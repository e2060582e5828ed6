/* The outbox, the inbox and the dead letters: what every bus needs of the database. */
#ifndef CM_EVENT_OUTBOX_H
#define CM_EVENT_OUTBOX_H

#include "event/event.h"

/* Whether this connection's relay leads (a session's advisory lock), trying to. */
enum fault outbox_lead(struct ctx *ctx, bool *ret_leads);
/* Unpublished events in order of id. */
enum fault outbox_read(struct ctx *ctx, size_t limit, struct event_list *ret_events);
enum fault outbox_mark(struct ctx *ctx, const struct event *events, size_t count);
/* In a transaction: gives an event up for a group. */
enum fault outbox_bury(struct ctx *ctx, const char *group, const struct event *event,
	int attempts, const char *error);

#endif
