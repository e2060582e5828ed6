/* The organiser's side: making and changing concerts. */
#ifndef CM_CONCERT_ORGANISE_H
#define CM_CONCERT_ORGANISE_H

#include "concert/concert.h"
#include "concert/layout.h"

/* What an organiser may say; an unset text is NULL, an unset number or time 0. */
struct concert_input {
	const char *title, *artist, *place, *description, *status;
	int64_t date_time_ms, open_at_ms, close_at_ms, lobby_at_ms;
	int64_t hold_seconds, max_tickets_per_member;
	const char *queue_mode;
	int64_t queue_rate_per_second, queue_capacity;
	const char *cancellation;    /* JSON text, already checked */
	const struct layout *layout; /* NULL: layout_default */
};

/* Makes the concert with all its seats. Faults: BAD_INPUT (window, layout). */
enum fault concert_create(struct ctx *ctx, const struct concert_input *input,
	struct concert **ret_concert);
/* New price of a grade; what is held keeps the price it was held at. */
struct grade_price {
	struct grade_id id;
	int64_t price;
};

struct concert_change {
	struct concert_input input; /* what is set changes; without layout */
	struct grade_price *prices;
	size_t price_count;
};

/* version is the one the organiser saw, 0: any. Faults: CONCERT_NOT_FOUND, VERSION_MISMATCH,
 * CONCERT_CANCELLED, CONCERT_HAS_SALES (back to draft, other time or place), BAD_INPUT. */
enum fault concert_change(struct ctx *ctx, struct concert_id id, int64_t version,
	const struct concert_change *change, struct concert **ret_concert);
/* Refunds follow by the event bus. Cancelling twice is fine. Faults: CONCERT_NOT_FOUND,
 * VERSION_MISMATCH. */
enum fault concert_cancel(struct ctx *ctx, struct concert_id id, int64_t version,
	struct concert **ret_concert);

struct seat_block {
	const int64_t *block, *unblock;
	size_t block_count, unblock_count;
};

/* Layout positions of the named seats that are blocked, and that are free, afterwards. */
struct seat_positions {
	int64_t *blocked, *free;
	size_t blocked_count, free_count;
};

/* Takes seats out of sale and back in, all or none; two round trips.
 * Faults: BAD_INPUT (nothing named, a seat in
 * both lists), SEAT_NOT_FOUND, SEAT_TAKEN naming the held and sold ones. */
enum fault seats_block(struct ctx *ctx, struct concert_id id, const struct seat_block *seats,
	struct seat_positions *ret_positions);

/* The members of input that are set, as the JSON the store's functions take. */
const char *concert_input_json(struct ctx *ctx, const struct concert_input *input);

#endif
