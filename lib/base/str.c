#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

void strbuf_init(struct strbuf *buf, struct arena *arena)
{
	*buf = (struct strbuf){ .arena = arena, .data = arena_alloc(arena, 256), .capacity = 256 };
}

static void reserve(struct strbuf *buf, size_t more)
{
	if (buf->capacity - buf->length > more)
		return;
	size_t capacity = buf->capacity * 2;
	while (capacity - buf->length <= more)
		capacity *= 2;
	char *data = arena_alloc(buf->arena, capacity);
	memcpy(data, buf->data, buf->length);
	buf->data = data;
	buf->capacity = capacity;
}

void strbuf_add(struct strbuf *buf, const void *bytes, size_t length)
{
	reserve(buf, length);
	memcpy(buf->data + buf->length, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void strbuf_text(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_byte(struct strbuf *buf, char byte)
{
	strbuf_add(buf, &byte, 1);
}

void strbuf_printf(struct strbuf *buf, const char *format, ...)
{
	va_list first, second;
	size_t left = buf->capacity - buf->length;
	va_start(first, format);
	va_copy(second, first);
	int length = vsnprintf(buf->data + buf->length, left, format, first);
	va_end(first);
	if (length > 0 && (size_t)length >= left) {
		reserve(buf, (size_t)length);
		vsnprintf(buf->data + buf->length, (size_t)length + 1, format, second);
	}
	if (length > 0)
		buf->length += (size_t)length;
	va_end(second);
}

size_t str_from_int(char text[STR_INT_BYTES], int64_t value)
{
	char digits[STR_INT_BYTES], *at = digits + sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	*--at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	size_t length = (size_t)(digits + sizeof(digits) - at);
	memcpy(text, at, length);
	return length - 1;
}

void strbuf_int(struct strbuf *buf, int64_t value)
{
	char digits[STR_INT_BYTES];
	strbuf_add(buf, digits, str_from_int(digits, value));
}

static void json_byte(struct strbuf *buf, unsigned char byte)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = byte ? strchr(named, byte) : NULL;
	if (found) {
		char escape[2] = { '\\', letters[found - named] };
		strbuf_add(buf, escape, 2);
	} else if (byte < 0x20 || byte == 0x7f) {
		strbuf_printf(buf, "\\u%04x", byte);
	} else {
		strbuf_byte(buf, (char)byte);
	}
}

void strbuf_json(struct strbuf *buf, const char *text)
{
	strbuf_byte(buf, '"');
	const char *plain = text;
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f)
			continue;
		strbuf_add(buf, plain, (size_t)(text - plain));
		json_byte(buf, byte);
		plain = text + 1;
	}
	strbuf_add(buf, plain, (size_t)(text - plain));
	strbuf_byte(buf, '"');
}

bool str_to_int(const char *text, int64_t *ret_value)
{
	const char *digits = *text == '-' ? text + 1 : text;
	if (*digits < '0' || *digits > '9' || (*digits == '0' && (digits[1] || digits != text)))
		return false;
	if (strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	if (errno)
		return false;
	*ret_value = value;
	return true;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Length of the well-formed sequence at bytes, 0 when there is none. */
static size_t utf8_sequence(const unsigned char *bytes, size_t length)
{
	unsigned char first = bytes[0];
	if (first < 0x80)
		return first ? 1 : 0;
	size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || length < size)
		return 0;
	unsigned char low = 0x80, high = 0xbf;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

bool str_is_utf8(const char *bytes, size_t length)
{
	for (size_t i = 0, step; i < length; i += step) {
		step = utf8_sequence((const unsigned char *)bytes + i, length - i);
		if (!step)
			return false;
	}
	return true;
}

size_t str_characters(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

bool str_equal_constant_time(const void *a, const void *b, size_t length)
{
	const volatile unsigned char *left = a, *right = b;
	unsigned char difference = 0;
	for (size_t i = 0; i < length; i++)
		difference = (unsigned char)(difference | (left[i] ^ right[i]));
	return difference == 0;
}

char *str_hex(struct arena *arena, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *source = bytes;
	char *text = arena_alloc(arena, 2 * length + 1);
	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[source[i] >> 4];
		text[2 * i + 1] = digits[source[i] & 15];
	}
	return text;
}
