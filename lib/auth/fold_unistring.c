#include "auth/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#include "base/banned.h"

/* The library allocates; the text moves to the arena. It fails only without memory. */
static const char *keep(struct arena *arena, uint8_t *folded, size_t length)
{
	if (!folded)
		abort();
	char *copy = arena_strndup(arena, (const char *)folded, length);
	free(folded);
	return copy;
}

const char *fold_nfkc(struct arena *arena, const char *text)
{
	size_t length;
	if (!*text)
		return "";
	uint8_t *folded = u8_normalize(UNINORM_NFKC, (const uint8_t *)text, strlen(text), NULL,
		&length);
	return keep(arena, folded, length);
}

const char *fold_lower(struct arena *arena, const char *text)
{
	size_t length;
	if (!*text)
		return "";
	uint8_t *folded = u8_tolower((const uint8_t *)text, strlen(text), NULL, UNINORM_NFKC, NULL,
		&length);
	return keep(arena, folded, length);
}
