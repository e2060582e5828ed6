#include "http/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/limits.h"

/* Numbers with an exponent keep this many significant digits at most, so that a double holds them
 * exactly enough never to round a fraction to a whole number. */
enum { NUMBER_BYTES = 64, EXACT_DIGITS = 15 };


struct scan {
	struct ctx *ctx;
	const char *at, *end;
	int depth, nodes;
	const char *duplicate; /* set when a key came twice */
};

static bool scan_value(struct scan *scan);

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at && strchr(" \t\r\n", *scan->at))
		scan->at++;
}

static bool take(struct scan *scan, char expected)
{
	if (scan->at == scan->end || *scan->at != expected)
		return false;
	scan->at++;
	return true;
}

static size_t take_digits(struct scan *scan)
{
	const char *first = scan->at;
	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return (size_t)(scan->at - first);
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The four digits after \u; -1 when they aren't there. */
static int take_hex4(struct scan *scan)
{
	int unit = 0;
	for (int i = 0; i < 4; i++, scan->at++) {
		int digit = scan->at < scan->end ? hex_value(*scan->at) : -1;
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static void add_utf8(struct strbuf *text, unsigned code)
{
	if (code < 0x80) {
		strbuf_byte(text, (char)code);
	} else if (code < 0x800) {
		strbuf_byte(text, (char)(0xc0 | code >> 6));
		strbuf_byte(text, (char)(0x80 | (code & 63)));
	} else if (code < 0x10000) {
		strbuf_byte(text, (char)(0xe0 | code >> 12));
		strbuf_byte(text, (char)(0x80 | (code >> 6 & 63)));
		strbuf_byte(text, (char)(0x80 | (code & 63)));
	} else {
		strbuf_byte(text, (char)(0xf0 | code >> 18));
		strbuf_byte(text, (char)(0x80 | (code >> 12 & 63)));
		strbuf_byte(text, (char)(0x80 | (code >> 6 & 63)));
		strbuf_byte(text, (char)(0x80 | (code & 63)));
	}
}

/* \uXXXX, with its low half when it is a high surrogate. No NUL, no lone halves. */
static bool scan_unicode(struct scan *scan, struct strbuf *ret_text)
{
	int unit = take_hex4(scan);
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	unsigned code = (unsigned)unit;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (!take(scan, '\\') || !take(scan, 'u'))
			return false;
		int low = take_hex4(scan);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000U + (((unsigned)unit - 0xd800U) << 10) + ((unsigned)low - 0xdc00U);
	}
	if (ret_text)
		add_utf8(ret_text, code);
	return true;
}

static bool scan_escape(struct scan *scan, struct strbuf *ret_text)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	if (take(scan, 'u'))
		return scan_unicode(scan, ret_text);
	const char *found = scan->at < scan->end && *scan->at ? strchr(letters, *scan->at) : NULL;
	if (!found)
		return false;
	scan->at++;
	if (ret_text)
		strbuf_byte(ret_text, bytes[found - letters]);
	return true;
}

/* After the opening quote. ret_text, when wanted, gets the decoded text. */
static bool scan_string(struct scan *scan, struct strbuf *ret_text)
{
	while (scan->at < scan->end) {
		char byte = *scan->at++;
		if (byte == '"')
			return true;
		if ((unsigned char)byte < 0x20 || byte == 0x7f)
			return false;
		if (byte == '\\') {
			if (!scan_escape(scan, ret_text))
				return false;
		} else if (ret_text) {
			strbuf_byte(ret_text, byte);
		}
	}
	return false;
}

static int significant_digits(const char *number)
{
	int count = 0;
	for (; *number && *number != 'e' && *number != 'E'; number++)
		count += (*number >= '1' && *number <= '9') || (*number == '0' && count);
	return count;
}

/* What the double of a valid number would silently change. */
static bool is_faithful(const char *number, bool fraction, bool exponent)
{
	double value = strtod(number, NULL);
	if (!isfinite(value))
		return false;
	if (exponent)
		return significant_digits(number) <= EXACT_DIGITS;
	if (!fraction)
		return true;
	const char *rest = strchr(number, '.') + 1;
	return rest[strspn(rest, "0")] == '\0' || floor(value) < value;
}

static bool scan_number(struct scan *scan)
{
	const char *first = scan->at;
	bool fraction = false, exponent = false;
	take(scan, '-');
	if (!take(scan, '0') && !take_digits(scan))
		return false;
	if (take(scan, '.')) {
		fraction = true;
		if (!take_digits(scan))
			return false;
	}
	if (take(scan, 'e') || take(scan, 'E')) {
		exponent = true;
		if (!take(scan, '+'))
			take(scan, '-');
		if (!take_digits(scan))
			return false;
	}
	size_t length = (size_t)(scan->at - first);
	char number[NUMBER_BYTES] = { 0 };
	if (length >= sizeof(number))
		return false;
	memcpy(number, first, length);
	return is_faithful(number, fraction, exponent);
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t length = strlen(word);
	if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
		return false;
	scan->at += length;
	return true;
}

static int compare_keys(const void *left, const void *right)
{
	const struct strbuf *a = left, *b = right;
	return strcmp(a->data, b->data);
}

/* Sorting instead of comparing each with each keeps a body full of keys cheap. */
static bool keys_differ(struct scan *scan, struct strbuf *keys, size_t count)
{
	if (count)
		qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(keys[i - 1].data, keys[i].data) != 0)
			continue;
		scan->duplicate = keys[i].data;
		return false;
	}
	return true;
}

