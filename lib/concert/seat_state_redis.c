#include <stdlib.h>
#include <string.h>

#include "concert/seat_state_store.h"
#include "redis/redis.h"

#include "base/banned.h"

static void start(struct redis_call *call, struct ctx *ctx, const char *function,
	struct concert_id concert)
{
	redis_call_function(call, ctx, function, 1);
	redis_add_printf(call, "seats:{%lld}", (long long)concert.value);
}

/* Whatever Redis says besides an answer means no cache. */
static enum fault run(struct redis_call *call, const struct redis_value **ret_reply)
{
	return redis_run(call, ret_reply) ? FAULT_REDIS_AWAY : FAULT_NONE;
}

enum fault seat_cache_read(struct ctx *ctx, struct concert_id concert, int64_t since,
	struct seat_cache *ret_cache)
{
	struct redis_call call;
	const struct redis_value *reply;
	start(&call, ctx, "cm_seats_read", concert);
	redis_add_integer(&call, since);
	enum fault fault = run(&call, &reply);
	if (fault)
		return fault;
	const struct redis_value *list = redis_item(reply, 4);
	size_t count = redis_size(list);
	struct seat_change *changes = arena_array(ctx->arena, count, sizeof(*changes));
	for (size_t i = 0; i < count; i++) {
		char *end = NULL;
		const char *text = redis_text(redis_item(list, i));
		changes[i].position = text ? strtoll(text, &end, 10) : 0;
		changes[i].letter = end && *end ? end[1] : '\0';
	}
	*ret_cache = (struct seat_cache){ .is_check_due = redis_integer(redis_item(reply, 2)) == 1,
		.states = { .version = redis_integer(redis_item(reply, 0)),
			.at_ms = redis_integer(redis_item(reply, 1)),
			.letters = redis_text(redis_item(reply, 3)), .changes = changes,
			.change_count = count } };
	return FAULT_NONE;
}

enum fault seat_cache_put(struct ctx *ctx, struct concert_id concert, enum seat_letter letter,
	const int64_t *positions, size_t count)
{
	struct redis_call call;
	const struct redis_value *reply;
	const char text[] = { (char)letter, '\0' };
	start(&call, ctx, "cm_seats_put", concert);
	redis_add(&call, text);
	for (size_t i = 0; i < count; i++)
		redis_add_integer(&call, positions[i]);
	return run(&call, &reply);
}

enum fault seat_cache_begin(struct ctx *ctx, struct concert_id concert, int64_t *ret_version)
{
	struct redis_call call;
	const struct redis_value *reply;
	start(&call, ctx, "cm_seats_begin", concert);
	enum fault fault = run(&call, &reply);
	if (!fault)
		*ret_version = redis_integer(reply);
	return fault;
}

enum fault seat_cache_fill(struct ctx *ctx, struct concert_id concert, int64_t begun,
	const char *letters)
{
	struct redis_call call;
	const struct redis_value *reply;
	start(&call, ctx, "cm_seats_fill", concert);
	redis_add_integer(&call, begun);
	redis_add(&call, letters);
	return run(&call, &reply);
}

enum fault seat_cache_heal(struct ctx *ctx, struct concert_id concert, int64_t begun,
	const struct seat_change *changes, size_t count)
{
	struct redis_call call;
	const struct redis_value *reply;
	start(&call, ctx, "cm_seats_heal", concert);
	redis_add_integer(&call, begun);
	for (size_t i = 0; i < count; i++) {
		redis_add_integer(&call, changes[i].position);
		redis_add_printf(&call, "%c", changes[i].letter);
	}
	return run(&call, &reply);
}
