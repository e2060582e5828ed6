#include "config.h"

#include "daemon.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/limits.h"
#include "base/log.h"
#include "event/wake.h"
#include "metrics/metrics.h"
#include "pg/pg.h"
#include "redis/redis.h"

#include "base/banned.h"

enum { PAUSE_MS = 100, PAUSE_MAX_MS = 5000, REST_TIMES = 3, REST_MOST_US = 50000 };

static volatile sig_atomic_t stopping;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

/* Signals come in only while waiting, so that no step is cut; one that takes long asks for them. */
static void block_signals(sigset_t *ret_waiting)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_stop };
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		sigaddset(&blocked, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, ret_waiting);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigdelset(ret_waiting, numbers[i]);
	signal(SIGPIPE, SIG_IGN);
}

static void await(int wake, int64_t wait_ms, const sigset_t *waiting)
{
	struct pollfd poll = { .fd = wake, .events = POLLIN };
	struct timespec most = { .tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000 };
	if (ppoll(&poll, wake >= 0 ? 1 : 0, &most, waiting) > 0)
		event_wake_drain(wake);
}

/* Between two steps it rests longer than it worked, unless more waits than one step takes: in a
 * rush what comes meanwhile is taken together, for a step costs more than an event does, and those
 * who sell have the processor. What comes after a quiet moment does not wait. */
static void rest(int64_t begun_us, int64_t ended_us, const sigset_t *waiting)
{
	int64_t rest_us = REST_TIMES * (ended_us - begun_us);
	if (rest_us > REST_MOST_US)
		rest_us = REST_MOST_US;
	int64_t left_ms = (ended_us + rest_us - clock_monotonic_us()) / 1000;
	if (left_ms > 0)
		await(-1, left_ms, waiting);
}

static void log_failure(const struct ctx *ctx, enum fault fault)
{
	struct log_line line;
	log_start(&line, LOG_ERROR, "step failed");
	log_text(&line, "fault", fault_info(fault)->slug);
	log_text(&line, "cause", ctx->log_detail);
	log_end(&line);
}

static void loop(struct ctx *ctx, const struct daemon_program *program, const sigset_t *waiting)
{
	int64_t poll_ms = program->poll == DAEMON_POLL_SECOND ? 1000
		: conf_integer(CONF_EVENT_POLL_MS);
	int wake = program->wake ? event_wake_open(program->wake) : -1;
	int64_t pause_ms = PAUSE_MS;
	while (!stopping) {
		bool more = false;
		int64_t begun_us = clock_monotonic_us();
		ctx->now_ms = clock_now_ms();
		enum fault fault = program->step(ctx, &more);
		if (fault)
			log_failure(ctx, fault);
		else
			ctx_run_after(ctx);
		ctx_reset(ctx);
		if (fault) {
			await(-1, pause_ms + random() % pause_ms, waiting);
			pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
			continue;
		}
		pause_ms = PAUSE_MS;
		int64_t ended_us = clock_monotonic_us();
		await(wake, more ? 0 : poll_ms, waiting);
		if (!more)
			rest(begun_us, ended_us, waiting);
	}
	if (wake >= 0)
		close(wake);
}

static int run(const struct daemon_program *program)
{
	sigset_t waiting;
	struct ctx ctx;
	block_signals(&waiting);
	srandom((unsigned)(clock_monotonic_us() ^ getpid()));
	ctx_init(&ctx, arena_new(LIMIT_ARENA_BYTES));
	ctx.pg = pg_new_for(conf_text(CONF_DATABASE_URL),
		program->role ? program->role : program->name);
	ctx.redis = redis_new(conf_text(CONF_REDIS_URL));
	metrics_attach_from_environment(program->wake ? program->wake : program->name);
	log_event(LOG_INFO, "started", NULL, NULL);
	loop(&ctx, program, &waiting);
	log_event(LOG_INFO, "stopped", NULL, NULL);
	pg_free(ctx.pg);
	redis_free(ctx.redis);
	arena_free(ctx.arena);
	return EXIT_SUCCESS;
}

int daemon_main(int argc, char **argv, const struct daemon_program *program)
{
	const char *error;
	if (!conf_load(&error)) {
		log_event(LOG_ERROR, "bad setting", "error", error);
		return EXIT_FAILURE;
	}
	if (argc > 1 && strcmp(argv[1], "--conf") == 0) {
		conf_print(stdout);
		return EXIT_SUCCESS;
	}
	log_init(program->wake ? program->wake : program->name, conf_text(CONF_LOG_LEVEL));
	clock_set_timezone(conf_text(CONF_TIMEZONE));
	if (program->check && !program->check(&error)) {
		log_event(LOG_ERROR, "bad setting", "error", error);
		return EXIT_FAILURE;
	}
	if (!token_keys_load(conf_text(CONF_TOKEN_KEYS), &error)) {
		log_event(LOG_ERROR, "bad setting CM_TOKEN_KEYS", "error", error);
		return EXIT_FAILURE;
	}
	return run(program);
}
