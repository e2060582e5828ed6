#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { ALIGNMENT = 16, FIRST_BLOCK = 64 * 1024, KEPT_BLOCK = 64 * 1024 };

struct block {
	struct block *previous;
	size_t size, used;
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *pointer;
};

struct arena {
	struct block *block;
	struct deferred *deferred;
	size_t cap, used, peak;
};

static void give_up(const char *why, size_t wanted)
{
	fprintf(stderr, "{\"level\":\"fatal\",\"message\":\"arena: %s\",\"bytes\":%zu}\n", why,
		wanted);
	abort();
}

static struct block *block_new(struct block *previous, size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);
	if (!block)
		give_up("out of memory", size);
	block->previous = previous;
	block->size = size;
	block->used = 0;
	return block;
}

struct arena *arena_new(size_t cap_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));
	if (!arena)
		give_up("out of memory", sizeof(*arena));
	arena->cap = cap_bytes;
	arena->block = block_new(NULL, FIRST_BLOCK);
	return arena;
}

static void run_deferred(struct arena *arena)
{
	while (arena->deferred) {
		struct deferred *first = arena->deferred;
		arena->deferred = first->next;
		first->fn(first->pointer);
	}
}

void arena_reset(struct arena *arena)
{
	run_deferred(arena);
	while (arena->block->previous) {
		struct block *block = arena->block;
		arena->block = block->previous;
		free(block);
	}
	arena->block->used = 0;
	arena->used = 0;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	free(arena->block);
	free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > arena->cap || arena->used > arena->cap - size)
		give_up("hard cap reached", size);
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (rounded == 0)
		rounded = ALIGNMENT;
	if (arena->block->size - arena->block->used < rounded)
		arena->block = block_new(arena->block, rounded > KEPT_BLOCK ? rounded : KEPT_BLOCK);
	void *memory = arena->block->bytes + arena->block->used;
	arena->block->used += rounded;
	arena->used += rounded;
	if (arena->used > arena->peak)
		arena->peak = arena->used;
	return memset(memory, 0, rounded);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > (size_t)-1 / size)
		give_up("array too large", count);
	return arena_alloc(arena, count * size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char most[512]; /* of these texts are shorter: printed once */
	va_list first, second;
	va_start(first, format);
	va_copy(second, first);
	int length = vsnprintf(most, sizeof(most), format, first);
	va_end(first);
	if (length < 0)
		give_up("bad format", 0);
	char *text = arena_alloc(arena, (size_t)length + 1);
	if ((size_t)length < sizeof(most))
		memcpy(text, most, (size_t)length);
	else
		vsnprintf(text, (size_t)length + 1, format, second);
	va_end(second);
	return text;
}

void arena_defer(struct arena *arena, void (*fn)(void *), void *pointer)
{
	struct deferred *entry = arena_alloc(arena, sizeof(*entry));
	entry->next = arena->deferred;
	entry->fn = fn;
	entry->pointer = pointer;
	arena->deferred = entry;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

size_t arena_peak(const struct arena *arena)
{
	return arena->peak;
}
