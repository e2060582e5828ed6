/* JSON in: one strict scanner in front of cJSON, then table-driven reading into a struct.
 * JSON out: a writer that appends to a strbuf. (jansson, inside libjwt, has a json_integer too: the
 * build hides our symbols from shared libraries.) */
#ifndef CM_HTTP_JSON_H
#define CM_HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"
#include "http/req.h"

enum field_type {
	FIELD_TEXT,    /* const char *: minimum..maximum characters, no control characters */
	FIELD_RAW,     /* const char *: as TEXT, but line breaks and tabs are allowed */
	FIELD_ID,      /* int64_t 1..2^53-1 */
	FIELD_INTEGER, /* int64_t minimum..maximum */
	FIELD_BOOLEAN, /* bool */
	FIELD_TIME,    /* int64_t: instant in ms */
	FIELD_CHOICE,  /* const char *: one of choices (NULL-terminated) */
	FIELD_ID_LIST, /* struct id_list: minimum..maximum distinct ids */
	FIELD_JSON     /* const struct cJSON *: object or array, read by the caller */
};

struct id_list {
	int64_t *ids;
	size_t count;
};

/* One input field: of a JSON body's object or of the query string. */
struct field {
	const char *name;
	enum field_type type;
	size_t offset;      /* in the input struct, written only when the field is present */
	bool required;
	int64_t minimum, maximum;
	const char *const *choices;
};

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof(*(fields)))

struct cJSON;

/* Checks bytes with the strict scanner: UTF-8, no NUL, no raw control bytes, no escaped NUL, no
 * duplicate keys, depth, node count, number syntax, nothing after the value.
 * Faults: BAD_JSON, BAD_INPUT (naming a duplicate key). */
enum fault json_check(struct ctx *ctx, const char *bytes, size_t length);

/* Reads the body's object by the table into input. All wrong fields are noted, not just the
 * first. Unknown fields are ignored; null counts as absent. Faults: MEDIA_TYPE, BAD_JSON,
 * BAD_INPUT. */
enum fault json_read(struct ctx *ctx, const struct req *req, const struct field *fields,
	size_t count, void *input);
/* An object inside a body; prefix ("grades[0].") goes before names in errors. */
struct json_part {
	const struct cJSON *object;
	const char *prefix;
};

/* The same for a part of a body. */
enum fault json_read_object(struct ctx *ctx, struct json_part part, const struct field *fields,
	size_t count, void *input);

bool json_is_array(const struct cJSON *value);
bool json_is_object(const struct cJSON *value);
size_t json_array_size(const struct cJSON *array);
/* For walking: first child, next sibling; NULL at the end. */
const struct cJSON *json_first(const struct cJSON *array);
const struct cJSON *json_next(const struct cJSON *item);
/* The compact text of a value, in the arena. */
const char *json_text_of(struct ctx *ctx, const struct cJSON *value);

/* Reads the query string by the table: percent-decoded UTF-8; unknown names are ignored; a name
 * given twice is BAD_INPUT. JSON and ID_LIST are not for queries. */
enum fault query_read(struct ctx *ctx, const struct req *req, const struct field *fields,
	size_t count, void *input);

/* Writer. Keys are ASCII literals, NULL inside arrays. It places the commas itself. */
void json_open(struct strbuf *out, const char *key, char bracket); /* '{' or '[' */
void json_close(struct strbuf *out, char bracket);                 /* '}' or ']' */
void json_text(struct strbuf *out, const char *key, const char *value); /* NULL writes null */
void json_integer(struct strbuf *out, const char *key, int64_t value);
void json_boolean(struct strbuf *out, const char *key, bool value);
void json_null(struct strbuf *out, const char *key);
void json_time(struct strbuf *out, const char *key, int64_t instant_ms); /* 0 writes null */
void json_raw(struct strbuf *out, const char *key, const char *json);

#endif