static bool scan_member(struct scan *scan, struct strbuf *ret_key)
{
	skip_space(scan);
	*ret_key = (struct strbuf){ .arena = scan->ctx->arena, .capacity = 16,
		.data = arena_alloc(scan->ctx->arena, 16) };
	if (!take(scan, '"') || !scan_string(scan, ret_key))
		return false;
	skip_space(scan);
	return take(scan, ':') && scan_value(scan);
}

static bool scan_object(struct scan *scan)
{
	size_t count = 0, capacity = 16;
	struct strbuf *keys = arena_array(scan->ctx->arena, capacity, sizeof(*keys));
	skip_space(scan);
	if (take(scan, '}'))
		return true;
	do {
		if (count == capacity) {
			struct strbuf *more = arena_array(scan->ctx->arena, 2 * capacity,
				sizeof(*keys));
			memcpy(more, keys, count * sizeof(*keys));
			keys = more;
			capacity *= 2;
		}
		if (!scan_member(scan, &keys[count++]))
			return false;
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, '}') && keys_differ(scan, keys, count);
}

static bool scan_array(struct scan *scan)
{
	skip_space(scan);
	if (take(scan, ']'))
		return true;
	do {
		if (!scan_value(scan))
			return false;
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, ']');
}

static bool scan_nested(struct scan *scan, bool object)
{
	if (++scan->depth > LIMIT_JSON_DEPTH)
		return false;
	bool good = object ? scan_object(scan) : scan_array(scan);
	scan->depth--;
	return good;
}

static bool scan_value(struct scan *scan)
{
	skip_space(scan);
	if (++scan->nodes > LIMIT_JSON_NODES)
		return false;
	if (take(scan, '{'))
		return scan_nested(scan, true);
	if (take(scan, '['))
		return scan_nested(scan, false);
	if (take(scan, '"'))
		return scan_string(scan, NULL);
	return scan_word(scan, "true") || scan_word(scan, "false") || scan_word(scan, "null")
		|| scan_number(scan);
}

enum fault json_check(struct ctx *ctx, const char *bytes, size_t length)
{
	struct scan scan = { .ctx = ctx, .at = bytes, .end = bytes + length };
	if (!str_is_utf8(bytes, length))
		return FAULT_BAD_JSON;
	bool good = scan_value(&scan);
	if (scan.duplicate)
		return ctx_field_error(ctx, scan.duplicate, "duplicate");
	skip_space(&scan);
	return good && scan.at == scan.end ? FAULT_NONE : FAULT_BAD_JSON;
}
