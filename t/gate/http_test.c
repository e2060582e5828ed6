/* lib/http: the JSON gate, field tables, routes, problems, pages. */
#include "unit.h"

#include <stddef.h>
#include <stdlib.h>

#include "http/json.h"
#include "http/page.h"
#include "http/problem.h"
#include "http/route.h"

#include "base/banned.h"

struct input {
	const char *name, *note, *role;
	int64_t id, limit, time_ms;
	bool flag;
	struct id_list ids;
	const struct cJSON *extra;
};

static const char *const roles[] = { "ROLE_USER", "ROLE_ADMIN", NULL };

static const struct field fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct input, name), true, 1, 5, NULL },
	{ "note", FIELD_RAW, offsetof(struct input, note), false, 0, 20, NULL },
	{ "role", FIELD_CHOICE, offsetof(struct input, role), false, 0, 0, roles },
	{ "id", FIELD_ID, offsetof(struct input, id), false, 0, 0, NULL },
	{ "limit", FIELD_INTEGER, offsetof(struct input, limit), false, 1, 100, NULL },
	{ "time", FIELD_TIME, offsetof(struct input, time_ms), false, 0, 0, NULL },
	{ "flag", FIELD_BOOLEAN, offsetof(struct input, flag), false, 0, 0, NULL },
	{ "ids", FIELD_ID_LIST, offsetof(struct input, ids), false, 1, 3, NULL },
	{ "extra", FIELD_JSON, offsetof(struct input, extra), false, 0, 0, NULL },
};

static enum fault read_body(const char *body, struct input *input)
{
	struct req req = { .body = body, .body_length = strlen(body),
		.content_type = "application/json; charset=utf-8" };
	ctx.errors = NULL;
	return json_read(&ctx, &req, fields, FIELD_COUNT(fields), input);
}

static const struct { const char *bytes; size_t length; } bad_json[] = {
#define ROW(text) { text, sizeof(text) - 1 }
	ROW(""), ROW(" "), ROW("{"), ROW("}"), ROW("{}x"), ROW("{} {}"), ROW("{}\0"), ROW("[1,]"),
	ROW("{\"a\":1,}"), ROW("{,}"), ROW("{\"a\"}"), ROW("{a:1}"), ROW("{'a':1}"), ROW("01"),
	ROW("-"), ROW("+1"), ROW(".5"), ROW("1."), ROW("1e"), ROW("1e+"), ROW("0x10"), ROW("NaN"),
	ROW("Infinity"), ROW("1e999"), ROW("-1e999"), ROW("True"), ROW("nul"), ROW("\"a"),
	ROW("\"\\x\""), ROW("\"\\u12\""), ROW("\"\\u0000\""), ROW("\"admin@x\\u0000@evil\""),
	ROW("\"\\ud800\""), ROW("\"\\udc00\""), ROW("\"\\ud800\\u0041\""), ROW("\"a\nb\""),
	ROW("\"a\tb\""), ROW("\"a\x01\""), ROW("\"a\0b\""), ROW("\"\xff\""), ROW("\"\xc0\x80\""),
	ROW("\"\xed\xa0\x80\""), ROW("\xef\xbb\xbf{}"), ROW("{\"a\":1}/**/"), ROW("//x\n{}"),
	ROW("1.00000000000000000001"), ROW("10000000000000000001e-19"),
		ROW("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"),
	ROW("11111111111111111111111111111111111111111111111111111111111111111"), ROW("[1 2]"),
	ROW("{\"a\" 1}"), ROW("\x0b{}"), ROW("{\"a\":}"), ROW("\"\x7f\""),
#undef ROW
};

START_TEST(the_gate_refuses_bad_json)
{
	const char *text = bad_json[_i].bytes;
	ck_assert_msg(json_check(&ctx, text, bad_json[_i].length) == FAULT_BAD_JSON, "row %d: %s",
		_i, text);
}
END_TEST

