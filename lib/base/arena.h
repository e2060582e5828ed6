/* Memory that lives exactly as long as one request (or one batch of a daemon).
 *
 * Allocations are zeroed and never fail: an arena has a hard cap, and crossing it ends the process
 * with a log line, because every input is bounded long before (limits.h) and a crossing is a bug.
 * There is no free: arena_reset gives everything back at once, after running the deferred
 * functions in reverse order. Foreign results (PGresult, redisReply, cJSON) are registered with
 * arena_defer by the adapter that made them. */
#ifndef CM_BASE_ARENA_H
#define CM_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena of at most cap_bytes; owned by the caller, given back by arena_free. */
struct arena *arena_new(size_t cap_bytes);
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

/* Zeroed, aligned for any type, valid until arena_reset. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* As arena_alloc for count elements; the product is checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Runs fn(pointer) at arena_reset or arena_free, latest first. */
void arena_defer(struct arena *arena, void (*fn)(void *), void *pointer);

/* Bytes handed out since the last reset, and the most of any reset so far. */
size_t arena_used(const struct arena *arena);
size_t arena_peak(const struct arena *arena);

#endif
