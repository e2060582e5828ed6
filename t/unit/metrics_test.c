/* The metrics segment and its text: no drivers, real files in a temporary folder. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "metrics/exposition.h"
#include "metrics/segment.h"

#include "base/banned.h"

static char folder[64];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/cm-metrics-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	metrics_detach();
	DIR *dir = opendir(folder);
	for (struct dirent *entry; (entry = readdir(dir));)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	ck_assert_int_eq(rmdir(folder), 0);
}

static char *text_now(void)
{
	char *text = NULL;
	size_t length = 0;
	struct arena *arena = arena_new(16 << 20);
	FILE *out = open_memstream(&text, &length);
	metrics_print(arena, out, folder);
	fclose(out);
	arena_free(arena);
	return text;
}

static void assert_line(const char *line, bool wanted)
{
	char *text = text_now(), whole[256];
	snprintf(whole, sizeof(whole), "\n%s\n", line);
	bool found = strstr(text, whole) != NULL;
	if (found != wanted)
		ck_abort_msg("%s: %s in:\n%s", wanted ? "missing" : "unwanted", line, text);
	free(text);
}

/* Runs fn in a process of its own that takes the slot and then dies without any tidying up. */
static void in_worker(unsigned slot, void (*fn)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		metrics_detach();
		if (!metrics_attach(folder, "auth", slot))
			_exit(1);
		fn();
		raise(SIGKILL);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
}

static void do_work(void)
{
	metric_add(METRIC_AUTH_SIGN_IN_OK, 3);
	metric_set(METRIC_POOL_WORKERS_WANTED, 5);
	metric_observe_route(metrics_route("POST /auth/login"), 200, 700);
}

START_TEST(not_attached_is_a_no_op)
{
	metric_add(METRIC_AUTH_SIGN_IN_OK, 1);
	metric_observe(METRIC_DATABASE_CALL, 10);
	ck_assert_int_eq(metrics_route("GET /x"), -1);
	metric_observe_route(-1, 200, 5);
	ck_assert(!metrics_attach("", "auth", 0));
	ck_assert(!metrics_attach(NULL, "auth", 0));
	ck_assert(!metrics_attach(folder, "../auth", 0));
	ck_assert(!metrics_attach(folder, "auth", METRICS_SLOTS + 1));
	ck_assert(!metrics_attach("/nonexistent", "auth", 0));
}
END_TEST

START_TEST(totals_outlive_a_killed_worker)
{
	in_worker(0, do_work);
	assert_line("cm_sign_in_total{pool=\"auth\",outcome=\"ok\"} 3", true);
	in_worker(0, do_work); /* the successor goes on where the first ended */
	in_worker(7, do_work); /* and a third counts beside it */
	assert_line("cm_sign_in_total{pool=\"auth\",outcome=\"ok\"} 9", true);
	assert_line("cm_requests_total{pool=\"auth\",route=\"POST /auth/login\",status=\"2xx\"} 3",
		    true);
	assert_line("cm_pool_workers_wanted{pool=\"auth\"} 10", true);
	ck_assert(metrics_attach(folder, "auth", METRICS_SLOT_PARENT));
	metrics_slot_gone(0);
	metrics_slot_gone(7);
	assert_line("cm_pool_workers_wanted{pool=\"auth\"} 0", true);
	assert_line("cm_sign_in_total{pool=\"auth\",outcome=\"ok\"} 9", true);
}
END_TEST

static void count_much(void)
{
	int route = metrics_route("GET /seat/{id}");
	for (int i = 0; i < 20000; i++) {
		metric_add(METRIC_HOLD_MADE, 1);
		metric_observe_route(route, 404, 1);
	}
}

START_TEST(two_owners_of_one_slot_lose_nothing)
{
	ck_assert(metrics_attach(folder, "auth", 1));
	pid_t pid[2];
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			metrics_detach();
			if (metrics_attach(folder, "auth", 0))
				count_much();
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++)
		waitpid(pid[i], NULL, 0);
	assert_line("cm_holds_total{pool=\"auth\",outcome=\"made\"} 40000", true);
	assert_line("cm_requests_total{pool=\"auth\",route=\"GET /seat/{id}\",status=\"4xx\"} 40000",
		    true);
}
END_TEST

