/* A growing text in an arena, always NUL-terminated. It never shrinks and never fails. */
#ifndef CM_BASE_STR_H
#define CM_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct strbuf {
	struct arena *arena;
	char *data;
	size_t length, capacity;
};

void strbuf_init(struct strbuf *buf, struct arena *arena);
void strbuf_add(struct strbuf *buf, const void *bytes, size_t length);
void strbuf_text(struct strbuf *buf, const char *text);
void strbuf_byte(struct strbuf *buf, char byte);
void strbuf_printf(struct strbuf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void strbuf_int(struct strbuf *buf, int64_t value);
/* Appends text as a JSON string with its quotes. text must be valid UTF-8. */
void strbuf_json(struct strbuf *buf, const char *text);

/* Reads a decimal integer that is the whole of text: optional minus, no plus, no spaces, no
 * leading zeros. False when it is anything else or out of int64_t. */
bool str_to_int(const char *text, int64_t *ret_value);

/* Writes value in decimal; returns the length without the NUL. */
enum { STR_INT_BYTES = 21 };
size_t str_from_int(char text[STR_INT_BYTES], int64_t value);

bool str_starts(const char *text, const char *prefix);

/* True when bytes are well-formed UTF-8 without NUL (RFC 3629: no surrogates, no overlong). */
bool str_is_utf8(const char *bytes, size_t length);
/* Code points in valid UTF-8. */
size_t str_characters(const char *text);

/* Compares without telling by its duration where the difference is. */
bool str_equal_constant_time(const void *a, const void *b, size_t length);

/* Lower-case hexadecimal of bytes, in the arena. */
char *str_hex(struct arena *arena, const void *bytes, size_t length);

#endif
