#include "concert/seat_state.h"

#include <string.h>

#include "concert/seat_state_store.h"

#include "base/banned.h"

/* Put in portions: a sweep may free thousands of seats. */
enum { PORTION = 100, HEAL_PORTION = 50, HEAL_MOST = 1000 };

struct changed {
	struct concert_id concert;
	enum seat_letter letter;
	const int64_t *positions;
	size_t count;
};

static void tell_cache(struct ctx *ctx, void *arg)
{
	const struct changed *changed = arg;
	for (size_t i = 0; i < changed->count; i += PORTION) {
		size_t rest = changed->count - i;
		if (seat_cache_put(ctx, changed->concert, changed->letter, changed->positions + i,
			rest < PORTION ? rest : PORTION))
			return; /* the comparison heals what was missed */
	}
}

void seat_state_changed(struct ctx *ctx, struct concert_id concert, enum seat_letter letter,
	const int64_t *positions, size_t count)
{
	if (!count)
		return;
	struct changed *changed = arena_alloc(ctx->arena, sizeof(*changed));
	*changed = (struct changed){ concert, letter, positions, count };
	ctx_after(ctx, tell_cache, changed);
}

enum fault seat_state_watch(struct ctx *ctx, struct concert_id concert, int64_t *ret_since)
{
	return seat_cache_begin(ctx, concert, ret_since);
}

enum fault seat_state_correct(struct ctx *ctx, struct concert_id concert, int64_t since,
	const struct seat_change *changes, size_t count)
{
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; !fault && i < count; i += HEAL_PORTION) {
		size_t rest = count - i;
		fault = seat_cache_heal(ctx, concert, since, changes + i,
			rest < HEAL_PORTION ? rest : HEAL_PORTION);
	}
	return fault;
}

enum fault seat_state_compare(struct ctx *ctx, struct concert_id concert)
{
	struct seat_cache cache;
	const char *truth;
	int64_t begun;
	enum fault fault = seat_cache_begin(ctx, concert, &begun);
	if (fault || (fault = seat_state_store_letters(ctx, concert, &truth))
		|| (fault = seat_cache_read(ctx, concert, 0, &cache)))
		return fault;
	const char *cached = cache.states.letters;
	if (!cached)
		return FAULT_NONE;
	size_t size = strlen(truth), count = 0;
	if (strlen(cached) != size)
		return seat_cache_fill(ctx, concert, begun, truth);
	struct seat_change *wrong = arena_array(ctx->arena, HEAL_MOST, sizeof(*wrong));
	for (size_t i = 0; i < size; i++)
		if (truth[i] != cached[i] && count++ < HEAL_MOST)
			wrong[count - 1] = (struct seat_change){ (int64_t)i, truth[i] };
	return count > HEAL_MOST ? seat_cache_fill(ctx, concert, begun, truth)
		: seat_state_correct(ctx, concert, begun, wrong, count);
}

static void compare_after(struct ctx *ctx, void *arg)
{
	const struct concert_id *concert = arg;
	(void)!seat_state_compare(ctx, *concert); /* the next reader tries again */
}

static void count_letters(struct seat_states *states)
{
	for (const char *letter = states->letters; letter && *letter; letter++) {
		states->available += *letter == SEAT_AVAILABLE;
		states->held += *letter == SEAT_HELD;
		states->sold += *letter == SEAT_SOLD;
	}
}

/* Answers from PostgreSQL, and fills the cache when there is one to fill. */
static enum fault read_truth(struct ctx *ctx, struct concert_id concert, bool is_cache_there,
	struct seat_states *ret_states)
{
	const char *letters;
	int64_t begun = 0;
	if (is_cache_there && seat_cache_begin(ctx, concert, &begun))
		is_cache_there = false;
	enum fault fault = seat_state_store_letters(ctx, concert, &letters);
	if (fault)
		return fault;
	if (is_cache_there)
		(void)!seat_cache_fill(ctx, concert, begun, letters);
	/* The version the letters are at least as new as: deltas after it repeat, never miss. */
	*ret_states = (struct seat_states){ .version = begun, .at_ms = ctx->now_ms,
		.letters = letters };
	count_letters(ret_states);
	return FAULT_NONE;
}

enum fault seat_state_read(struct ctx *ctx, struct concert_id concert, int64_t since,
	struct seat_states *ret_states)
{
	struct seat_cache cache;
	enum fault fault = seat_cache_read(ctx, concert, since, &cache);
	if (fault || !cache.states.version)
		return read_truth(ctx, concert, !fault, ret_states);
	if (cache.is_check_due) {
		struct concert_id *id = arena_alloc(ctx->arena, sizeof(*id));
		*id = concert;
		ctx_after(ctx, compare_after, id);
	}
	*ret_states = cache.states;
	count_letters(ret_states);
	return FAULT_NONE;
}
