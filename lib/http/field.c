#include "http/field.h"

#include <string.h>

#include "base/banned.h"
#include "base/clock.h"

static void put(const struct field *field, const void *value, size_t size, void *input)
{
	memcpy((char *)input + field->offset, value, size);
}

/* C0, DEL and C1; line breaks and tabs only where the row says RAW. */
static bool has_control(const char *text, bool raw)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text, next = (unsigned char)text[1];
		if (byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next <= 0x9f))
			return true;
		if (byte < 0x20 && !(raw && strchr("\n\r\t", byte)))
			return true;
	}
	return false;
}

static enum fault put_plain(struct ctx *ctx, const struct field *field, const char *name,
	const char *value, void *input)
{
	int64_t characters = (int64_t)str_characters(value);
	if (has_control(value, field->type == FIELD_RAW))
		return ctx_field_error(ctx, name, "format");
	if (characters < field->minimum || (field->maximum && characters > field->maximum))
		return ctx_field_error(ctx, name, "length");
	put(field, &value, sizeof(value), input);
	return FAULT_NONE;
}

static enum fault put_choice(struct ctx *ctx, const struct field *field, const char *name,
	const char *value, void *input)
{
	for (const char *const *choice = field->choices; *choice; choice++) {
		if (strcmp(*choice, value) != 0)
			continue;
		put(field, choice, sizeof(*choice), input);
		return FAULT_NONE;
	}
	return ctx_field_error(ctx, name, "choice");
}

enum fault field_put_text(struct ctx *ctx, const struct field *field, const char *name,
	const char *value, void *input)
{
	int64_t instant_ms;
	if (field->type == FIELD_CHOICE)
		return put_choice(ctx, field, name, value, input);
	if (field->type != FIELD_TIME)
		return put_plain(ctx, field, name, value, input);
	if (!clock_parse(value, &instant_ms))
		return ctx_field_error(ctx, name, "format");
	put(field, &instant_ms, sizeof(instant_ms), input);
	return FAULT_NONE;
}

enum fault field_put_integer(struct ctx *ctx, const struct field *field, const char *name,
	int64_t value, void *input)
{
	bool id = field->type == FIELD_ID;
	if (value < (id ? 1 : field->minimum) || value > (id ? ID_MAX : field->maximum))
		return ctx_field_error(ctx, name, "range");
	put(field, &value, sizeof(value), input);
	return FAULT_NONE;
}

void field_put_boolean(const struct field *field, bool value, void *input)
{
	put(field, &value, sizeof(value), input);
}

void field_put_pointer(const struct field *field, const void *value, void *input)
{
	put(field, &value, sizeof(value), input);
}
