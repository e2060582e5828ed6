/* The seat-state cache: one letter a seat in layout order, with a version that rises by one for
 * each change, so that readers can ask for what changed. Rebuilt from PostgreSQL when missing,
 * compared with it now and then, and never asked whether a seat may be sold. */
#ifndef CM_CONCERT_SEAT_STATE_H
#define CM_CONCERT_SEAT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum seat_letter { SEAT_AVAILABLE = 'A', SEAT_HELD = 'H', SEAT_SOLD = 'S', SEAT_BLOCKED = 'B' };

/* Tells the cache, once the reply has left, that seats at these layout positions changed. Call it
 * after the commit; failure changes nothing. positions must live in the arena. */
void seat_state_changed(struct ctx *ctx, struct concert_id concert, enum seat_letter letter,
	const int64_t *positions, size_t count);

struct seat_change {
	int64_t position;
	char letter;
};

/* Corrects single seats: what watch gave, then the letters read from PostgreSQL after it. Seats
 * told of in between are left as they are. Both fail with REDIS_AWAY only. */
enum fault seat_state_watch(struct ctx *ctx, struct concert_id concert, int64_t *ret_since);
enum fault seat_state_correct(struct ctx *ctx, struct concert_id concert, int64_t since,
	const struct seat_change *changes, size_t count);

/* Compares all of a concert's cache with PostgreSQL and corrects what differs. No cache: nothing to
 * do. Faults: CONCERT_NOT_FOUND, DATABASE_*, REDIS_AWAY. */
enum fault seat_state_compare(struct ctx *ctx, struct concert_id concert);

struct seat_states {
	int64_t version, at_ms;
	int64_t available, held, sold;
	const char *letters;               /* NULL when only changes are given */
	const struct seat_change *changes; /* since the version asked for, oldest first */
	size_t change_count;
};

/* since 0: all letters. Otherwise the changes since, or all letters when that is too long ago.
 * Faults: CONCERT_NOT_FOUND, DATABASE_*. */
enum fault seat_state_read(struct ctx *ctx, struct concert_id concert, int64_t since,
	struct seat_states *ret_states);

#endif