START_TEST(the_gate_names_duplicate_keys)
{
	static const char *const bodies[] = { "{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"\\u0061\":3}",
		"[{\"x\":{\"a\":[],\"b\":1,\"a\":[]}}]" };
	for (size_t i = 0; i < 3; i++) {
		ctx.errors = NULL;
		ck_assert_int_eq(json_check(&ctx, bodies[i], strlen(bodies[i])), FAULT_BAD_INPUT);
		ck_assert_str_eq(ctx.errors->field, "a");
		ck_assert_str_eq(ctx.errors->code, "duplicate");
	}
}
END_TEST

START_TEST(the_gate_takes_good_json)
{
	static const char *const good[] = { "{}", " [ ] ", "null", "true", "-0", "0.5", "1e3",
		"-1.5E-3",
		"9007199254740991", "\"\\ud83c\\udfab 한\\/\\\"\"", "{\"a\":{\"a\":1},\"A\":2}", "1.10",
		"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "1.0000000000000002", "\"\\n\"", "2.000" };
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(json_check(&ctx, good[i], strlen(good[i])) == FAULT_NONE, "%s", good[i]);
}
END_TEST

/* 64 KiB of distinct keys must not take quadratic time; a count of nodes ends it in any case. */
START_TEST(many_keys_are_cheap_and_many_nodes_refused)
{
	struct strbuf body;
	strbuf_init(&body, ctx.arena);
	strbuf_byte(&body, '{');
	for (int i = 0; i < 9000; i++)
		strbuf_printf(&body, "%s\"%d\":1", i ? "," : "", i);
	strbuf_byte(&body, '}');
	ck_assert_int_eq(json_check(&ctx, body.data, body.length), FAULT_NONE);
	strbuf_init(&body, ctx.arena);
	strbuf_byte(&body, '[');
	for (int i = 0; i < LIMIT_JSON_NODES; i++)
		strbuf_text(&body, i ? ",1" : "1");
	strbuf_byte(&body, ']');
	ck_assert_int_eq(json_check(&ctx, body.data, body.length), FAULT_BAD_JSON);
}
END_TEST

START_TEST(bodies_are_read_by_table)
{
	struct input input = { .limit = 20 };
	ck_assert_int_eq(read_body("{\"name\":\"가나다라마\",\"id\":9007199254740991,\"time\":"
		"\"2026-12-24T19:00:00+09:00\",\"flag\":true,\"ids\":[3,1,2],\"extra\":{\"x\":[1]},"
		"\"role\":\"ROLE_ADMIN\",\"note\":null,\"status\":\"PAID\"}", &input), FAULT_NONE);
	ck_assert_str_eq(input.name, "가나다라마");
	ck_assert_int_eq(input.id, ID_MAX);
	ck_assert_int_eq(input.limit, 20);
	ck_assert(input.flag && !input.note);
	ck_assert_uint_eq(input.ids.count, 3);
	ck_assert_int_eq(input.ids.ids[0], 3);
	ck_assert_str_eq(input.role, "ROLE_ADMIN");
	ck_assert_str_eq(json_text_of(&ctx, input.extra), "{\"x\":[1]}");
}
END_TEST

