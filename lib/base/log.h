/* One JSON object a line on stderr, written with one write(2) so that lines of many processes
 * don't mix. Never give it a password, token, key, card number or e-mail address. */
#ifndef CM_BASE_LOG_H
#define CM_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_line {
	enum log_level level;
	unsigned length;
	char bytes[4096]; /* longer lines are cut at a member */
};

/* Sets the program's name and the least level that is written (by name). */
void log_init(const char *program, const char *level);

void log_start(struct log_line *line, enum log_level level, const char *message);
void log_text(struct log_line *line, const char *key, const char *value); /* NULL is left out */
void log_number(struct log_line *line, const char *key, int64_t value);
void log_end(struct log_line *line);

/* A line with one text member; key may be NULL. */
void log_event(enum log_level level, const char *message, const char *key, const char *value);

#endif
