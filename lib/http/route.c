#include "http/route.h"

#include <string.h>

#include "base/banned.h"

enum match { MATCH_NONE, MATCH_BAD_ID, MATCH_FULL };

enum { ID_DIGITS = 16 };

static bool read_id(const char *text, size_t length, int64_t *ret_id)
{
	char digits[ID_DIGITS + 1] = { 0 };
	if (length == 0 || length > ID_DIGITS)
		return false;
	memcpy(digits, text, length);
	int64_t id;
	if (!str_to_int(digits, &id) || id < 1 || id > ID_MAX)
		return false;
	*ret_id = id;
	return true;
}

/* Compares segment by segment; a {id} segment takes any text, which then must be an id. */
static enum match match_path(const char *pattern, const char *path, int64_t ids[REQ_PATH_IDS])
{
	enum match match = MATCH_FULL;
	size_t found = 0;
	while (*pattern == '/' && *path == '/') {
		size_t wanted = strcspn(++pattern, "/"), given = strcspn(++path, "/");
		if (*pattern == '{') {
			if (found == REQ_PATH_IDS || given == 0)
				return MATCH_NONE;
			if (!read_id(path, given, &ids[found++]))
				match = MATCH_BAD_ID;
		} else if (wanted != given || memcmp(pattern, path, given) != 0) {
			return MATCH_NONE;
		}
		pattern += wanted;
		path += given;
	}
	return *pattern || *path ? MATCH_NONE : match;
}

static bool answers(enum method row, enum method asked)
{
	return row == asked || (row == METHOD_GET && asked == METHOD_HEAD);
}

static void set_allow(struct ctx *ctx, struct res *res, unsigned methods)
{
	struct strbuf allow;
	strbuf_init(&allow, ctx->arena);
	methods |= 1U << METHOD_OPTIONS;
	if (methods & 1U << METHOD_GET)
		methods |= 1U << METHOD_HEAD;
	for (enum method method = METHOD_GET; method < METHOD_OTHER; method++)
		if (methods & 1U << method)
			strbuf_printf(&allow, "%s%s", allow.length ? ", " : "", method_name(method));
	res_header(res, "Allow", allow.data);
}

/* What no row took: the other methods of the path, a bad id, or nothing at all. */
static enum fault no_row(struct ctx *ctx, const struct req *req, struct res *res, unsigned methods)
{
	if (!methods)
		return FAULT_NOT_FOUND;
	set_allow(ctx, res, methods);
	if (req->method != METHOD_OPTIONS)
		return FAULT_METHOD_NOT_ALLOWED;
	res->status = 204;
	return FAULT_NONE;
}

enum fault route_find(struct ctx *ctx, struct route_table table, struct req *req, struct res *res,
	const struct route **ret_route)
{
	const struct route *routes = table.rows;
	unsigned methods = 0;
	bool bad_id = false;
	for (size_t i = 0; i < table.count; i++) {
		int64_t ids[REQ_PATH_IDS] = { 0 };
		enum match match = match_path(routes[i].pattern, req->path, ids);
		if (match == MATCH_BAD_ID && answers(routes[i].method, req->method))
			bad_id = true;
		if (match != MATCH_FULL)
			continue;
		if (answers(routes[i].method, req->method)) {
			memcpy(req->ids, ids, sizeof(ids));
			*ret_route = &routes[i];
			return FAULT_NONE;
		}
		methods |= 1U << routes[i].method;
	}
	if (bad_id && !methods)
		return ctx_field_error(ctx, "id", "range");
	*ret_route = NULL;
	return no_row(ctx, req, res, methods);
}

void route_print(const struct route *routes, size_t count, FILE *out)
{
	static const struct { unsigned guard; const char *name; } names[] = {
		{ GUARD_PUBLIC, "public" }, { GUARD_MEMBER, "member" }, { GUARD_ADMIN, "admin" },
		{ GUARD_OPTIONAL, "optional" }, { GUARD_IDEMPOTENT, "idempotent" },
		{ GUARD_MAY_LAG, "may-lag" }, { GUARD_REPORT, "report" },
	};
	for (size_t i = 0; i < count; i++) {
		const char *separator = "";
		fprintf(out, "%s %s ", method_name(routes[i].method), routes[i].pattern);
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			if (!(routes[i].guards & names[j].guard))
				continue;
			fprintf(out, "%s%s", separator, names[j].name);
			separator = ",";
		}
		fputc('\n', out);
	}
}