static const struct { const char *body, *field, *code; } bad_bodies[] = {
	{ "{}", "name", "required" }, { "{\"name\":null}", "name", "required" },
	{ "", "name", "required" }, { "[]", "", "type" }, { "\"x\"", "", "type" },
	{ "{\"name\":1}", "name", "type" }, { "{\"name\":\"\"}", "name", "length" },
	{ "{\"name\":\"가나다라마바\"}", "name", "length" }, { "{\"Name\":\"a\"}", "name", "required" },
	{ "{\"name\":\"a\\nb\"}", "name", "format" }, { "{\"name\":\"a\\u0085\"}", "name", "format" },
	{ "{\"name\":\"a\",\"id\":\"1\"}", "id", "type" }, { "{\"name\":\"a\",\"id\":0}", "id",
		"range" },
	{ "{\"name\":\"a\",\"id\":-1}", "id", "range" }, { "{\"name\":\"a\",\"id\":1.5}", "id",
		"type" },
	{ "{\"name\":\"a\",\"id\":9007199254740992}", "id", "range" },
	{ "{\"name\":\"a\",\"id\":9007199254740993}", "id", "range" },
	{ "{\"name\":\"a\",\"id\":1e300}", "id", "range" },
	{ "{\"name\":\"a\",\"id\":18446744073709551617}", "id", "range" },
	{ "{\"name\":\"a\",\"id\":true}", "id", "type" }, { "{\"name\":\"a\",\"id\":[1]}", "id",
		"type" },
	{ "{\"name\":\"a\",\"limit\":0}", "limit", "range" },
	{ "{\"name\":\"a\",\"limit\":101}", "limit", "range" },
	{ "{\"name\":\"a\",\"flag\":\"true\"}", "flag", "type" },
	{ "{\"name\":\"a\",\"flag\":1}", "flag", "type" },
	{ "{\"name\":\"a\",\"time\":1}", "time", "type" },
	{ "{\"name\":\"a\",\"time\":\"soon\"}", "time", "format" },
	{ "{\"name\":\"a\",\"role\":\"ROLE_ROOT\"}", "role", "choice" },
	{ "{\"name\":\"a\",\"ids\":[]}", "ids", "length" },
	{ "{\"name\":\"a\",\"ids\":[1,2,3,4]}", "ids", "length" },
	{ "{\"name\":\"a\",\"ids\":[1,1]}", "ids", "duplicate" },
	{ "{\"name\":\"a\",\"ids\":[1,\"2\"]}", "ids", "type" },
	{ "{\"name\":\"a\",\"ids\":[1,0]}", "ids", "range" },
	{ "{\"name\":\"a\",\"ids\":5}", "ids", "type" },
	{ "{\"name\":\"a\",\"extra\":5}", "extra", "type" },
};

START_TEST(wrong_bodies_name_the_field)
{
	struct input input = { 0 };
	ck_assert_int_eq(read_body(bad_bodies[_i].body, &input), FAULT_BAD_INPUT);
	ck_assert_str_eq(ctx.errors->field, bad_bodies[_i].field);
	ck_assert_str_eq(ctx.errors->code, bad_bodies[_i].code);
}
END_TEST

START_TEST(all_wrong_fields_are_noted_and_the_media_type_matters)
{
	struct input input = { 0 };
	ck_assert_int_eq(read_body("{\"id\":0,\"limit\":\"x\"}", &input), FAULT_BAD_INPUT);
	ck_assert_str_eq(ctx.errors->next->next->field, "limit");
	struct req req = { .body = "{}", .body_length = 2, .content_type = "text/plain" };
	ck_assert_int_eq(json_read(&ctx, &req, fields, 1, &input), FAULT_MEDIA_TYPE);
	req.content_type = "application/jsonx";
	ck_assert_int_eq(json_read(&ctx, &req, fields, 1, &input), FAULT_MEDIA_TYPE);
	req.content_type = NULL;
	ck_assert_int_eq(json_read(&ctx, &req, fields, 1, &input), FAULT_MEDIA_TYPE);
}
END_TEST

START_TEST(queries_are_read_by_table)
{
	struct input input = { 0 };
	struct req req = { .query = "name=%22%EA%B0%80+b%22&limit=7&flag=false&other=1" };
	ck_assert_int_eq(query_read(&ctx, &req, fields, 7, &input), FAULT_NONE);
	ck_assert_str_eq(input.name, "\"가 b\"");
	ck_assert_int_eq(input.limit, 7);
}
END_TEST

static const struct { const char *query, *field, *code; } bad_queries[] = {
	{ "name=a&name=b", "name", "duplicate" }, { "name=a&x=1&x=1", "x", "duplicate" },
	{ "name=%", "name", "format" }, { "name=%4", "name", "format" }, { "name=%zz", "name",
		"format" },
	{ "name=%00", "name", "format" }, { "name=%ff", "name", "format" }, { "", "name", "required" },
	{ "name=a&limit=", "limit", "type" }, { "name=a&limit=1.5", "limit", "type" },
	{ "name=a&limit=+1", "limit", "type" }, { "name=a&limit=101", "limit", "range" },
	{ "name=a&id=9007199254740992", "id", "range" }, { "name=a&flag=1", "flag", "type" },
	{ "%ff=1", "query", "format" }, { "name=abcdef", "name", "length" }, { "name", "name",
		"length" },
};

