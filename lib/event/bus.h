/* The event bus: one running process chooses between implementations (CM_BUS). */
#ifndef CM_EVENT_BUS_H
#define CM_EVENT_BUS_H

#include "config.h"
#include "event/event.h"

struct bus {
	const char *name;
	bool waits; /* consume itself waits CM_EVENT_POLL_MS for events when there are none */
	/* Hands events over in order per key. ret_count: how many, from the first on, are
	 * durable there; those after them are handed over again. */
	enum fault (*publish)(struct ctx *ctx, const struct event *events, size_t count,
		size_t *ret_count);
	/* Takes some events, runs the group's handler in a transaction and acknowledges. What
	 * fails is tried again with back-off, CM_EVENT_TRIES times, then buried. */
	enum fault (*consume)(struct ctx *ctx, const struct event_group *group,
		size_t *ret_count);
	/* As event_backlog. */
	enum fault (*backlog)(struct ctx *ctx, struct event_backlog **ret_groups,
		size_t *ret_count);
};

extern const struct bus bus_postgres;
#ifdef HAVE_KAFKA
extern const struct bus bus_kafka;
#endif

#endif
