#include "http/res.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

void res_init(struct res *res, struct arena *arena)
{
	*res = (struct res){ .arena = arena, .status = 200, .content_type = "application/json",
		.cache_control = "no-store" };
	strbuf_init(&res->body, arena);
}

/* A line break in a value would let its sender write headers of its own. */
static bool is_clean(const char *value)
{
	for (; *value; value++)
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

void res_header(struct res *res, const char *name, const char *value)
{
	if (!is_clean(value))
		return;
	struct res_header **end = &res->headers;
	while (*end && strcmp((*end)->name, name) != 0)
		end = &(*end)->next;
	if (!*end)
		*end = arena_alloc(res->arena, sizeof(**end));
	(*end)->name = name;
	(*end)->value = arena_strdup(res->arena, value);
}

void res_header_printf(struct res *res, const char *name, const char *format, ...)
{
	char value[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	res_header(res, name, value);
}

/* Weak comparison (RFC 9110, 13.1.2): W/ is skipped on both sides. */
static bool etag_listed(const char *list, const char *etag)
{
	if (str_starts(etag, "W/"))
		etag += 2;
	size_t length = strlen(etag);
	for (const char *at = list; *at; ) {
		at += strspn(at, " \t,");
		if (*at == '*')
			return true;
		if (str_starts(at, "W/"))
			at += 2;
		if (strncmp(at, etag, length) == 0 && strchr(", \t", at[length]))
			return true;
		if (*at == '"') {
			const char *close = strchr(at + 1, '"');
			at = close ? close + 1 : at + strlen(at);
		} else {
			at += strcspn(at, ",");
		}
	}
	return false;
}

bool res_not_modified(struct res *res, const char *if_none_match, const char *etag)
{
	res_header(res, "ETag", etag);
	if (!if_none_match || !etag_listed(if_none_match, etag))
		return false;
	res->status = 304;
	strbuf_init(&res->body, res->arena);
	return true;
}
