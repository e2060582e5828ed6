/* Base64 (RFC 4648), strict: no line breaks, no stray bits, padding as the alphabet asks. */
#ifndef CM_BASE_BASE64_H
#define CM_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* The URL alphabet without padding, NUL-terminated, in the arena. */
char *base64url_encode(struct arena *arena, const void *bytes, size_t length);
/* The other way. False for a wrong byte, an impossible length or unused bits that are not zero,
 * so that one value has exactly one text. The result is NUL-terminated besides. */
bool base64url_decode(struct arena *arena, const char *text, size_t length,
	unsigned char **ret_bytes, size_t *ret_length);
/* The standard alphabet; padding may be left out. */
bool base64_decode(struct arena *arena, const char *text, size_t length,
	unsigned char **ret_bytes, size_t *ret_length);

#endif
