#include "notification/notification.h"

#include <string.h>

#include "base/conf.h"
#include "notification/notification_store.h"

#include "base/banned.h"

static const struct { const char *topic, *kind; } causes[] = {
	{ "reservation.confirmed", "confirmed" },
	{ "payment.failed", "declined" },
	{ "reservation.cancelled", "cancelled" },
	{ "payment.refunded", "refunded" },
	{ "refund.failed", "refund-delayed" },
	{ "reservation.expired", "expired" },
	{ "reservation.refunding", "cancelled" },
};

enum fault notification_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list)
{
	struct notification_list list;
	enum fault fault = notification_store_list(ctx, before_id, limit, &list);
	if (fault)
		return fault;
	list.has_more = list.count > (size_t)limit;
	if (list.has_more)
		list.count = (size_t)limit;
	*ret_list = list;
	return list.count ? notification_store_read(ctx, &list) : FAULT_NONE;
}

enum fault notification_settings_get(struct ctx *ctx, struct notification_settings *ret_settings)
{
	return notification_store_settings(ctx, ret_settings);
}

enum fault notification_settings_set(struct ctx *ctx,
	const struct notification_settings *settings)
{
	return notification_store_set(ctx, settings);
}

/* That there is no money to give back was said when the booking was cancelled. */
static bool is_nothing_refunded(const struct event *event)
{
	return strcmp(event->topic, "payment.refunded") == 0
		&& strstr(event->payload, "\"amount\": 0,");
}

enum fault notification_from_event(struct ctx *ctx, const struct event *event)
{
	struct notification notice = { .kind = NULL };
	bool refunding = strcmp(event->topic, "reservation.refunding") == 0;
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (strcmp(causes[i].topic, event->topic) == 0)
			notice.kind = causes[i].kind;
	if (refunding && strstr(event->payload, "\"concert-cancelled\""))
		notice.kind = "concert-cancelled";
	if (!notice.kind || !event->member.value || is_nothing_refunded(event))
		return FAULT_NONE;
	notice.reason = refunding ? "refunding" : NULL; /* money is essential */
	return notification_store_add(ctx, event, notice.kind, notification_is_essential(&notice),
		*conf_text(CONF_SMTP_URL) != '\0');
}
