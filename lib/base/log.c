#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

#include "base/banned.h"

static const char *const levels[] = { "debug", "info", "warning", "error" };
static const char *program_name = "cm";
static enum log_level least = LOG_INFO;

void log_init(const char *program, const char *level)
{
	program_name = program;
	for (unsigned i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (strcmp(levels[i], level) == 0)
			least = (enum log_level)i;
}

/* Bytes kept free for the closing brace and newline. */
enum { TAIL = 4 };

static bool put(struct log_line *line, const char *bytes, size_t length)
{
	if (line->length + length + TAIL > sizeof(line->bytes))
		return false;
	memcpy(line->bytes + line->length, bytes, length);
	line->length += (unsigned)length;
	return true;
}

static bool put_escaped(struct log_line *line, unsigned char byte)
{
	char escape[8];
	int length = byte == '"' || byte == '\\' ? snprintf(escape, sizeof(escape), "\\%c", byte)
		: snprintf(escape, sizeof(escape), "\\u%04x", byte);
	return put(line, escape, (size_t)length);
}

static bool put_string(struct log_line *line, const char *text)
{
	if (!put(line, "\"", 1))
		return false;
	const char *plain = text;
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f)
			continue;
		if (!put(line, plain, (size_t)(text - plain)) || !put_escaped(line, byte))
			return false;
		plain = text + 1;
	}
	return put(line, plain, (size_t)(text - plain)) && put(line, "\"", 1);
}

static bool put_key(struct log_line *line, const char *key)
{
	return put(line, ",", 1) && put_string(line, key) && put(line, ":", 1);
}

/* "2026-12-24T10:00:00" of UTC, made once a second. */
static const char *second_of(time_t second)
{
	static time_t made;
	static char text[32];
	struct tm parts;
	if (second != made) {
		gmtime_r(&second, &parts);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
		made = second;
	}
	return text;
}

void log_start(struct log_line *line, enum log_level level, const char *message)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	line->level = level;
	line->length = (unsigned)snprintf(line->bytes, sizeof(line->bytes),
		"{\"time\":\"%s.%03ldZ\",\"level\":\"%s\"", second_of(now.tv_sec),
		now.tv_nsec / 1000000, levels[level]);
	log_text(line, "program", program_name);
	log_number(line, "pid", getpid());
	log_text(line, "message", message);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	unsigned before = line->length;
	if (value && !(put_key(line, key) && put_string(line, value)))
		line->length = before;
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
	char digits[STR_INT_BYTES];
	size_t length = str_from_int(digits, value);
	unsigned before = line->length;
	if (!(put_key(line, key) && put(line, digits, length)))
		line->length = before;
}

void log_end(struct log_line *line)
{
	if (line->level < least)
		return;
	memcpy(line->bytes + line->length, "}\n", 2);
	/* A log that cannot be written must not stop a sale. */
	ssize_t written = write(STDERR_FILENO, line->bytes, line->length + 2);
	(void)written;
}

void log_event(enum log_level level, const char *message, const char *key, const char *value)
{
	struct log_line line;
	log_start(&line, level, message);
	if (key)
		log_text(&line, key, value);
	log_end(&line);
}
