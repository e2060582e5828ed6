#include "base/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static bool put_string(struct log_line *line, const char *text)
{
	if (!put(line, "\"", 1))
		return false;
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		char escape[8];
		int length = 1;
		if (byte == '"' || byte == '\\')
			length = snprintf(escape, sizeof(escape), "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			length = snprintf(escape, sizeof(escape), "\\u%04x", byte);
		else
			escape[0] = (char)byte;
		if (!put(line, escape, (size_t)length))
			return false;
	}
	return put(line, "\"", 1);
}

static bool put_key(struct log_line *line, const char *key)
{
	return put(line, ",", 1) && put_string(line, key) && put(line, ":", 1);
}

void log_start(struct log_line *line, enum log_level level, const char *message)
{
	struct timespec now;
	struct tm parts;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	line->level = level;
	line->length = (unsigned)snprintf(line->bytes, sizeof(line->bytes),
		"{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"level\":\"%s\"",
		parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
		parts.tm_sec, now.tv_nsec / 1000000, levels[level]);
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
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRId64, value);
	unsigned before = line->length;
	if (!(put_key(line, key) && put(line, digits, (size_t)length)))
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
