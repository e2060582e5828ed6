/* Port: where concerts are kept. Adapters: concert_pg.c; in memory for unit tests. Every function
 * is one round trip. */
#ifndef CM_CONCERT_CONCERT_STORE_H
#define CM_CONCERT_CONCERT_STORE_H

#include "concert/concert.h"
#include "concert/organise.h"
#include "concert/report.h"
#include "concert/seat_map.h"

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

/* Answers of the database's functions, as they are documented there: OK, STALE ... */
enum fault concert_store_change(struct ctx *ctx, struct concert_id id, int64_t version,
	const struct concert_change *change, const char **ret_code);
enum fault concert_store_cancel(struct ctx *ctx, struct concert_id id, int64_t version,
	const char **ret_code);
/* *ret_seats: id \x1f number \x1e of each taken one; NULL when none. */
enum fault concert_store_block(struct ctx *ctx, struct concert_id id,
	const struct seat_block *seats, const char **ret_code, const char **ret_seats);
enum fault concert_store_positions(struct ctx *ctx, struct concert_id id,
	const struct seat_block *seats, struct seat_positions *ret_positions);
/* NULL when there is no such concert, or it is a draft and drafts are hidden. */
enum fault concert_store_seat_map(struct ctx *ctx, const struct seat_map_query *query,
	struct seat_map **ret_map);
enum fault concert_store_report(struct ctx *ctx, struct concert_id id, struct report **ret_report);
/* Sold seats in layout order. */
enum fault concert_store_sales(struct ctx *ctx, const struct sale_query *query,
	struct sale **ret_sales, size_t *ret_count);

#endif
