#include "reservation/turn_end.h"

#include <string.h>

#include "queue/queue.h"
#include "reservation/reservation_store.h"

#include "base/banned.h"

enum fault reservation_end_turn(struct ctx *ctx, const struct event *event)
{
	struct turn_end end;
	bool bought = strcmp(event->topic, "payment.completed") == 0;
	if (!bought && strcmp(event->topic, "reservation.expired") != 0)
		return FAULT_NONE;
	enum fault fault = reservation_store_turn_end(ctx, event->reservation, &end);
	if (fault == FAULT_RESERVATION_NOT_FOUND)
		return FAULT_NONE;
	if (fault || !end.has_queue || (!bought && end.holds_others))
		return fault;
	return queue_release_claimed(ctx, event->concert, event->member,
		bought ? "done" : "expire_hold", end.created_ms);
}
