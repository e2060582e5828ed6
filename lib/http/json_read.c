#include "http/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"
#include "http/field.h"

static void free_json(void *json)
{
	cJSON_Delete(json);
}

/* A whole number that the double holds exactly; the scanner has refused fractions that round. */
static bool whole_number(const cJSON *item, int64_t *ret_value)
{
	double value = item->valuedouble;
	if (!cJSON_IsNumber(item) || !isfinite(value) || fabs(value) > (double)ID_MAX)
		return false;
	if (floor(value) < value)
		return false;
	*ret_value = (int64_t)value;
	return true;
}

/* A number out of range is a range error, whatever made it so; a fraction is a type error. */
static enum fault read_integer(struct ctx *ctx, const struct field *field, const char *name,
	const cJSON *item, void *input)
{
	int64_t value;
	if (whole_number(item, &value))
		return field_put_integer(ctx, field, name, value, input);
	bool huge = cJSON_IsNumber(item) && fabs(item->valuedouble) > (double)ID_MAX;
	return ctx_field_error(ctx, name, huge ? "range" : "type");
}

static bool has_id(const struct id_list *list, int64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

static enum fault read_id_list(struct ctx *ctx, const struct field *field, const char *name,
	const cJSON *item, void *input)
{
	int64_t size = cJSON_GetArraySize(item);
	if (!cJSON_IsArray(item))
		return ctx_field_error(ctx, name, "type");
	if (size < field->minimum || size > field->maximum)
		return ctx_field_error(ctx, name, "length");
	struct id_list list = { .ids = arena_array(ctx->arena, (size_t)size, sizeof(int64_t)) };
	for (const cJSON *element = item->child; element; element = element->next) {
		int64_t id;
		if (!cJSON_IsNumber(element))
			return ctx_field_error(ctx, name, "type");
		if (!whole_number(element, &id) || id < 1)
			return ctx_field_error(ctx, name, "range");
		if (has_id(&list, id))
			return ctx_field_error(ctx, name, "duplicate");
		list.ids[list.count++] = id;
	}
	memcpy((char *)input + field->offset, &list, sizeof(list));
	return FAULT_NONE;
}

static enum fault read_field(struct ctx *ctx, const struct field *field, const char *name,
	const cJSON *item, void *input)
{
	switch (field->type) {
	case FIELD_TEXT: case FIELD_RAW: case FIELD_TIME: case FIELD_CHOICE:
		if (!cJSON_IsString(item))
			break;
		return field_put_text(ctx, field, name, arena_strdup(ctx->arena, item->valuestring),
			input);
	case FIELD_ID: case FIELD_INTEGER:
		return read_integer(ctx, field, name, item, input);
	case FIELD_BOOLEAN:
		if (!cJSON_IsBool(item))
			break;
		field_put_boolean(field, cJSON_IsTrue(item), input);
		return FAULT_NONE;
	case FIELD_ID_LIST:
		return read_id_list(ctx, field, name, item, input);
	case FIELD_JSON:
		if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
			break;
		field_put_pointer(field, item, input);
		return FAULT_NONE;
	}
	return ctx_field_error(ctx, name, "type");
}

enum fault json_read_object(struct ctx *ctx, struct json_part part, const struct field *fields,
	size_t count, void *input)
{
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < count; i++) {
		const char *name = *part.prefix
			? arena_printf(ctx->arena, "%s%s", part.prefix, fields[i].name)
			: fields[i].name;
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(part.object, fields[i].name);
		enum fault one = FAULT_NONE;
		if (item && !cJSON_IsNull(item))
			one = read_field(ctx, &fields[i], name, item, input);
		else if (fields[i].required)
			one = ctx_field_error(ctx, name, "required");
		if (one)
			fault = one;
	}
	return fault;
}

/* application/json with any parameters. */
static bool is_json_type(const char *type)
{
	static const char json[] = "application/json";
	size_t length = sizeof(json) - 1;
	return type && strncasecmp(type, json, length) == 0
		&& (type[length] == '\0' || strchr("; \t", type[length]));
}

/* No body reads as an empty object, so that the answer names the missing fields. */
enum fault json_read(struct ctx *ctx, const struct req *req, const struct field *fields,
	size_t count, void *input)
{
	const char *body = req->body_length ? req->body : "{}";
	size_t length = req->body_length ? req->body_length : 2;
	if (req->body_length && !is_json_type(req->content_type))
		return FAULT_MEDIA_TYPE;
	enum fault fault = json_check(ctx, body, length);
	if (fault)
		return fault;
	cJSON *json = cJSON_ParseWithLength(body, length);
	if (!json)
		return FAULT_BAD_JSON;
	arena_defer(ctx->arena, free_json, json);
	if (!cJSON_IsObject(json))
		return ctx_field_message(ctx, "", "type", "the body must be an object",
			"본문은 객체여야 합니다");
	return json_read_object(ctx, (struct json_part){ json, "" }, fields, count, input);
}

bool json_is_array(const struct cJSON *value)
{
	return cJSON_IsArray(value);
}

bool json_is_object(const struct cJSON *value)
{
	return cJSON_IsObject(value);
}

size_t json_array_size(const struct cJSON *array)
{
	return cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : 0;
}

const struct cJSON *json_first(const struct cJSON *array)
{
	return array ? array->child : NULL;
}

const struct cJSON *json_next(const struct cJSON *item)
{
	return item ? item->next : NULL;
}

const char *json_text_of(struct ctx *ctx, const struct cJSON *value)
{
	char *text = cJSON_PrintUnformatted(value);
	if (!text)
		return "null";
	char *copy = arena_strdup(ctx->arena, text);
	cJSON_free(text);
	return copy;
}
