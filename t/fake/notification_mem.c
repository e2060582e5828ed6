#include "fake/notification_mem.h"

#include <signal.h>
#include <string.h>

#include "base/banned.h"

struct notification_memory notification_memory;

enum fault notification_store_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list)
{
	struct notification_list list = { .items = arena_array(ctx->arena,
		notification_memory.notices + 1, sizeof(struct notification)) };
	for (size_t id = notification_memory.notices; id > 0; id--)
		if ((!before_id || (int64_t)id < before_id) && list.count <= (size_t)limit)
			list.items[list.count++] = (struct notification){ .id = (int64_t)id };
	*ret_list = list;
	return FAULT_NONE;
}

enum fault notification_store_read(struct ctx *ctx, const struct notification_list *list)
{
	(void)ctx, (void)list;
	notification_memory.was_read = true;
	return FAULT_NONE;
}

enum fault notification_store_settings(struct ctx *ctx,
	struct notification_settings *ret_settings)
{
	(void)ctx;
	*ret_settings = notification_memory.settings;
	return FAULT_NONE;
}

enum fault notification_store_set(struct ctx *ctx, const struct notification_settings *settings)
{
	(void)ctx;
	notification_memory.settings = *settings;
	return FAULT_NONE;
}

enum fault notification_store_add(struct ctx *ctx, const struct event *event, const char *kind,
	bool is_essential, bool has_mail)
{
	(void)ctx, (void)event;
	notification_memory.kind = kind;
	notification_memory.is_essential = is_essential;
	notification_memory.has_mail = has_mail;
	return FAULT_NONE;
}

enum fault notification_store_due(struct ctx *ctx, size_t limit, int64_t lease_ms,
	struct notification_mail **ret_mails, size_t *ret_count)
{
	(void)ctx;
	notification_memory.lease_ms = lease_ms;
	*ret_mails = notification_memory.mails;
	*ret_count = notification_memory.mail_count < limit ? notification_memory.mail_count : limit;
	return FAULT_NONE;
}

enum fault notification_store_end(struct ctx *ctx, const struct notification_mail *mail,
	const struct notification_end *end)
{
	(void)ctx;
	notification_memory.ends[mail - notification_memory.mails] = *end;
	return FAULT_NONE;
}

enum fault notification_store_release(struct ctx *ctx, const struct notification_mail *mails,
	size_t count)
{
	(void)ctx, (void)mails;
	notification_memory.released = count;
	return FAULT_NONE;
}

struct mail_answer notification_smtp_send(struct ctx *ctx, const char *address,
	const char *message)
{
	(void)ctx;
	size_t nth = notification_memory.sent++;
	notification_memory.addresses[nth] = address;
	notification_memory.messages[nth] = message;
	if (notification_memory.answers[nth].result == MAIL_STOPPED)
		raise(SIGTERM);
	return notification_memory.answers[nth];
}
