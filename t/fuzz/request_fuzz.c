/* Paths, query strings, times and numbers: the input's first line is the path,
 * the rest the query. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fuzz.h"
#include "http/json.h"
#include "http/route.h"

#include "base/banned.h"

const char *const fuzz_seeds[] = {
	"/concert/802\nkeyword=%22sample%22&limit=20", "/concert/802/queue/status\nlimit=5&cursor=abc",
	"/seat/9007199254740991\nfrom=2026-12-24T19:00:00%2B09:00", "/seat/9007199254740992\n",
	"/seat/00665\nkeyword=%EC%84%9C%EC%9A%B8", "/concert/\nlimit=1&limit=2", "/\n=&=&", "", NULL};

static enum fault answer(struct ctx *ctx, const struct req *req, struct res *res)
{
	(void)ctx;
	(void)res;
	PROPERTY(req->ids[0] >= 0 && req->ids[0] <= 9007199254740991);
	return FAULT_NONE;
}

static const struct route routes[] = {
	{METHOD_GET, "/concert", GUARD_PUBLIC, answer},
	{METHOD_GET, "/concert/{id}", GUARD_PUBLIC, answer},
	{METHOD_POST, "/concert/{id}/queue", GUARD_MEMBER, answer},
	{METHOD_GET, "/concert/{id}/queue/status", GUARD_MEMBER, answer},
	{METHOD_GET, "/seat/{id}", GUARD_PUBLIC, answer},
};

struct input {
	const char *keyword;
	int64_t limit, from;
};

static const struct field fields[] = {
	{"keyword", FIELD_TEXT, offsetof(struct input, keyword), false, 1, 50, NULL},
	{"limit", FIELD_INTEGER, offsetof(struct input, limit), false, 1, 100, NULL},
	{"from", FIELD_TIME, offsetof(struct input, from), false, 0, 0, NULL},
};

static void check_query(struct ctx *ctx, const struct req *req)
{
	struct input input = {.limit = 20};
	if (query_read(ctx, req, fields, FIELD_COUNT(fields), &input))
		return;
	PROPERTY(input.limit >= 1 && input.limit <= 100);
	if (input.keyword) {
		PROPERTY(str_is_utf8(input.keyword, strlen(input.keyword)));
		PROPERTY(str_characters(input.keyword) <= 50);
	}
}

static void check_route(struct ctx *ctx, struct req *req)
{
	const struct route *route = NULL;
	struct res res;
	res_init(&res, ctx->arena);
	if (route_find(ctx, (struct route_table){routes, sizeof(routes) / sizeof(*routes)}, req, &res,
		       &route) == FAULT_NONE &&
	    route)
		PROPERTY(route->handler(ctx, req, &res) == FAULT_NONE);
}

void fuzz_one(struct ctx *ctx, const char *bytes, size_t length)
{
	int64_t number, again;
	size_t first = strcspn(bytes, "\n");
	struct req req = {.method = length % 3 ? METHOD_GET : METHOD_POST,
			  .path = arena_strndup(ctx->arena, bytes, first),
			  .query = bytes[first] ? bytes + first + 1 : "",
			  .body = ""};
	check_route(ctx, &req);
	check_query(ctx, &req);
	if (str_to_int(req.query, &number))
		PROPERTY(str_to_int(arena_printf(ctx->arena, "%lld", (long long)number), &again) &&
			 number == again);
	if (clock_parse(req.query, &number))
		PROPERTY(clock_parse(clock_format(ctx->arena, number), &again) &&
			 number - again >= 0 && number - again < 1000);
}
