#include "reservation/seat_refresh.h"

#include "concert/seat_state.h"
#include "reservation/reservation_store.h"

#include "base/banned.h"

static enum fault refresh(struct ctx *ctx, const struct event *event)
{
	const struct seat_change *seats;
	size_t count;
	int64_t since;
	if (!event->reservation.value)
		return event->concert.value ? seat_state_compare(ctx, event->concert) : FAULT_NONE;
	enum fault fault = seat_state_watch(ctx, event->concert, &since);
	if (!fault)
		fault = reservation_store_seat_letters(ctx, event->reservation, &seats, &count);
	if (!fault)
		fault = seat_state_correct(ctx, event->concert, since, seats, count);
	return fault;
}

enum fault reservation_refresh_seats(struct ctx *ctx, const struct event *event)
{
	enum fault fault = refresh(ctx, event);
	return fault == FAULT_REDIS_AWAY || fault == FAULT_CONCERT_NOT_FOUND ? FAULT_NONE : fault;
}
