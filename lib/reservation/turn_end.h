/* Ends a member's turn in the queue with what the turn was for, also when the worker that should
 * have said so could not (it died, Redis was away, the sweeper or a notification ended it). */
#ifndef CM_RESERVATION_TURN_END_H
#define CM_RESERVATION_TURN_END_H

#include "event/event.h"

/* After payment.completed, and after reservation.expired unless the member holds other seats of the
 * concert: the slot goes to the next one. After reservation.cancelled and payment.failed the turn
 * goes on, but only for as long as it would have without the hold. A turn that began after the hold
 * is another one and stays, so twice is harmless. An event_handler. Redis being away is a fault:
 * the turn is ended when it is back. */
enum fault reservation_end_turn(struct ctx *ctx, const struct event *event);

#endif
