/* The settings table (conf.def): one place that names, bounds, documents and reads them. */
#ifndef CM_BASE_CONF_H
#define CM_BASE_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum conf {
#define CONF(symbol, kind, fallback, minimum, maximum, help) CONF_##symbol,
#include "base/conf.def"
#undef CONF
	CONF_COUNT
};

/* Reads all settings from the environment. False when one is bad; then *ret_error (static)
 * names it without its value. Call once at start, before any other use. */
bool conf_load(const char **ret_error);

/* The value or its default; never NULL. */
const char *conf_text(enum conf setting);
int64_t conf_integer(enum conf setting);
/* CM_PROFILE is demo. */
bool conf_is_demo(void);

/* For tests: sets a value as if it came from the environment. */
void conf_set(enum conf setting, const char *value);

/* Tab-separated: name, value in force (secrets: set / not set), default, help. */
void conf_print(FILE *out);

#endif
