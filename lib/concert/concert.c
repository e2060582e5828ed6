#include "concert/concert.h"

#include <string.h>

#include "base/str.h"
#include "concert/concert_store.h"

#include "base/banned.h"

static const struct { const char *open, *close; } quotes[] = {
	{ "\"", "\"" }, { "'", "'" }, { "\xe2\x80\x9c", "\xe2\x80\x9d" },
	{ "\xe2\x80\x98", "\xe2\x80\x99" },
};

static const char spaces[] = " \t\r\n";

static char *trim(struct arena *arena, const char *text, size_t length)
{
	while (length && strchr(spaces, text[0]))
		text++, length--;
	while (length && strchr(spaces, text[length - 1]))
		length--;
	return arena_strndup(arena, text, length);
}

void concert_keyword(struct ctx *ctx, const char *text, struct concert_filter *filter)
{
	char *keyword = trim(ctx->arena, text, strlen(text));
	size_t length = strlen(keyword);
	for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++) {
		size_t open = strlen(quotes[i].open), close = strlen(quotes[i].close);
		if (length < open + close || strncmp(keyword, quotes[i].open, open) != 0
			|| strcmp(keyword + length - close, quotes[i].close) != 0)
			continue;
		keyword = trim(ctx->arena, keyword + open, length - open - close);
		filter->phrase = true;
		break;
	}
	filter->keyword = *keyword ? keyword : NULL;
}

enum fault concert_list(struct ctx *ctx, const struct concert_filter *filter,
	struct concert **ret_concerts, size_t *ret_count, bool *ret_more)
{
	if (filter->from_ms && filter->to_ms && filter->from_ms > filter->to_ms)
		return ctx_field_error(ctx, "from", "conflict");
	enum fault fault = concert_store_list(ctx, filter, ret_concerts, ret_count);
	if (fault)
		return fault;
	*ret_more = *ret_count > (size_t)filter->limit;
	if (*ret_more)
		*ret_count = (size_t)filter->limit;
	return FAULT_NONE;
}

enum fault concert_get(struct ctx *ctx, struct concert_id id, struct concert **ret_concert)
{
	struct concert *concert;
	enum fault fault = concert_store_find(ctx, id, &concert);
	if (fault)
		return fault;
	if (!concert || (strcmp(concert->status, "DRAFT") == 0 && ctx->role != ROLE_ADMIN))
		return FAULT_CONCERT_NOT_FOUND;
	*ret_concert = concert;
	return FAULT_NONE;
}

enum fault seat_get(struct ctx *ctx, struct seat_id id, struct seat **ret_seat)
{
	struct seat *seat;
	enum fault fault = concert_store_find_seat(ctx, id, &seat);
	if (fault)
		return fault;
	if (!seat)
		return FAULT_SEAT_NOT_FOUND;
	*ret_seat = seat;
	return FAULT_NONE;
}

void seat_write_name(struct strbuf *out, struct seat_id id, const char *number)
{
	strbuf_printf(out, "{\"id\":%lld,\"seatNumber\":", (long long)id.value);
	if (number)
		strbuf_json(out, number);
	else
		strbuf_text(out, "null");
	strbuf_byte(out, '}');
}
