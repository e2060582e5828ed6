/* Notices to members: in the app (GET /notification) and by e-mail. A notice is made by the
 * consumer `notification`, once per event and member; its text is made when it is read or sent,
 * in the reader's language, from the facts that are kept with it.
 *
 * Essential ones (money and tickets) are sent to everybody; the others not to who opted out. */
#ifndef CM_NOTIFICATION_NOTIFICATION_H
#define CM_NOTIFICATION_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "event/event.h"

struct notification {
	int64_t id;
	/* confirmed, declined, cancelled, refunded, refund-delayed, expired, concert-cancelled */
	const char *kind;
	struct reservation_id reservation;
	struct concert_id concert;
	int64_t created_ms, read_ms;
	/* the facts; amount: what was paid or is given back, fee: what is kept of a refund */
	const char *concert_title, *place, *seats;
	int64_t concert_ms, amount, fee;
	const char *reason; /* of a refund; NULL where no money is given back */
};

struct notification_list {
	struct notification *items; /* newest first */
	size_t count;
	bool has_more;
};

struct notification_text {
	const char *subject, *body; /* one line; lines ended by \n */
};

struct notification_settings {
	bool opt_out;
	enum language language;
};

/* Pure: subject and body of a notice. Kinds nobody knows read as an empty notice. Control
 * characters of the facts become spaces. */
struct notification_text notification_text(struct arena *arena, const struct notification *notice,
	enum language language);
/* Pure: is it sent to those who opted out, too? */
bool notification_is_essential(const struct notification *notice);

/* Of ctx->member; reading marks them as read. before_id 0: from the newest. */
enum fault notification_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list);
enum fault notification_settings_get(struct ctx *ctx, struct notification_settings *ret_settings);
enum fault notification_settings_set(struct ctx *ctx,
	const struct notification_settings *settings);

/* Consumer group `notification`. */
enum fault notification_from_event(struct ctx *ctx, const struct event *event);
/* `cm-consumer mail`: sends at most limit e-mails that are due; ret_done: how many are done with.
 * A mail is sent at least once; a repeated one has the same Message-ID. What a server says about
 * one mail holds up no other: it is tried again, longer apart each time, or marked FAILED.
 * Told to end (base/stop.h) it leaves off: what wasn't sent is due at once, for whoever comes next.
 * Faults: MAIL_AWAY (no server to talk to, no TLS, a refused login: nothing is given up for three
 * days), those of pg_query. */
enum fault notification_send(struct ctx *ctx, size_t limit, size_t *ret_done);

#endif
