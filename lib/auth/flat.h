/* Flat JSON objects, as our own tokens hold them: each value is a text without escapes or a whole
 * number. Whatever else stands there was not written by us. Internal to lib/auth. */
#ifndef CM_AUTH_FLAT_H
#define CM_AUTH_FLAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct flat_member {
	const char *name;
	const char *text; /* NULL: it is a number */
	int64_t number;
};

/* Gives each member to take, in order. False when take refuses one, or when json is anything but
 * one such object with at least one member. */
bool flat_read(struct arena *arena, const char *json,
	bool (*take)(void *arg, const struct flat_member *member), void *arg);

/* Keeps a member's text or number; false when it is of the other kind or was there before. A number
 * must not be 0. */
bool flat_text(const struct flat_member *member, const char **slot);
bool flat_number(const struct flat_member *member, int64_t *slot);

#endif
