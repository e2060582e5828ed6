#include "store.h"

static enum fault ping(void)
{
	struct redis_call call;
	const struct redis_value *value;
	redis_call_init(&call, &ctx);
	redis_add(&call, "PING");
	enum fault fault = redis_run(&call, &value);
	if (!fault)
		ck_assert_str_eq(redis_text(value), "PONG");
	return fault;
}

static void command(const char *first, const char *second)
{
	struct redis_call call;
	redis_call_init(&call, &ctx);
	redis_add(&call, first);
	redis_add(&call, second);
	ck_assert_msg(redis_run(&call, NULL) == FAULT_NONE, "%s", ctx.log_detail);
}

START_TEST(the_library_is_loaded_when_it_is_missing)
{
	const struct redis_value *value;
	command("FUNCTION", "FLUSH");
	for (int turn = 0; turn < 2; turn++) {
		struct redis_call call;
		redis_call_function(&call, &ctx, "cm_version", 0);
		ck_assert_msg(redis_run(&call, &value) == FAULT_NONE, "%s", ctx.log_detail);
		ck_assert_int_ge(redis_integer(value), 1);
	}
}
END_TEST

/* What a fresh connection sees after a library of that version was there. */
static int64_t version_after(const char *there)
{
	struct redis *first = ctx.redis;
	struct redis_call call;
	const struct redis_value *value;
	redis_call_init(&call, &ctx);
	redis_add(&call, "FUNCTION");
	redis_add(&call, "LOAD");
	redis_add(&call, "REPLACE");
	redis_add_printf(&call, "#!lua name=cm1\nredis.register_function{function_name ="
		" 'cm_version', flags = {'no-writes'}, callback = function() return %s end}",
		there);
	ck_assert_msg(redis_run(&call, NULL) == FAULT_NONE, "%s", ctx.log_detail);
	ctx.redis = redis_new(conf_text(CONF_REDIS_URL));
	redis_call_function(&call, &ctx, "cm_version", 0);
	ck_assert_msg(redis_run(&call, &value) == FAULT_NONE, "%s", ctx.log_detail);
	redis_free(ctx.redis);
	ctx.redis = first;
	return redis_integer(value);
}

START_TEST(an_older_library_is_replaced_and_a_newer_one_stays)
{
	ck_assert_int_eq(version_after("1000000"), 1000000);
	ck_assert_int_eq(version_after("1"), redis_library_version);
}
END_TEST

START_TEST(an_error_answer_is_not_away)
{
	struct redis_call call;
	redis_call_init(&call, &ctx);
	redis_add(&call, "NOSUCHCOMMAND");
	ck_assert_int_eq(redis_run(&call, NULL), FAULT_INTERNAL);
	ck_assert_int_eq(ping(), FAULT_NONE);
}
END_TEST

START_TEST(the_breaker_opens_after_three_failures)
{
	struct redis *good = ctx.redis, *bad = redis_new("unix:///nonexistent");
	ctx.redis = bad;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ping(), FAULT_REDIS_AWAY);
	/* Open: it answers without trying, so the detail of an attempt is absent. */
	ctx.log_detail = NULL;
	ck_assert_int_eq(ping(), FAULT_REDIS_AWAY);
	ck_assert_ptr_null(ctx.log_detail);
	ctx.redis = good;
	redis_free(bad);
	ck_assert_int_eq(ping(), FAULT_NONE);
}
END_TEST

START_TEST(a_late_reply_never_answers_the_next_call)
{
	struct redis_call call;
	conf_set(CONF_REDIS_CALL_MS, "50");
	redis_call_init(&call, &ctx);
	redis_add(&call, "BLPOP");
	redis_add(&call, "nothing:here");
	redis_add(&call, "1");
	ck_assert_int_eq(redis_run(&call, NULL), FAULT_REDIS_AWAY);
	ck_assert_int_eq(ping(), FAULT_NONE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { the_library_is_loaded_when_it_is_missing,
		an_older_library_is_replaced_and_a_newer_one_stays,
		an_error_answer_is_not_away, the_breaker_opens_after_three_failures,
		a_late_reply_never_answers_the_next_call, NULL };
	return store_main("redis", tests);
}
