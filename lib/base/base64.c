#include "base/base64.h"

#include <string.h>

#include "base/banned.h"

static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64url_encode(struct arena *arena, const void *bytes, size_t length)
{
	const unsigned char *source = bytes;
	char *text = arena_alloc(arena, (length + 2) / 3 * 4 + 1), *out = text;
	for (size_t i = 0; i < length; i += 3) {
		unsigned group = (unsigned)source[i] << 16;
		size_t left = length - i;
		if (left > 1)
			group |= (unsigned)source[i + 1] << 8;
		if (left > 2)
			group |= source[i + 2];
		*out++ = url_alphabet[group >> 18];
		*out++ = url_alphabet[group >> 12 & 63];
		if (left > 1)
			*out++ = url_alphabet[group >> 6 & 63];
		if (left > 2)
			*out++ = url_alphabet[group & 63];
	}
	return text;
}

/* -1 for a byte that is neither a letter, a digit nor one of the last two of the alphabet. */
static int value_of(char byte, const char *last_two)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == last_two[0] ? 62 : byte == last_two[1] ? 63 : -1;
}

static bool decode(struct arena *arena, const char *last_two, const char *text, size_t length,
	unsigned char **ret_bytes)
{
	unsigned char *out = arena_alloc(arena, length / 4 * 3 + 3);
	unsigned group = 0, bits = 0;
	*ret_bytes = out;
	if (length % 4 == 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		int value = value_of(text[i], last_two);
		if (value < 0)
			return false;
		group = group << 6 | (unsigned)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*out++ = (unsigned char)(group >> bits);
		}
		group &= (1U << bits) - 1;
	}
	return group == 0;
}

bool base64url_decode(struct arena *arena, const char *text, size_t length,
	unsigned char **ret_bytes, size_t *ret_length)
{
	unsigned char *bytes;
	if (!decode(arena, "-_", text, length, &bytes))
		return false;
	*ret_bytes = bytes;
	*ret_length = length * 3 / 4;
	return true;
}

bool base64_decode(struct arena *arena, const char *text, size_t length,
	unsigned char **ret_bytes, size_t *ret_length)
{
	if (length && length % 4 == 0 && text[length - 1] == '=')
		length -= text[length - 2] == '=' ? 2 : 1;
	unsigned char *bytes;
	if (!decode(arena, "+/", text, length, &bytes))
		return false;
	*ret_bytes = bytes;
	*ret_length = length * 3 / 4;
	return true;
}
