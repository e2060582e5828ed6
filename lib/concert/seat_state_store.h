/* What the seat states need: PostgreSQL's truth (seat_state_pg.c) and the cache
 * (seat_state_redis.c). Tests define both in t/fake. */
#ifndef CM_CONCERT_SEAT_STATE_STORE_H
#define CM_CONCERT_SEAT_STATE_STORE_H

#include "concert/seat_state.h"

/* One letter a seat in layout order. CONCERT_NOT_FOUND. */
enum fault seat_state_store_letters(struct ctx *ctx, struct concert_id concert,
	const char **ret_letters);

/* All of the cache fail with REDIS_AWAY only. */

struct seat_cache {
	struct seat_states states; /* version 0: nothing cached */
	bool is_check_due;
};

enum fault seat_cache_read(struct ctx *ctx, struct concert_id concert, int64_t since,
	struct seat_cache *ret_cache);
enum fault seat_cache_put(struct ctx *ctx, struct concert_id concert, enum seat_letter letter,
	const int64_t *positions, size_t count);
/* Changes told from now on are kept, so that letters read afterwards can be brought up to date. */
enum fault seat_cache_begin(struct ctx *ctx, struct concert_id concert, int64_t *ret_version);
enum fault seat_cache_fill(struct ctx *ctx, struct concert_id concert, int64_t begun,
	const char *letters);
/* Corrects seats that differ, but for those told of since begun. */
enum fault seat_cache_heal(struct ctx *ctx, struct concert_id concert, int64_t begun,
	const struct seat_change *changes, size_t count);

#endif
