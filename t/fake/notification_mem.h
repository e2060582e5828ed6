/* notification_store.h in memory: mails, and a mail server that says what it is told. */
#ifndef CM_T_FAKE_NOTIFICATION_MEM_H
#define CM_T_FAKE_NOTIFICATION_MEM_H

#include "notification/notification_store.h"

enum { MEMORY_MAILS = 8 };

extern struct notification_memory {
	struct notification_mail mails[MEMORY_MAILS];
	size_t mail_count;
	int64_t lease_ms;
	/* what was stored */
	struct notification_end ends[MEMORY_MAILS]; /* by place in mails; status NULL: none */
	size_t released;
	const char *kind; /* of the notice added last; NULL: none */
	bool is_essential, has_mail;
	/* the mail server: its answer to the nth message (MAIL_STOPPED: with the signal), and
	 * what it got */
	struct mail_answer answers[MEMORY_MAILS];
	const char *addresses[MEMORY_MAILS], *messages[MEMORY_MAILS];
	size_t sent;
	size_t notices; /* of notification_store_list */
	bool was_read;
	struct notification_settings settings;
} notification_memory;

#endif
