#include "notification.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "http/json.h"
#include "http/page.h"
#include "notification/notification.h"

#include "base/banned.h"

struct list_input {
	int64_t limit;
	const char *cursor;
};

static const struct field list_fields[] = {
	{ .name = "limit", .type = FIELD_INTEGER, .minimum = 1, .maximum = LIMIT_LIST_MAXIMUM,
		.offset = offsetof(struct list_input, limit) },
	{ .name = "cursor", .type = FIELD_TEXT, .minimum = 1, .maximum = 200,
		.offset = offsetof(struct list_input, cursor) },
};

static void write_notice(struct ctx *ctx, struct strbuf *out, const struct notification *notice)
{
	struct notification_text text = notification_text(ctx->arena, notice, ctx->language);
	json_open(out, NULL, '{');
	json_integer(out, "id", notice->id);
	json_text(out, "kind", notice->kind);
	json_integer(out, "reservationId", notice->reservation.value);
	json_integer(out, "concertId", notice->concert.value);
	json_text(out, "title", text.subject);
	json_text(out, "message", text.body);
	json_time(out, "createdAt", notice->created_ms);
	json_time(out, "readAt", notice->read_ms);
	json_close(out, '}');
}

enum fault notification_list_get(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct list_input input = { .cursor = NULL };
	struct page page;
	struct notification_list list;
	enum fault fault = query_read(ctx, req, list_fields, FIELD_COUNT(list_fields), &input);
	if (!fault)
		fault = page_read(ctx, "notification", input.limit, input.cursor, &page);
	if (!fault)
		fault = notification_list(ctx, page.has_cursor ? page.keys[0] : 0, page.limit, &list);
	if (fault)
		return fault;
	json_open(&res->body, NULL, '{');
	json_open(&res->body, "content", '[');
	for (size_t i = 0; i < list.count; i++)
		write_notice(ctx, &res->body, &list.items[i]);
	json_close(&res->body, ']');
	json_text(&res->body, "next", list.has_more ? page_cursor(ctx, "notification",
		(int64_t[PAGE_KEYS]){ list.items[list.count - 1].id }) : NULL);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

static void write_settings(struct strbuf *out, const struct notification_settings *settings)
{
	json_open(out, NULL, '{');
	json_boolean(out, "optOut", settings->opt_out);
	json_text(out, "language", settings->language == LANGUAGE_EN ? "en" : "ko");
	json_close(out, '}');
}

enum fault notification_settings_show(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct notification_settings settings;
	(void)req;
	enum fault fault = notification_settings_get(ctx, &settings);
	if (!fault)
		write_settings(&res->body, &settings);
	return fault;
}

struct settings_input {
	bool opt_out;
	const char *language;
};

static const char *const languages[] = { "ko", "en", NULL };

static const struct field settings_fields[] = {
	{ .name = "optOut", .type = FIELD_BOOLEAN, .offset = offsetof(struct settings_input, opt_out) },
	{ .name = "language", .type = FIELD_CHOICE, .choices = languages,
		.offset = offsetof(struct settings_input, language) },
};

enum fault notification_settings_patch(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct notification_settings settings;
	enum fault fault = notification_settings_get(ctx, &settings);
	if (fault)
		return fault;
	struct settings_input input = { .opt_out = settings.opt_out };
	fault = json_read(ctx, req, settings_fields, FIELD_COUNT(settings_fields), &input);
	if (fault)
		return fault;
	settings.opt_out = input.opt_out;
	if (input.language)
		settings.language = strcmp(input.language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_KO;
	if ((fault = notification_settings_set(ctx, &settings)))
		return fault;
	write_settings(&res->body, &settings);
	return FAULT_NONE;
}