START_TEST(wrong_queries_name_the_field)
{
	struct input input = { 0 };
	struct req req = { .query = bad_queries[_i].query };
	ck_assert_int_eq(query_read(&ctx, &req, fields, 7, &input), FAULT_BAD_INPUT);
	ck_assert_str_eq(ctx.errors->field, bad_queries[_i].field);
	ck_assert_str_eq(ctx.errors->code, bad_queries[_i].code);
}
END_TEST

START_TEST(the_writer_places_commas)
{
	struct strbuf out;
	strbuf_init(&out, ctx.arena);
	json_open(&out, NULL, '{');
	json_text(&out, "a", "ends with {[:,");
	json_integer(&out, "b", -5);
	json_open(&out, "c", '[');
	json_boolean(&out, NULL, true);
	json_open(&out, NULL, '{');
	json_close(&out, '}');
	json_null(&out, NULL);
	json_close(&out, ']');
	json_time(&out, "t", 0);
	json_raw(&out, "r", "[1]");
	json_close(&out, '}');
	ck_assert_str_eq(out.data, "{\"a\":\"ends with {[:,\",\"b\":-5,\"c\":[true,{},null],"
		"\"t\":null,\"r\":[1]}");
}
END_TEST

static enum fault nothing(struct ctx *unused, const struct req *req, struct res *res)
{
	(void)unused, (void)req, (void)res;
	return FAULT_NONE;
}

static const struct route routes[] = {
	{ METHOD_GET, "/member/me", GUARD_MEMBER, nothing },
	{ METHOD_GET, "/concert/{id}", GUARD_MEMBER, nothing },
	{ METHOD_PATCH, "/concert/{id}", GUARD_MEMBER | GUARD_ADMIN, nothing },
	{ METHOD_GET, "/concert/{id}/seat/{id}", GUARD_PUBLIC, nothing },
};

static const struct { enum method method; const char *path; enum fault fault; int row; } paths[] = {
	{ METHOD_GET, "/member/me", FAULT_NONE, 0 }, { METHOD_HEAD, "/concert/802", FAULT_NONE, 1 },
	{ METHOD_PATCH, "/concert/1", FAULT_NONE, 2 }, { METHOD_GET, "/concert/3/seat/4", FAULT_NONE,
		3 },
	{ METHOD_GET, "/", FAULT_NOT_FOUND, 0 }, { METHOD_GET, "", FAULT_NOT_FOUND, 0 },
	{ METHOD_GET, "/member/me/", FAULT_NOT_FOUND, 0 }, { METHOD_GET, "/member", FAULT_NOT_FOUND,
		0 },
	{ METHOD_GET, "/concert//seat/4", FAULT_NOT_FOUND, 0 }, { METHOD_GET, "//member/me",
		FAULT_NOT_FOUND, 0 },
	{ METHOD_GET, "/concert/", FAULT_NOT_FOUND, 0 }, { METHOD_POST, "/concert/1",
		FAULT_METHOD_NOT_ALLOWED, 0 },
	{ METHOD_OTHER, "/concert/1", FAULT_METHOD_NOT_ALLOWED, 0 },
	{ METHOD_GET, "/concert/0", FAULT_BAD_INPUT, 0 }, { METHOD_GET, "/concert/abc",
		FAULT_BAD_INPUT, 0 },
	{ METHOD_GET, "/concert/1.5", FAULT_BAD_INPUT, 0 }, { METHOD_GET, "/concert/-1",
		FAULT_BAD_INPUT, 0 },
	{ METHOD_GET, "/concert/01", FAULT_BAD_INPUT, 0 }, { METHOD_GET, "/concert/9007199254740992",
		FAULT_BAD_INPUT, 0 },
	{ METHOD_GET, "/concert/99999999999999999999", FAULT_BAD_INPUT, 0 },
	{ METHOD_GET, "/concert/9007199254740991", FAULT_NONE, 1 },
};

