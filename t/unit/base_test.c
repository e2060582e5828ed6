/* The base library: arena, texts, base64, clock, settings, context. No drivers. */
#include "unit.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/banned.h"

static int order[3], runs;

static void note(void *which)
{
	order[runs++] = *(int *)which;
}

START_TEST(arena_gives_zeroed_memory_and_runs_deferred_in_reverse)
{
	int one = 1, two = 2;
	runs = 0;
	struct arena *arena = arena_new(1 << 20);
	char *first = arena_alloc(arena, 100);
	memset(first, 'x', 100);
	arena_defer(arena, note, &one);
	arena_defer(arena, note, &two);
	arena_alloc(arena, 200000);
	arena_reset(arena);
	ck_assert_int_eq(runs, 2);
	ck_assert_int_eq(order[0], 2);
	ck_assert_int_eq(order[1], 1);
	char *again = arena_alloc(arena, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(again[i], 0);
	ck_assert_uint_ge(arena_peak(arena), 200100);
	arena_free(arena);
	ck_assert_int_eq(runs, 2);
}
END_TEST

START_TEST(strbuf_grows_and_escapes)
{
	struct strbuf text;
	strbuf_init(&text, ctx.arena);
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&text, "%d,", i);
	ck_assert_uint_eq(text.length, strlen(text.data));
	strbuf_init(&text, ctx.arena);
	strbuf_json(&text, "a\"b\\c\n\x01\x7f한");
	ck_assert_str_eq(text.data, "\"a\\\"b\\\\c\\n\\u0001\\u007f한\"");
}
END_TEST

START_TEST(integers_are_read_strictly)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "01", "-0", "1.0", "1e3", "0x1",
		"9223372036854775808", "-9223372036854775809", "١" };
	int64_t value;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!str_to_int(bad[i], &value), "taken: %s", bad[i]);
	ck_assert(str_to_int("-9223372036854775808", &value) && value == INT64_MIN);
	ck_assert(str_to_int("0", &value) && value == 0);
}
END_TEST

START_TEST(utf8_is_checked)
{
	static const char *const bad[] = { "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
		"\xe1\x80", "\xff", "\xc1\xbf", "\xf0\x8f\xbf\xbf" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!str_is_utf8(bad[i], strlen(bad[i])), "taken: row %zu", i);
	ck_assert(!str_is_utf8("a\0b", 3));
	ck_assert(str_is_utf8("한글 \xf0\x9f\x8e\xab", strlen("한글 \xf0\x9f\x8e\xab")));
	ck_assert_uint_eq(str_characters("한글"), 2);
}
END_TEST

START_TEST(base64_has_one_text_a_value)
{
	unsigned char *bytes;
	size_t length;
	for (size_t size = 0; size < 40; size++) {
		char *text = base64url_encode(ctx.arena,
			"\xff\xfe\xfd 0123456789012345678901234567890123456789", size);
		ck_assert(base64url_decode(ctx.arena, text, strlen(text), &bytes, &length));
		ck_assert_uint_eq(length, size);
	}
	static const char *const bad[] = { "A", "AB", "AA=", "A+AA", "A/AA", "AA A", "AAAAA" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!base64url_decode(ctx.arena, bad[i], strlen(bad[i]), &bytes, &length),
			"taken: %s", bad[i]);
	ck_assert(base64_decode(ctx.arena, "+/8=", 4, &bytes, &length) && length == 2);
	ck_assert(!base64_decode(ctx.arena, "=", 1, &bytes, &length));
}
END_TEST

START_TEST(times_are_read_and_written_in_the_zone)
{
	static const struct { const char *text, *meant; } good[] = {
		{ "2026-12-24T19:00:00+09:00", "2026-12-24T19:00:00+09:00" },
		{ "2026-12-24T19:00", "2026-12-24T19:00:00+09:00" },
		{ "2026-12-24T10:00:00.123Z", "2026-12-24T19:00:00+09:00" },
		{ "2026-12-24", "2026-12-24T00:00:00+09:00" },
		{ "2028-02-29T00:00:00Z", "2028-02-29T09:00:00+09:00" },
	};
	static const char *const bad[] = { "", "2026-13-01", "2026-02-29T00:00:00Z", "2026-12-24T24:00",
		"2026-12-24T19:00:60", "2026-12-24T19", "2026-12-24T19:00:00+9", "x2026-12-24",
		"2026-12-24T19:00:00Zz", "2026-1-1", "2026-12-24T19:00:00.", "now", "2026-02-30" };
	int64_t instant;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ck_assert_msg(clock_parse(good[i].text, &instant), "refused: %s", good[i].text);
		ck_assert_str_eq(clock_format(ctx.arena, instant), good[i].meant);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!clock_parse(bad[i], &instant), "taken: %s", bad[i]);
}
END_TEST

