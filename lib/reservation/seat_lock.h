/* Short locks on seats in front of the database, with the queue's gate in the same call. They only
 * make refusals cheap; without Redis a hold goes to PostgreSQL alone.
 * Defined in seat_lock_redis.c, and in t/fake for tests. */
#ifndef CM_RESERVATION_SEAT_LOCK_H
#define CM_RESERVATION_SEAT_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "reservation/reservation.h"

enum seat_lock_code { SEAT_LOCK_TAKEN_BY_US, SEAT_LOCK_NO_PASS, SEAT_LOCK_PASS_ENDED,
	SEAT_LOCK_BUSY };

struct seat_lock {
	struct concert_id concert;
	const int64_t *seats;
	size_t seat_count;
	const char *token;       /* NULL: nothing is locked */
	bool has_gate;           /* ask whether the member's turn has come */
	enum seat_lock_code code;
	int64_t busy_seat;       /* BUSY: one of those locked by another */
};

/* Locks all seats of lock or none; concert, seats, seat_count and has_gate are given, the rest is
 * written. Faults: REDIS_AWAY. */
enum fault seat_lock_take(struct ctx *ctx, struct seat_lock *lock);

/* After the database call: unlocks, and for held seats (reservation not NULL) lets the member's
 * turn last until the hold ends and tells the seat states. Failure changes nothing. */
void seat_lock_done(struct ctx *ctx, const struct seat_lock *lock,
	const struct reservation *reservation);

/* Waits a little with jitter before the next try. */
void seat_lock_pause(int attempt);

#endif
