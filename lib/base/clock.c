#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/banned.h"

enum { QUARTER_S = 900, KEPT_OFFSETS = 8, CENTURY_S = 978307200 };

static struct kept_offset {
	int64_t quarter; /* of an hour, since 1970; 0: none */
	long offset;
} kept_offsets[KEPT_OFFSETS];

void clock_set_timezone(const char *timezone)
{
	setenv("TZ", timezone, 1);
	tzset();
	memset(kept_offsets, 0, sizeof(kept_offsets));
}

int64_t clock_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long ask_offset(int64_t seconds)
{
	time_t instant = (time_t)seconds;
	struct tm parts;
	localtime_r(&instant, &parts);
	return parts.tm_gmtoff;
}

/* Offset from UTC. Asking for it is most of what formatting a time costs, and in this century zones
 * have changed it at whole quarters of an hour only. */
static long offset_at(int64_t seconds)
{
	int64_t quarter = seconds / QUARTER_S;
	struct kept_offset *kept = &kept_offsets[(uint64_t)quarter % KEPT_OFFSETS];
	if (seconds < CENTURY_S)
		return ask_offset(seconds);
	if (kept->quarter != quarter)
		*kept = (struct kept_offset){ quarter, ask_offset(seconds) };
	return kept->offset;
}

char *clock_format(struct arena *arena, int64_t instant_ms)
{
	int64_t seconds = instant_ms / 1000 - (instant_ms % 1000 < 0);
	long offset = offset_at(seconds), minutes = labs(offset) / 60;
	time_t local = (time_t)(seconds + offset);
	struct tm parts;
	gmtime_r(&local, &parts);
	return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld",
		parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
		parts.tm_sec, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* Reads exactly count digits; -1 when they aren't there. */
static int digits(const char **text, int count)
{
	int value = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool skip(const char **text, char expected)
{
	if (**text != expected)
		return false;
	(*text)++;
	return true;
}

static bool parse_date(const char **text, struct tm *parts)
{
	parts->tm_year = digits(text, 4) - 1900;
	if (!skip(text, '-'))
		return false;
	parts->tm_mon = digits(text, 2) - 1;
	if (!skip(text, '-'))
		return false;
	parts->tm_mday = digits(text, 2);
	return parts->tm_year >= 0 && parts->tm_mon >= 0 && parts->tm_mon <= 11
		&& parts->tm_mday >= 1 && parts->tm_mday <= 31;
}

static bool parse_time(const char **text, struct tm *parts, int *ret_ms)
{
	parts->tm_hour = digits(text, 2);
	if (!skip(text, ':'))
		return false;
	parts->tm_min = digits(text, 2);
	if (skip(text, ':')) {
		parts->tm_sec = digits(text, 2);
		if (skip(text, '.')) {
			size_t length = strspn(*text, "0123456789");
			if (length == 0 || length > 9)
				return false;
			for (size_t i = 0; i < 3; i++)
				*ret_ms = *ret_ms * 10 + (i < length ? (*text)[i] - '0' : 0);
			*text += length;
		}
	}
	return parts->tm_hour >= 0 && parts->tm_hour <= 23 && parts->tm_min >= 0
		&& parts->tm_min <= 59 && parts->tm_sec >= 0 && parts->tm_sec <= 59;
}

/* Reads Z or +HH:MM to the end of the text. */
static bool parse_offset(const char *text, long *ret_seconds)
{
	*ret_seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	int sign = *text++ == '-' ? -1 : 1;
	int hours = digits(&text, 2);
	skip(&text, ':');
	int minutes = hours < 0 ? -1 : digits(&text, 2);
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || *text)
		return false;
	*ret_seconds = sign * (hours * 3600L + minutes * 60L);
	return true;
}

bool clock_parse(const char *text, int64_t *ret_instant_ms)
{
	struct tm parts = { .tm_isdst = -1 };
	int ms = 0;
	if (!parse_date(&text, &parts))
		return false;
	if (*text && (!(skip(&text, 'T') || skip(&text, ' ')) || !parse_time(&text, &parts, &ms)))
		return false;
	long offset = 0;
	if (*text && !parse_offset(text, &offset))
		return false;
	struct tm normal = parts;
	time_t instant = *text ? timegm(&normal) - offset : mktime(&normal);
	if (normal.tm_mday != parts.tm_mday || normal.tm_mon != parts.tm_mon)
		return false;
	*ret_instant_ms = (int64_t)instant * 1000 + ms;
	return true;
}