START_TEST(paths_find_their_row)
{
	struct req req = { .method = paths[_i].method, .path = paths[_i].path };
	struct res res;
	const struct route *route = NULL;
	res_init(&res, ctx.arena);
	enum fault fault = route_find(&ctx, (struct route_table){ routes, 4 }, &req, &res, &route);
	ck_assert_msg(fault == paths[_i].fault, "%s: %s", paths[_i].path, fault_info(fault)->slug);
	if (!fault)
		ck_assert_ptr_eq(route, &routes[paths[_i].row]);
}
END_TEST

START_TEST(ids_options_and_allow)
{
	struct req req = { .method = METHOD_GET, .path = "/concert/3/seat/4" };
	struct res res;
	const struct route *route = NULL;
	res_init(&res, ctx.arena);
	const struct route_table table = { routes, 4 };
	ck_assert_int_eq(route_find(&ctx, table, &req, &res, &route), FAULT_NONE);
	ck_assert_int_eq(req.ids[0], 3);
	ck_assert_int_eq(req.ids[1], 4);
	req = (struct req){ .method = METHOD_OPTIONS, .path = "/concert/3" };
	ck_assert_int_eq(route_find(&ctx, table, &req, &res, &route), FAULT_NONE);
	ck_assert_ptr_null(route);
	ck_assert_int_eq(res.status, 204);
	ck_assert_str_eq(res.headers->value, "GET, PATCH, HEAD, OPTIONS");
}
END_TEST

START_TEST(problems_are_rfc_9457_in_two_languages)
{
	struct res res;
	res_init(&res, ctx.arena);
	ctx_field_error(&ctx, "email", "required");
	ctx.problem_extra = "\"seats\":[1]";
	ctx.language = problem_language("en;q=0.9, ko;q=0.1");
	problem_write(&ctx, FAULT_BAD_INPUT, &res);
	ck_assert_int_eq(res.status, 400);
	ck_assert_str_eq(res.content_type, "application/problem+json");
	ck_assert_str_eq(res.body.data, "{\"type\":\"/problems/bad-input\",\"title\":"
		"\"The request is not valid.\",\"status\":400,\"detail\":\"The request is not valid.\","
		"\"code\":\"bad-input\",\"requestId\":\"test\",\"errors\":[{\"field\":\"email\","
		"\"code\":\"required\",\"message\":\"is required\"}],\"seats\":[1]}");
	ck_assert_int_eq(problem_language(NULL), LANGUAGE_KO);
	ck_assert_int_eq(problem_language("fr, en-GB"), LANGUAGE_EN);
	ck_assert_int_eq(problem_language("ko-KR,ko;q=0.9,en;q=0.8"), LANGUAGE_KO);
	ck_assert_int_eq(problem_language("english, end"), LANGUAGE_KO);
}
END_TEST

static const char *header(const struct res *res, const char *name)
{
	for (const struct res_header *at = res->headers; at; at = at->next)
		if (strcmp(at->name, name) == 0)
			return at->value;
	return "";
}

START_TEST(headers_of_401_429_503)
{
	struct res res;
	res_init(&res, ctx.arena);
	problem_write(&ctx, FAULT_TOKEN_EXPIRED, &res);
	ck_assert_ptr_nonnull(strstr(header(&res, "WWW-Authenticate"), "invalid_token"));
	res_init(&res, ctx.arena);
	problem_write(&ctx, FAULT_DATABASE_AWAY, &res);
	ck_assert_str_ne(header(&res, "Retry-After"), "");
	res_init(&res, ctx.arena);
	ctx.retry_after_s = 42;
	problem_write(&ctx, FAULT_SIGNIN_THROTTLED, &res);
	ck_assert_str_eq(header(&res, "Retry-After"), "42");
	res_header(&res, "X-Bad", "a\r\nSet-Cookie: b");
	ck_assert_str_eq(header(&res, "X-Bad"), "");
	for (enum fault fault = 1; fault < FAULT_COUNT; fault++)
		ck_assert_int_ge(problem_status(fault), 400);
}
END_TEST

