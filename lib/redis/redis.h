/* Redis: one connection a process, a time-out for every call, a breaker in front (3 failures open
 * it for 1 s, then one probe), the function library loaded when Redis says it is missing, and on
 * connecting when Redis has an older one.
 *
 * Nothing acknowledged lives only here: callers treat REDIS_AWAY as ordinary. */
#ifndef CM_REDIS_REDIS_H
#define CM_REDIS_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum { REDIS_ARGUMENTS = 128 };

/* Arguments of one command, built on the stack. Texts are not copied. */
struct redis_call {
	struct ctx *ctx;
	int count;
	const char *values[REDIS_ARGUMENTS];
	size_t lengths[REDIS_ARGUMENTS];
};

/* A reply; lives until the arena is reset. */
struct redis_value;

/* A handle that connects on first use; url is kept. Never NULL. An empty url is always away. */
struct redis *redis_new(const char *url);
void redis_free(struct redis *redis);

void redis_call_init(struct redis_call *call, struct ctx *ctx);
void redis_add(struct redis_call *call, const char *text);
void redis_add_bytes(struct redis_call *call, const void *bytes, size_t length);
void redis_add_integer(struct redis_call *call, int64_t value);
void redis_add_printf(struct redis_call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Starts FCALL function with key_count keys to follow. */
void redis_call_function(struct redis_call *call, struct ctx *ctx, const char *function,
	int key_count);

/* Sends it on ctx->redis and waits. Faults: REDIS_AWAY (down, breaker open, time-out, MISCONF,
 * OOM), INTERNAL (Redis answered another error; its text is in ctx->log_detail). */
enum fault redis_run(struct redis_call *call, const struct redis_value **ret_value);

/* Reading replies. Wrong types read as 0 / NULL / size 0. */
int64_t redis_integer(const struct redis_value *value);
const char *redis_text(const struct redis_value *value);
size_t redis_length(const struct redis_value *value); /* bytes of a text */
size_t redis_size(const struct redis_value *value);   /* elements of an array */
const struct redis_value *redis_item(const struct redis_value *value, size_t index);
bool redis_is_nil(const struct redis_value *value);

/* The embedded function library's text (built from the domains' .lua files). */
extern const char redis_library[];
extern const int redis_library_version;

#endif
