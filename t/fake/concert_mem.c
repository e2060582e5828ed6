/* concert_store.h in memory: what a test put into the arrays. */
#include "fake/concert_mem.h"

#include <string.h>

#include "base/banned.h"
#include "concert/concert_store.h"

struct concert_memory concert_memory;

enum fault concert_store_list(struct ctx *ctx, const struct concert_filter *filter,
	struct concert **ret_concerts, size_t *ret_count)
{
	struct concert *rows = arena_array(ctx->arena, concert_memory.concert_count + 1, sizeof(*rows));
	size_t count = 0;
	concert_memory.calls++;
	for (size_t i = 0; i < concert_memory.concert_count; i++) {
		const struct concert *concert = &concert_memory.concerts[i];
		bool hidden = strcmp(concert->status, "DRAFT") == 0 && !filter->drafts;
		if (hidden || count > (size_t)filter->limit)
			continue;
		rows[count++] = *concert;
	}
	*ret_concerts = rows;
	*ret_count = count;
	return FAULT_NONE;
}

enum fault concert_store_find(struct ctx *ctx, struct concert_id id, struct concert **ret_concert)
{
	(void)ctx;
	concert_memory.calls++;
	*ret_concert = NULL;
	for (size_t i = 0; i < concert_memory.concert_count; i++)
		if (concert_memory.concerts[i].id.value == id.value)
			*ret_concert = &concert_memory.concerts[i];
	return FAULT_NONE;
}

enum fault concert_store_find_seat(struct ctx *ctx, struct seat_id id, struct seat **ret_seat)
{
	(void)ctx;
	concert_memory.calls++;
	*ret_seat = concert_memory.seat.id.value == id.value ? &concert_memory.seat : NULL;
	return FAULT_NONE;
}

enum fault concert_store_create(struct ctx *ctx, const struct concert_input *input,
	struct concert_id *ret_id)
{
	(void)ctx;
	size_t at = concert_memory.concert_count++;
	concert_memory.calls++;
	concert_memory.seats_made = layout_seats(input->layout);
	concert_memory.concerts[at] = (struct concert){ .id = { (int64_t)at + 1 },
		.title = input->title, .status = input->status ? input->status : "PUBLISHED" };
	ret_id->value = (int64_t)at + 1;
	return FAULT_NONE;
}

static enum fault answer(const char **ret_code)
{
	concert_memory.calls++;
	*ret_code = concert_memory.code ? concert_memory.code : "OK";
	return FAULT_NONE;
}

enum fault concert_store_change(struct ctx *ctx, struct concert_id id, int64_t version,
	const struct concert_change *change, const char **ret_code)
{
	(void)ctx, (void)id, (void)version, (void)change;
	return answer(ret_code);
}

enum fault concert_store_cancel(struct ctx *ctx, struct concert_id id, int64_t version,
	const char **ret_code)
{
	(void)ctx, (void)id, (void)version;
	return answer(ret_code);
}

enum fault concert_store_block(struct ctx *ctx, struct concert_id id,
	const struct seat_block *seats, const char **ret_code, const char **ret_seats)
{
	(void)ctx, (void)id, (void)seats;
	*ret_seats = concert_memory.taken;
	return answer(ret_code);
}

enum fault concert_store_seat_map(struct ctx *ctx, const struct seat_map_query *query,
	struct seat_map **ret_map)
{
	(void)ctx, (void)query;
	*ret_map = NULL;
	return FAULT_NONE;
}

enum fault concert_store_report(struct ctx *ctx, struct concert_id id, struct report **ret_report)
{
	(void)ctx, (void)id;
	*ret_report = NULL;
	return FAULT_NONE;
}

enum fault concert_store_sales(struct ctx *ctx, const struct sale_query *query,
	struct sale **ret_sales, size_t *ret_count)
{
	(void)ctx, (void)query;
	*ret_sales = NULL;
	*ret_count = 0;
	return FAULT_NONE;
}

enum fault concert_store_positions(struct ctx *ctx, struct concert_id id,
	const struct seat_block *seats, struct seat_positions *ret_positions)
{
	(void)ctx, (void)id, (void)seats;
	*ret_positions = (struct seat_positions){ .blocked = NULL };
	return FAULT_NONE;
}
