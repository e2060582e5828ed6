/* What the store tests share: a context connected as the owner of the schema
 * (CM_DATABASE_ADMIN_URL, else CM_DATABASE_URL) and to CM_REDIS_URL. */
#ifndef CM_T_STORE_H
#define CM_T_STORE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/ctx.h"
#include "base/limits.h"
#include "base/str.h"
#include "pg/pg.h"
#include "redis/redis.h"

static struct ctx ctx;

static inline const char *admin_url(void)
{
	const char *url = getenv("CM_DATABASE_ADMIN_URL");
	return url ? url : conf_text(CONF_DATABASE_URL);
}

static inline void setup_stores(void)
{
	const char *error;
	ck_assert(conf_load(&error));
	clock_set_timezone("Asia/Seoul");
	ctx_init(&ctx, arena_new(LIMIT_ARENA_BYTES));
	ctx.request_id = "test";
	ctx.now_ms = clock_now_ms();
	ctx.pg = pg_new(admin_url(), NULL);
	ctx.redis = redis_new(conf_text(CONF_REDIS_URL));
}

static inline void teardown_stores(void)
{
	pg_free(ctx.pg);
	redis_free(ctx.redis);
	arena_free(ctx.arena);
}

/* Runs the tests of the NULL-terminated list, each with fresh connections and no time limit. */
static inline int store_main(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create(name);
	tcase_add_checked_fixture(all, setup_stores, teardown_stores);
	tcase_set_timeout(all, 0);
	for (; *tests; tests++)
		tcase_add_test(all, *tests);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

#endif
