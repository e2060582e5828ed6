/* What the unit tests share: a context on a fresh arena, and main. */
#ifndef CM_T_UNIT_H
#define CM_T_UNIT_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/ctx.h"
#include "base/limits.h"
#include "base/str.h"

static struct ctx ctx;

static inline void setup_ctx(void)
{
	clock_set_timezone("Asia/Seoul");
	ctx_init(&ctx, arena_new(LIMIT_ARENA_BYTES));
	ctx.request_id = "test";
	ctx.now_ms = clock_now_ms();
}

static inline void teardown_ctx(void)
{
	arena_free(ctx.arena);
}

/* Runs the tests of the NULL-terminated list, each with a fresh context and no time limit. */
static inline int unit_main(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create(name);
	tcase_add_checked_fixture(all, setup_ctx, teardown_ctx);
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
