/* The consumer group that keeps the seat-state cache right when the worker that changed seats died
 * before it could tell. */
#ifndef CM_RESERVATION_SEAT_REFRESH_H
#define CM_RESERVATION_SEAT_REFRESH_H

#include "event/event.h"

/* Reads the seats of the event's reservation (of its whole concert, when it names none) from
 * PostgreSQL and corrects the cache; harmless twice. An event_handler. Redis being away is no
 * fault: a cache is compared before it is believed again. */
enum fault reservation_refresh_seats(struct ctx *ctx, const struct event *event);

#endif
