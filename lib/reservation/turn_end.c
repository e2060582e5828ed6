#include "reservation/turn_end.h"

#include <string.h>

#include "queue/queue.h"
#include "reservation/reservation_store.h"

#include "base/banned.h"

/* What a reservation's end means for the turn it was made in; NULL: nothing. */
static const char *reason_of(const char *topic)
{
	static const struct { const char *topic, *why; } table[] = {
		{ "payment.completed", "done" }, { "reservation.expired", "expire_hold" },
		{ "reservation.cancelled", "give_back" }, { "payment.failed", "give_back" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(topic, table[i].topic) == 0)
			return table[i].why;
	return NULL;
}

enum fault reservation_end_turn(struct ctx *ctx, const struct event *event)
{
	struct turn_end end;
	const char *why = reason_of(event->topic);
	if (!why)
		return FAULT_NONE;
	enum fault fault = reservation_store_turn_end(ctx, event->reservation, &end);
	if (fault == FAULT_RESERVATION_NOT_FOUND)
		return FAULT_NONE;
	bool bought = strcmp(why, "done") == 0;
	if (fault || !end.has_queue || (!bought && end.holds_others))
		return fault;
	return queue_release(ctx, event->concert, event->member, why, end.created_ms);
}
