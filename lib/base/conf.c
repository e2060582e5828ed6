#include "base/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/str.h"

enum kind { TEXT, INTEGER, SECRET };

static const struct {
	const char *name, *fallback;
	enum kind kind;
	int64_t minimum, maximum;
	const char *help;
} table[CONF_COUNT] = {
#define CONF(symbol, kind, fallback, minimum, maximum, help) \
	{ "CM_" #symbol, fallback, kind, minimum, maximum, help },
#include "base/conf.def"
#undef CONF
};

static char *values[CONF_COUNT];
static char error_text[256];

static bool fail(const char *name, const char *why, const char **ret_error)
{
	snprintf(error_text, sizeof(error_text), "%s %s", name, why);
	*ret_error = error_text;
	return false;
}

/* A secret's file, without the newline that editors add. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	char *text = calloc(1, 65536);
	size_t length = text ? fread(text, 1, 65535, file) : 0;
	fclose(file);
	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = '\0';
	return text;
}

static bool load_one(enum conf setting, const char **ret_error)
{
	const char *name = table[setting].name, *value = getenv(name);
	char file_name[128];
	snprintf(file_name, sizeof(file_name), "%s_FILE", name);
	const char *path = table[setting].kind == SECRET ? getenv(file_name) : NULL;
	char *copy = path && *path ? read_file(path) : strdup(value ? value : table[setting].fallback);
	if (!copy)
		return fail(file_name, "cannot be read", ret_error);
	int64_t number;
	if (table[setting].kind == INTEGER
		&& (!str_to_int(copy, &number) || number < table[setting].minimum
			|| number > table[setting].maximum)) {
		free(copy);
		return fail(name, "is not a whole number in its range (see --conf)", ret_error);
	}
	free(values[setting]);
	values[setting] = copy;
	return true;
}

bool conf_load(const char **ret_error)
{
	for (enum conf setting = 0; setting < CONF_COUNT; setting++)
		if (!load_one(setting, ret_error))
			return false;
	return true;
}

const char *conf_text(enum conf setting)
{
	return values[setting] ? values[setting] : table[setting].fallback;
}

int64_t conf_integer(enum conf setting)
{
	int64_t number = 0;
	str_to_int(conf_text(setting), &number);
	return number;
}

bool conf_is_demo(void)
{
	return strcmp(conf_text(CONF_PROFILE), "demo") == 0;
}

void conf_set(enum conf setting, const char *value)
{
	free(values[setting]);
	values[setting] = strdup(value);
}

void conf_print(FILE *out)
{
	for (enum conf setting = 0; setting < CONF_COUNT; setting++) {
		const char *value = conf_text(setting);
		if (table[setting].kind == SECRET)
			value = *value ? "(set)" : "(not set)";
		fprintf(out, "%s\t%s\t%s\t%s\n", table[setting].name, value,
			table[setting].fallback, table[setting].help);
	}
}
