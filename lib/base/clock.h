/* Time. Instants are int64_t milliseconds since 1970 UTC (..._ms); durations for measuring are
 * monotonic microseconds (..._us). Texts are ISO 8601 with offset in CM_TIMEZONE. */
#ifndef CM_BASE_CLOCK_H
#define CM_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Makes timezone (an IANA name) the process' zone. Call once at start. */
void clock_set_timezone(const char *timezone);

int64_t clock_now_ms(void);
int64_t clock_monotonic_us(void);

/* "2026-12-24T19:00:00+09:00" in the process' zone; milliseconds are cut off. */
char *clock_format(struct arena *arena, int64_t instant_ms);
/* Reads YYYY-MM-DDTHH:MM[:SS[.fraction]][Z|+HH:MM|-HH:MM]; without an offset the process' zone
 * is meant; a date alone means its midnight. False for anything else or impossible dates. */
bool clock_parse(const char *text, int64_t *ret_instant_ms);

#endif
