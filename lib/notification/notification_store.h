/* What notices need of the database (notification_pg.c) and of a mail server
 * (notification_smtp.c). */
#ifndef CM_NOTIFICATION_NOTIFICATION_STORE_H
#define CM_NOTIFICATION_NOTIFICATION_STORE_H

#include "notification/notification.h"

struct notification_mail {
	struct notification notice;
	const char *address, *name;
	enum language language;
	bool opt_out; /* of the member, now */
	bool is_gone; /* the member left */
	int attempts; /* that the server answered with a no */
};

/* limit + 1 rows at most. */
enum fault notification_store_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list);
enum fault notification_store_read(struct ctx *ctx, const struct notification_list *list);
enum fault notification_store_settings(struct ctx *ctx,
	struct notification_settings *ret_settings);
enum fault notification_store_set(struct ctx *ctx,
	const struct notification_settings *settings);

/* has_mail: an e-mail is to be sent (unless the member opted out and it isn't essential). */
enum fault notification_store_add(struct ctx *ctx, const struct event *event, const char *kind,
	bool is_essential, bool has_mail);
/* Mails due, nobody else's for lease_ms; the longest due first. */
enum fault notification_store_due(struct ctx *ctx, size_t limit, int64_t lease_ms,
	struct notification_mail **ret_mails, size_t *ret_count);

/* How a try ended. */
struct notification_end {
	const char *status; /* SENT, FAILED, SKIPPED, or PENDING: again in wait_ms */
	const char *error;  /* NULL: none */
	int64_t wait_ms;
	bool counts;        /* as an attempt */
};
/* Of a mail that is still PENDING. */
enum fault notification_store_end(struct ctx *ctx, const struct notification_mail *mail,
	const struct notification_end *end);
/* Ends the lease of mails that were not tried. */
enum fault notification_store_release(struct ctx *ctx, const struct notification_mail *mails,
	size_t count);

enum mail_result {
	MAIL_TAKEN,
	MAIL_LATER,   /* not this mail, now */
	MAIL_REFUSED, /* this mail never */
	MAIL_AWAY,    /* it was not about this mail: no connection, no TLS, no login, no sender */
	MAIL_STOPPED  /* this process is to end */
};
struct mail_answer {
	enum mail_result result;
	const char *error; /* in the arena; names no address and no secret; NULL when taken */
};
/* Hands a message to CM_SMTP_URL, in at most CM_SMTP_TIMEOUT_MS. Told to end (base/stop.h) it
 * leaves off within a second; within five when only the server's answer is missing. */
struct mail_answer notification_smtp_send(struct ctx *ctx, const char *address,
	const char *message);

#endif
