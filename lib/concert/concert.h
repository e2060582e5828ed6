/* Concerts and seats: what is on sale, when and for how much. Pure rules; the store is a port
 * (concert_store.h). Money is whole KRW, instants are ms, texts live in the arena. */
#ifndef CM_CONCERT_CONCERT_H
#define CM_CONCERT_CONCERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/ids.h"

enum { CONCERT_KEYS = 3 }; /* of a list's row: rank, start in ms, id */

struct grade {
	struct grade_id id;
	const char *name;
	int64_t price, total_seats, available_seats;
	int64_t held_seats, sold_seats, blocked_seats;
};

struct queue_terms {
	const char *mode; /* "on" or "none" */
	int64_t rate_per_second, capacity;
	int64_t lobby_at_ms; /* 0: no lobby */
	bool paused;
};

struct concert {
	struct concert_id id;
	const char *title, *artist, *place, *description;
	const char *status; /* DRAFT, PUBLISHED, CANCELLED */
	int64_t date_time_ms, open_at_ms, close_at_ms;
	int64_t min_price, max_price, seat_count, available_seats;
	int64_t max_tickets_per_member, hold_seconds;
	int64_t version, layout_version;
	int64_t rank; /* in a search: 0 best */
	struct queue_terms queue;
	const char *cancellation; /* JSON text: the fee ladder */
	struct grade *grades;     /* NULL in lists */
	size_t grade_count;
};

struct seat {
	struct seat_id id;
	struct concert_id concert;
	const char *number, *grade; /* "A-12", "VIP" */
	int64_t price;
	const char *state; /* AVAILABLE, HELD, SOLD, BLOCKED; a hold past its end is AVAILABLE */
};

/* What a list is asked for. Unset texts are NULL, unset times 0. */
struct concert_filter {
	const char *keyword; /* several words are ANDed */
	bool phrase;         /* the keyword was quoted: one literal text */
	int64_t from_ms, to_ms; /* start in [from, to) */
	const char *status;
	bool drafts;         /* drafts may be shown */
	int64_t limit;
	bool has_after;
	int64_t after[CONCERT_KEYS]; /* keys of the last row seen */
};

/* Takes spaces and one matching pair of quotes ("", '', typographic) off the keyword and sets
 * phrase. Nothing left: no keyword at all. */
void concert_keyword(struct ctx *ctx, const char *text, struct concert_filter *filter);

/* At most limit rows; *ret_more tells that there are others. Faults: BAD_INPUT (from after to,
 * drafts asked for by a member). */
enum fault concert_list(struct ctx *ctx, const struct concert_filter *filter,
	struct concert **ret_concerts, size_t *ret_count, bool *ret_more);
/* With grades. A draft is there for administrators only. Fault: CONCERT_NOT_FOUND. */
enum fault concert_get(struct ctx *ctx, struct concert_id id, struct concert **ret_concert);
/* Fault: SEAT_NOT_FOUND. */
enum fault seat_get(struct ctx *ctx, struct seat_id id, struct seat **ret_seat);
struct strbuf;
/* {"id":665,"seatNumber":"A-12"}, as problems name seats; number may be NULL. */
void seat_write_name(struct strbuf *out, struct seat_id id, const char *number);

#endif
