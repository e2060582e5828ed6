/* What notices need of the database (notification_pg.c) and of a mail server
 * (notification_smtp.c). */
#ifndef CM_NOTIFICATION_NOTIFICATION_STORE_H
#define CM_NOTIFICATION_NOTIFICATION_STORE_H

#include "notification/notification.h"

struct notification_mail {
	struct notification notice;
	const char *address, *name;
	enum language language;
	int attempts;
};

/* limit + 1 rows at most. */
enum fault notification_store_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list);
enum fault notification_store_read(struct ctx *ctx, const struct notification_list *list);
enum fault notification_store_settings(struct ctx *ctx,
	struct notification_settings *ret_settings);
enum fault notification_store_set(struct ctx *ctx,
	const struct notification_settings *settings);

enum fault notification_store_add(struct ctx *ctx, const struct event *event, const char *kind,
	bool is_essential, bool has_mail);
/* Mails due, leased for two minutes. */
enum fault notification_store_due(struct ctx *ctx, size_t limit,
	struct notification_mail **ret_mails, size_t *ret_count);
/* error NULL: sent. Otherwise tried later, or given up when is_final. */
enum fault notification_store_sent(struct ctx *ctx, const struct notification_mail *mail,
	const char *error, bool is_final);

/* Hands a mail to CM_SMTP_URL. NULL: taken; otherwise why not. ret_is_final: no for good. */
const char *notification_smtp_send(struct ctx *ctx, const struct notification_mail *mail,
	const struct notification_text *text, bool *ret_is_final);

#endif
