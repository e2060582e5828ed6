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
/* The members of input that are set, as the JSON the store's functions take. */
const char *concert_input_json(struct ctx *ctx, const struct concert_input *input);

#endif