START_TEST(etags_match_lists)
{
	static const struct { const char *list; bool hit; } rows[] = { { "\"a\"", true }, { "W/\"a\"",
		true },
		{ "\"b\", \"a\"", true }, { "*", true }, { "\"ab\"", false }, { "a", false }, { "\"b\"",
			false },
		{ "", false }, { "\"b", false } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct res res;
		res_init(&res, ctx.arena);
		ck_assert_msg(res_not_modified(&res, rows[i].list, "\"a\"") == rows[i].hit, "%s",
			rows[i].list);
	}
}
END_TEST

START_TEST(forged_cursors_are_refused)
{
	const int64_t keys[PAGE_KEYS] = { 5, -7, INT64_MAX };
	struct page page;
	conf_set(CONF_TOKEN_KEYS, "a:AAAA b:BBBB");
	char *cursor = arena_strdup(ctx.arena, page_cursor(&ctx, "concert", keys));
	ck_assert_int_eq(page_read(&ctx, "concert", 0, cursor, &page), FAULT_NONE);
	ck_assert(page.has_cursor && page.limit == LIMIT_LIST_DEFAULT);
	ck_assert_mem_eq(page.keys, keys, sizeof(keys));
	ck_assert_int_eq(page_read(&ctx, "reservation", 0, cursor, &page), FAULT_BAD_CURSOR);
	conf_set(CONF_TOKEN_KEYS, "c:CCCC a:AAAA");
	ck_assert_int_eq(page_read(&ctx, "concert", 0, cursor, &page), FAULT_NONE);
	conf_set(CONF_TOKEN_KEYS, "c:CCCC");
	ck_assert_int_eq(page_read(&ctx, "concert", 0, cursor, &page), FAULT_BAD_CURSOR);
	conf_set(CONF_TOKEN_KEYS, "a:AAAA");
	for (size_t i = 0; cursor[i]; i++) {
		char kept = cursor[i];
		cursor[i] = kept == 'x' ? 'y' : 'x';
		ck_assert_int_eq(page_read(&ctx, "concert", 0, cursor, &page), FAULT_BAD_CURSOR);
		cursor[i] = kept;
	}
	ck_assert_int_eq(page_read(&ctx, "concert", 0, "", &page), FAULT_BAD_CURSOR);
	ck_assert_int_eq(page_read(&ctx, "concert", 101, NULL, &page), FAULT_BAD_INPUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *all = tcase_create("http");
	tcase_add_checked_fixture(all, setup_ctx, teardown_ctx);
	tcase_set_timeout(all, 0);
	tcase_add_loop_test(all, the_gate_refuses_bad_json, 0, sizeof(bad_json) / sizeof(*bad_json));
	tcase_add_test(all, the_gate_names_duplicate_keys);
	tcase_add_test(all, the_gate_takes_good_json);
	tcase_add_test(all, many_keys_are_cheap_and_many_nodes_refused);
	tcase_add_test(all, bodies_are_read_by_table);
	tcase_add_loop_test(all, wrong_bodies_name_the_field, 0,
		sizeof(bad_bodies) / sizeof(*bad_bodies));
	tcase_add_test(all, all_wrong_fields_are_noted_and_the_media_type_matters);
	tcase_add_test(all, queries_are_read_by_table);
	tcase_add_loop_test(all, wrong_queries_name_the_field, 0,
		sizeof(bad_queries) / sizeof(*bad_queries));
	tcase_add_test(all, the_writer_places_commas);
	tcase_add_loop_test(all, paths_find_their_row, 0, sizeof(paths) / sizeof(*paths));
	tcase_add_test(all, ids_options_and_allow);
	tcase_add_test(all, problems_are_rfc_9457_in_two_languages);
	tcase_add_test(all, headers_of_401_429_503);
	tcase_add_test(all, etags_match_lists);
	tcase_add_test(all, forged_cursors_are_refused);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
