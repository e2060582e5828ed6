/* Port: where concerts are kept. Adapters: concert_pg.c; in memory for unit tests. Every function
 * is one round trip. */
#ifndef CM_CONCERT_CONCERT_STORE_H
#define CM_CONCERT_CONCERT_STORE_H

#include "concert/concert.h"
#include "concert/organise.h"

/* Up to filter->limit + 1 rows in order, without grades. */
enum fault concert_store_list(struct ctx *ctx, const struct concert_filter *filter,
	struct concert **ret_concerts, size_t *ret_count);
/* NULL when there is none. */
enum fault concert_store_find(struct ctx *ctx, struct concert_id id, struct concert **ret_concert);
/* NULL when there is none, or its concert is a draft. */
enum fault concert_store_find_seat(struct ctx *ctx, struct seat_id id, struct seat **ret_seat);
/* One transaction. The layout is checked already. */
enum fault concert_store_create(struct ctx *ctx, const struct concert_input *input,
	struct concert_id *ret_id);

#endif
