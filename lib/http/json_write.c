#include "http/json.h"

#include <string.h>

#include "base/banned.h"
#include "base/clock.h"

/* A comma is due exactly when the last byte ends a value: texts end in a quote. */
static void start(struct strbuf *out, const char *key)
{
	if (out->length && !strchr("{[:,", out->data[out->length - 1]))
		strbuf_byte(out, ',');
	if (key) {
		strbuf_byte(out, '"');
		strbuf_text(out, key);
		strbuf_add(out, "\":", 2);
	}
}

void json_open(struct strbuf *out, const char *key, char bracket)
{
	start(out, key);
	strbuf_byte(out, bracket);
}

void json_close(struct strbuf *out, char bracket)
{
	strbuf_byte(out, bracket);
}

void json_text(struct strbuf *out, const char *key, const char *value)
{
	start(out, key);
	if (value)
		strbuf_json(out, value);
	else
		strbuf_add(out, "null", 4);
}

void json_integer(struct strbuf *out, const char *key, int64_t value)
{
	start(out, key);
	strbuf_int(out, value);
}

void json_boolean(struct strbuf *out, const char *key, bool value)
{
	start(out, key);
	strbuf_text(out, value ? "true" : "false");
}

void json_null(struct strbuf *out, const char *key)
{
	json_text(out, key, NULL);
}

void json_time(struct strbuf *out, const char *key, int64_t instant_ms)
{
	json_text(out, key, instant_ms ? clock_format(out->arena, instant_ms) : NULL);
}

void json_raw(struct strbuf *out, const char *key, const char *json)
{
	start(out, key);
	strbuf_text(out, json);
}
