/* Events: facts that were committed, told to whoever subscribes to them.
 *
 * The transaction that changes something writes its event into the outbox; the relay hands it to
 * the bus, at least once and in order per key; each consumer group has its effect of it once,
 * because effect and mark commit together. A key is a reservation's id, or concert:ID. */
#ifndef CM_EVENT_EVENT_H
#define CM_EVENT_EVENT_H

#include <stddef.h>

#include "base/ctx.h"

struct event {
	int64_t id; /* of the outbox row; grows, with gaps, and commits out of order */
	int64_t created_ms;
	const char *topic, *key;
	const char *trace;   /* traceparent of the cause; NULL: none */
	const char *payload; /* JSON object */
	/* From the payload, 0 when it has none. */
	struct reservation_id reservation;
	struct member_id member;
	struct concert_id concert;
};

struct event_list {
	struct event *items;
	size_t count;
};

/* A group's effect of one event, inside a transaction that also marks it as done. It may run
 * again for an event it had its effect of, and again when the transaction is repeated: it uses
 * event_first_time or is harmless twice. A fault means: try later. */
typedef enum fault event_handler(struct ctx *ctx, const struct event *event);

/* A consumer group; topics it doesn't care for are done without effect. */
struct event_group {
	const char *name;
	event_handler *handler;
};

/* Marks the event as seen by the group in the running transaction; false when it was before. */
enum fault event_first_time(struct ctx *ctx, const char *group, const struct event *event,
	bool *ret_first);

/* Relay: hands at most CM_EVENT_BATCH unpublished events to the bus and marks what it took.
 * Nothing is done by a relay that doesn't lead. ret_count: events taken. */
enum fault event_relay(struct ctx *ctx, size_t *ret_count);

/* Consumer: takes and handles a batch. ret_count: events done, dead letters included. */
enum fault event_consume(struct ctx *ctx, const struct event_group *group, size_t *ret_count);
/* Whether event_consume waits for events itself, so that its caller must not. */
bool event_consume_waits(void);

/* What the bus has for a consumer group that it has not taken in. */
struct event_backlog {
	const char *group;
	int64_t waiting;  /* events; with the bus postgres EVENT_BACKLOG_MOST at most */
	int64_t oldest_s; /* age of the event that it has to take in next; one that failed and
			   * waits for its next try is passed over by the bus postgres */
};
enum { EVENT_BACKLOG_MOST = 100000 };
/* Every group that subscribes to anything, sorted, in the arena. Kafka is asked once in ten seconds
 * and given a second; between two looks the last answer, or BUS_AWAY, is said again.
 * Faults: those of pg_query, BUS_AWAY. */
enum fault event_backlog(struct ctx *ctx, struct event_backlog **ret_groups, size_t *ret_count);

#endif
