#include "auth/flat.h"

#include <string.h>

#include "base/banned.h"
#include "base/str.h"

/* Reads "..." without escapes; NULL when it is anything else. */
static const char *take_text(struct arena *arena, const char **at)
{
	if (**at != '"')
		return NULL;
	size_t length = strcspn(++*at, "\"\\");
	const char *text = arena_strndup(arena, *at, length);
	*at += length;
	if (**at != '"')
		return NULL;
	++*at;
	return text;
}

static bool take_number(struct arena *arena, const char **at, int64_t *ret_number)
{
	size_t length = strspn(*at, "-0123456789");
	const char *digits = arena_strndup(arena, *at, length);
	*at += length;
	return str_to_int(digits, ret_number);
}

static void skip_space(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

static bool take_member(struct arena *arena, const char **at, struct flat_member *ret_member)
{
	skip_space(at);
	ret_member->name = take_text(arena, at);
	ret_member->text = NULL;
	skip_space(at);
	if (!ret_member->name || *(*at)++ != ':')
		return false;
	skip_space(at);
	if (**at == '"')
		ret_member->text = take_text(arena, at);
	else if (!take_number(arena, at, &ret_member->number))
		return false;
	skip_space(at);
	return true;
}

bool flat_read(struct arena *arena, const char *json,
	bool (*take)(void *arg, const struct flat_member *member), void *arg)
{
	struct flat_member member = { .number = 0 };
	skip_space(&json);
	if (*json++ != '{')
		return false;
	do {
		if (!take_member(arena, &json, &member) || !take(arg, &member))
			return false;
	} while (*json++ == ',');
	if (json[-1] != '}')
		return false;
	skip_space(&json);
	return *json == '\0';
}

bool flat_text(const struct flat_member *member, const char **slot)
{
	if (!member->text || *slot)
		return false;
	*slot = member->text;
	return true;
}

bool flat_number(const struct flat_member *member, int64_t *slot)
{
	if (member->text || !member->number || *slot)
		return false;
	*slot = member->number;
	return true;
}
