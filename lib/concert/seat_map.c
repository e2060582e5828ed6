#include "concert/seat_map.h"

#include "base/banned.h"
#include "concert/concert_store.h"

enum fault seat_map_get(struct ctx *ctx, const struct seat_map_query *query,
	struct seat_map **ret_map)
{
	struct seat_map *map;
	enum fault fault = concert_store_seat_map(ctx, query, &map);
	if (fault)
		return fault;
	if (!map)
		return FAULT_CONCERT_NOT_FOUND;
	*ret_map = map;
	return FAULT_NONE;
}