START_TEST(times_follow_the_zone_through_its_changes)
{
	static const struct { const char *zone; int64_t instant_s; const char *text; } rows[] = {
		{ "Europe/Berlin", 1792889999, "2026-10-25T02:59:59+02:00" },
		{ "Europe/Berlin", 1792890000, "2026-10-25T02:00:00+01:00" },
		{ "Europe/Berlin", 1774745999, "2026-03-29T01:59:59+01:00" },
		{ "Europe/Berlin", 1774746000, "2026-03-29T03:00:00+02:00" },
		{ "Asia/Kathmandu", 1792890000, "2026-10-25T06:45:00+05:45" },
		{ "America/St_Johns", 1792890000, "2026-10-24T22:30:00-02:30" },
		{ "Asia/Seoul", 1792890000, "2026-10-25T10:00:00+09:00" },
		{ "Asia/Seoul", -1, "1970-01-01T08:59:59+09:00" },
		{ "Asia/Seoul", -2000000000, "1906-08-17T04:54:32+08:27" },
		{ "Asia/Seoul", 4102444799, "2100-01-01T08:59:59+09:00" },
	};
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			clock_set_timezone(rows[i].zone);
			ck_assert_str_eq(clock_format(ctx.arena, rows[i].instant_s * 1000),
				rows[i].text);
		}
	clock_set_timezone("Asia/Seoul");
}
END_TEST

START_TEST(integers_and_long_texts_are_printed_whole)
{
	static const int64_t values[] = { 0, 1, -1, 9, 10, -10, 1234567890123, INT64_MAX, INT64_MIN };
	char text[STR_INT_BYTES], wanted[32];
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(wanted, sizeof(wanted), "%lld", (long long)values[i]);
		ck_assert_uint_eq(str_from_int(text, values[i]), strlen(wanted));
		ck_assert_str_eq(text, wanted);
	}
	for (int length = 500; length < 530; length++) {
		struct strbuf buf;
		const char *printed = arena_printf(ctx.arena, "%0*d", length, 7);
		ck_assert_uint_eq(strlen(printed), (size_t)length);
		strbuf_init(&buf, ctx.arena);
		strbuf_printf(&buf, "%0*d", length - 260, 7);
		ck_assert_uint_eq(buf.length, (size_t)length - 260);
		ck_assert_uint_eq(strlen(buf.data), (size_t)length - 260);
	}
}
END_TEST

START_TEST(settings_are_bounded_and_secrets_hidden)
{
	const char *error = NULL;
	setenv("CM_TOKEN_TTL_S", "abc", 1);
	ck_assert(!conf_load(&error));
	ck_assert_ptr_nonnull(strstr(error, "CM_TOKEN_TTL_S"));
	setenv("CM_TOKEN_TTL_S", "86401", 1);
	ck_assert(!conf_load(&error));
	setenv("CM_TOKEN_TTL_S", "60", 1);
	setenv("CM_TOKEN_KEYS", "sesame", 1);
	ck_assert(conf_load(&error));
	ck_assert_int_eq(conf_integer(CONF_TOKEN_TTL_S), 60);
	char *printed = NULL;
	size_t length;
	FILE *out = open_memstream(&printed, &length);
	conf_print(out);
	fclose(out);
	ck_assert_ptr_null(strstr(printed, "sesame"));
	ck_assert_ptr_nonnull(strstr(printed, "CM_TOKEN_KEYS\t(set)"));
	free(printed);
}
END_TEST

START_TEST(wrong_fields_are_kept_in_order)
{
	ck_assert_int_eq(ctx_field_error(&ctx, "a", "required"), FAULT_BAD_INPUT);
	ctx_field_error(&ctx, "b", "range");
	ck_assert_str_eq(ctx.errors->field, "a");
	ck_assert_str_eq(ctx.errors->next->field, "b");
	ctx_reset(&ctx);
	ck_assert_ptr_null(ctx.errors);
}
END_TEST

START_TEST(every_fault_has_its_own_slug_and_both_sentences)
{
	for (enum fault fault = 1; fault < FAULT_COUNT; fault++) {
		const struct fault_info *info = fault_info(fault);
		ck_assert(*info->english && *info->korean && info->kind != FAULT_KIND_NONE);
		for (enum fault other = 1; other < fault; other++)
			ck_assert_str_ne(info->slug, fault_info(other)->slug);
	}
}
END_TEST

int main(void)
{
	static const TTest *tests[14];
	size_t count = 0;
	tests[count++] = arena_gives_zeroed_memory_and_runs_deferred_in_reverse;
	tests[count++] = strbuf_grows_and_escapes;
	tests[count++] = integers_are_read_strictly;
	tests[count++] = utf8_is_checked;
	tests[count++] = base64_has_one_text_a_value;
	tests[count++] = times_are_read_and_written_in_the_zone;
	tests[count++] = times_follow_the_zone_through_its_changes;
	tests[count++] = integers_and_long_texts_are_printed_whole;
	tests[count++] = settings_are_bounded_and_secrets_hidden;
	tests[count++] = wrong_fields_are_kept_in_order;
	tests[count++] = every_fault_has_its_own_slug_and_both_sentences;
	return unit_main("base", tests);
}