START_TEST(histograms_are_cumulative)
{
	ck_assert(metrics_attach(folder, "concert", 0));
	static const int64_t times[] = {-5, 500, 501, 9999999, 10000001};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		metric_observe(METRIC_DATABASE_CALL, times[i]);
	const char *name = "cm_dependency_call_seconds";
	char line[160];
	static const char *const want[] = {"0.0005\"} 2", "0.001\"} 3", "5\"} 3", "10\"} 4",
					   "+Inf\"} 5"};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		snprintf(line, sizeof(line),
			 "%s_bucket{pool=\"concert\",dependency=\"database\",le=\"%s", name, want[i]);
		assert_line(line, true);
	}
	snprintf(line, sizeof(line), "%s_sum{pool=\"concert\",dependency=\"database\"} 20.001001",
		 name);
	assert_line(line, true);
	metric_observe(METRIC_HOLD_MADE, 5); /* not a histogram: no effect, no overrun */
	assert_line("cm_holds_total{pool=\"concert\",outcome=\"made\"} 0", true);
}
END_TEST

START_TEST(routes_have_one_index_and_escaped_names)
{
	ck_assert(metrics_attach(folder, "concert", 0));
	int first = metrics_route("GET /a\"b\\c\n");
	ck_assert_int_eq(first, 0);
	ck_assert_int_eq(metrics_route("GET /other"), 1);
	ck_assert_int_eq(metrics_route("GET /a\"b\\c\n"), 0);
	metric_observe_route(first, 999, 1);
	assert_line("cm_requests_total{pool=\"concert\",route=\"GET /a\\\"b\\\\c\\n\","
		    "status=\"other\"} 1",
		    true);
	char name[100];
	for (int i = 2; i < METRICS_ROUTES; i++) {
		snprintf(name, sizeof(name), "GET /%090d", 0);
		snprintf(name, sizeof(name), "GET /%d", i);
		ck_assert_int_eq(metrics_route(name), i);
	}
	ck_assert_int_eq(metrics_route("GET /one-too-many"), -1);
	metric_observe_route(METRICS_ROUTES, 200, 1);
}
END_TEST

START_TEST(another_layout_is_replaced_and_named)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/auth.metrics", folder);
	FILE *file = fopen(path, "w");
	fputs("something else", file);
	fclose(file);
	char *text = text_now();
	ck_assert_ptr_nonnull(strstr(text, "cm_metrics_foreign_segments 1\n"));
	free(text);
	in_worker(0, do_work);
	assert_line("cm_metrics_foreign_segments 0", true);
	assert_line("cm_sign_in_total{pool=\"auth\",outcome=\"ok\"} 3", true);
}
END_TEST

/* What Prometheus demands of the table: rows of a name together, of one type, with one help. */
START_TEST(the_table_is_sound)
{
	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = &metric_rows[i], *before = i ? row - 1 : NULL;
		bool first = !before || strcmp(before->name, row->name) != 0;
		ck_assert_msg(first == (*row->help != '\0'), "help of %s", row->name);
		ck_assert_msg(first || before->type == row->type, "type of %s", row->name);
		ck_assert_msg(row->type != COUNTER ||
				      !strcmp(row->name + strlen(row->name) - 6, "_total"),
			      "%s is a counter without _total", row->name);
		for (int j = 0; j < i; j++) {
			ck_assert_msg(!first || strcmp(metric_rows[j].name, row->name) != 0,
				      "%s stands in two places", row->name);
			ck_assert_msg(strcmp(metric_rows[j].name, row->name) != 0 ||
					      strcmp(metric_rows[j].labels, row->labels) != 0,
				      "%s{%s} twice", row->name, row->labels);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 0);
	tcase_add_test(tests, not_attached_is_a_no_op);
	tcase_add_test(tests, totals_outlive_a_killed_worker);
	tcase_add_test(tests, two_owners_of_one_slot_lose_nothing);
	tcase_add_test(tests, histograms_are_cumulative);
	tcase_add_test(tests, routes_have_one_index_and_escaped_names);
	tcase_add_test(tests, another_layout_is_replaced_and_named);
	tcase_add_test(tests, the_table_is_sound);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
