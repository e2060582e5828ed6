#include "http/json.h"

#include <string.h>

#include "base/banned.h"
#include "base/limits.h"
#include "http/field.h"

struct parameter {
	const char *name, *value;
};

struct parameters {
	struct parameter list[LIMIT_QUERY_PARAMETERS];
	size_t count;
};

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* NULL when it isn't percent-encoded UTF-8 without NUL. */
static const char *decode(struct arena *arena, const char *text, size_t length)
{
	char *decoded = arena_alloc(arena, length + 1), *out = decoded;
	for (size_t i = 0; i < length; i++) {
		if (text[i] != '%') {
			*out++ = text[i] == '+' ? ' ' : text[i];
			continue;
		}
		if (length - i < 3)
			return NULL;
		int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
		if (high < 0 || low < 0)
			return NULL;
		*out++ = (char)(high << 4 | low);
		i += 2;
	}
	return str_is_utf8(decoded, (size_t)(out - decoded)) ? decoded : NULL;
}

static const char *find(const struct parameters *parameters, const char *name)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (strcmp(parameters->list[i].name, name) == 0)
			return parameters->list[i].value;
	return NULL;
}

static enum fault add(struct ctx *ctx, struct parameters *parameters, const char *pair,
	size_t length)
{
	const char *equals = memchr(pair, '=', length);
	size_t name_length = equals ? (size_t)(equals - pair) : length;
	const char *name = decode(ctx->arena, pair, name_length);
	if (!name)
		return ctx_field_error(ctx, "query", "format");
	const char *value = equals ? decode(ctx->arena, equals + 1, length - name_length - 1) : "";
	if (!value)
		return ctx_field_error(ctx, name, "format");
	if (find(parameters, name))
		return ctx_field_error(ctx, name, "duplicate");
	if (parameters->count == LIMIT_QUERY_PARAMETERS)
		return ctx_field_error(ctx, "query", "length");
	parameters->list[parameters->count++] = (struct parameter){ name, value };
	return FAULT_NONE;
}

static enum fault split(struct ctx *ctx, const char *query, struct parameters *ret_parameters)
{
	if (strlen(query) > LIMIT_QUERY_BYTES)
		return ctx_field_error(ctx, "query", "length");
	for (const char *at = query; *at; ) {
		size_t length = strcspn(at, "&");
		enum fault fault = length ? add(ctx, ret_parameters, at, length) : FAULT_NONE;
		if (fault)
			return fault;
		at += length;
		at += *at == '&';
	}
	return FAULT_NONE;
}

static enum fault read_field(struct ctx *ctx, const struct field *field, const char *value,
	void *input)
{
	int64_t number;
	switch (field->type) {
	case FIELD_TEXT: case FIELD_RAW: case FIELD_TIME: case FIELD_CHOICE:
		return field_put_text(ctx, field, field->name, value, input);
	case FIELD_ID: case FIELD_INTEGER:
		if (!str_to_int(value, &number))
			break;
		return field_put_integer(ctx, field, field->name, number, input);
	case FIELD_BOOLEAN:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			break;
		field_put_boolean(field, *value == 't', input);
		return FAULT_NONE;
	case FIELD_ID_LIST: case FIELD_JSON:
		break;
	}
	return ctx_field_error(ctx, field->name, "type");
}

enum fault query_read(struct ctx *ctx, const struct req *req, const struct field *fields,
	size_t count, void *input)
{
	struct parameters *parameters = arena_alloc(ctx->arena, sizeof(*parameters));
	enum fault fault = split(ctx, req->query ? req->query : "", parameters);
	if (fault)
		return fault;
	for (size_t i = 0; i < count; i++) {
		const char *value = find(parameters, fields[i].name);
		enum fault one = FAULT_NONE;
		if (value)
			one = read_field(ctx, &fields[i], value, input);
		else if (fields[i].required)
			one = ctx_field_error(ctx, fields[i].name, "required");
		if (one)
			fault = one;
	}
	return fault;
}
