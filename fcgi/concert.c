#include <string.h>

#include "base/limits.h"
#include "concert/concert.h"
#include "concert/organise.h"
#include "concert_body.h"
#include "concert_reply.h"
#include "http/json.h"
#include "http/page.h"
#include "organiser.h"
#include "queue/queue_follow.h"
#include "worker.h"

#include "base/banned.h"

/* Nothing in these answers depends on who asks: nginx and browsers may keep them for a moment. */
static const char for_a_moment[] = "max-age=1";

static const char *const statuses[] = { "DRAFT", "PUBLISHED", "CANCELLED", NULL };

struct list_query {
	const char *keyword, *status, *cursor;
	int64_t from_ms, to_ms, limit;
};

static const struct field list_fields[] = {
	{ "keyword", FIELD_TEXT, offsetof(struct list_query, keyword), false, 0, 100, NULL },
	{ "from", FIELD_TIME, offsetof(struct list_query, from_ms), false, 0, 0, NULL },
	{ "to", FIELD_TIME, offsetof(struct list_query, to_ms), false, 0, 0, NULL },
	{ "status", FIELD_CHOICE, offsetof(struct list_query, status), false, 0, 0, statuses },
	{ "limit", FIELD_INTEGER, offsetof(struct list_query, limit), false, 1, LIMIT_LIST_MAXIMUM,
		NULL },
	{ "cursor", FIELD_TEXT, offsetof(struct list_query, cursor), false, 1, 200, NULL },
};

/* A cursor goes on only with the list it came from. */
static enum fault read_filter(struct ctx *ctx, const struct list_query *query,
	struct concert_filter *ret_filter, const char **ret_kind)
{
	struct concert_filter filter = { .from_ms = query->from_ms, .to_ms = query->to_ms,
		.status = query->status };
	struct page page;
	if (query->keyword)
		concert_keyword(ctx, query->keyword, &filter);
	*ret_kind = filter.keyword ? "concert-search" : "concert";
	enum fault fault = page_read(ctx, *ret_kind, query->limit, query->cursor, &page);
	if (fault)
		return fault;
	filter.limit = page.limit;
	filter.has_after = page.has_cursor;
	memcpy(filter.after, page.keys, sizeof(filter.after));
	filter.drafts = query->status && strcmp(query->status, "DRAFT") == 0;
	*ret_filter = filter;
	return FAULT_NONE;
}

static void write_page(struct ctx *ctx, struct res *res, const struct concert *concerts,
	size_t count, const char *kind_of_next)
{
	json_open(&res->body, NULL, '{');
	json_open(&res->body, "content", '[');
	for (size_t i = 0; i < count; i++)
		reply_concert(&res->body, &concerts[i]);
	json_close(&res->body, ']');
	const char *next = NULL;
	if (kind_of_next) {
		const struct concert *last = &concerts[count - 1];
		int64_t keys[PAGE_KEYS] = { last->rank, last->date_time_ms, last->id.value };
		next = page_cursor(ctx, kind_of_next, keys);
	}
	json_text(&res->body, "next", next);
	json_close(&res->body, '}');
}

/* GET /concert */
static enum fault list(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct list_query query = { .keyword = NULL };
	struct concert_filter filter;
	struct concert *concerts;
	size_t count;
	bool more;
	const char *kind;
	enum fault fault = query_read(ctx, req, list_fields, FIELD_COUNT(list_fields), &query);
	if (fault || (fault = read_filter(ctx, &query, &filter, &kind)))
		return fault;
	if (filter.drafts && ctx->role != ROLE_ADMIN)
		return FAULT_ADMIN_REQUIRED;
	if ((fault = concert_list(ctx, &filter, &concerts, &count, &more)))
		return fault;
	if (!filter.drafts)
		res->cache_control = for_a_moment;
	write_page(ctx, res, concerts, count, more ? kind : NULL);
	reply_etag(res, 0, req->if_none_match);
	return FAULT_NONE;
}

static void write_detail(struct res *res, const struct concert *concert)
{
	if (strcmp(concert->status, "DRAFT") != 0)
		res->cache_control = for_a_moment;
	reply_concert_detail(&res->body, concert);
}

/* GET /concert/{id} */
static enum fault detail(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct concert *concert;
	enum fault fault = concert_get(ctx, (struct concert_id){ req->ids[0] }, &concert);
	if (fault)
		return fault;
	write_detail(res, concert);
	reply_etag(res, concert->version, req->if_none_match);
	return FAULT_NONE;
}

/* GET /seat/{id} */
static enum fault one_seat(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct seat *seat;
	enum fault fault = seat_get(ctx, (struct seat_id){ req->ids[0] }, &seat);
	if (fault)
		return fault;
	reply_seat(&res->body, seat);
	return FAULT_NONE;
}

/* GET /auth/check: nginx asks before it answers from its cache (nginx/cache.conf). */
static enum fault check_token(struct ctx *ctx, const struct req *req, struct res *res)
{
	(void)ctx;
	(void)req;
	res->status = 204;
	res->cache_control = "max-age=5";
	return FAULT_NONE;
}

/* POST /concert */
static enum fault create(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct concert_input input;
	struct concert *concert;
	enum fault fault = body_concert_new(ctx, req, &input);
	if (fault || (fault = concert_create(ctx, &input, &concert)))
		return fault;
	queue_follow_now(ctx, concert->id);
	res->status = 201;
	res_header_printf(res, "Location", "/concert/%lld", (long long)concert->id.value);
	reply_concert_detail(&res->body, concert);
	return FAULT_NONE;
}

static const struct route routes[] = {
	{ METHOD_GET, "/concert", GUARD_MEMBER | GUARD_MAY_LAG, list },
	{ METHOD_POST, "/concert", GUARD_ADMIN, create },
	{ METHOD_GET, "/concert/{id}", GUARD_MEMBER | GUARD_MAY_LAG, detail },
	{ METHOD_PATCH, "/concert/{id}", GUARD_ADMIN, organiser_change },
	{ METHOD_DELETE, "/concert/{id}", GUARD_ADMIN, organiser_cancel },
	{ METHOD_GET, "/concert/{id}/seat", GUARD_MEMBER | GUARD_MAY_LAG, seat_map_show },
	{ METHOD_PATCH, "/concert/{id}/seat", GUARD_ADMIN, organiser_block },
	{ METHOD_GET, "/concert/{id}/seat/status", GUARD_MEMBER, seat_states_show },
	{ METHOD_GET, "/concert/{id}/report", GUARD_ADMIN | GUARD_REPORT, organiser_report },
	{ METHOD_GET, "/concert/{id}/report/sales", GUARD_ADMIN | GUARD_REPORT, organiser_export },
	{ METHOD_GET, "/seat/{id}", GUARD_MEMBER, one_seat },
	{ METHOD_GET, "/auth/check", GUARD_MEMBER, check_token },
};

int main(int argc, char **argv)
{
	static const struct worker worker = { .name = "concert", .routes = routes,
		.route_count = sizeof(routes) / sizeof(*routes),
		.body_limit = LIMIT_BODY_BYTES_ORGANISER };
	return worker_main(argc, argv, &worker);
}
