/* An e-mail as RFC 5322 wants it: UTF-8 text in base64 (RFC 2045), headers in encoded words (RFC
 * 2047), lines ended by CRLF and never longer than 76 but for the addresses. */
#ifndef CM_NOTIFICATION_MAIL_MESSAGE_H
#define CM_NOTIFICATION_MAIL_MESSAGE_H

#include <stdint.h>

#include "base/arena.h"

struct mail_message {
	const char *from, *to;           /* addresses, as they were checked at sign-up */
	const char *from_name, *to_name; /* any text; empty: none */
	const char *subject, *body;      /* any text; lines of the body end with \n */
	const char *language;            /* "ko" */
	int64_t id;                      /* of the notice: the same mail has the same Message-ID */
	int64_t now_ms;
};

/* Pure. */
const char *mail_message(struct arena *arena, const struct mail_message *message);

#endif
