/* cm-pool: the parent of a pool of workers.
 *
 *   spawn-fcgi -n -s SOCKET -M 0660 -b N -- cm-pool -n WORKERS [--name NAME] -- PROGRAM [ARGS]
 *
 * Keeps WORKERS copies of PROGRAM on the listening socket it was given as descriptor 0.
 *   SIGTERM, SIGINT   drain: SIGTERM to all, SIGKILL after --drain seconds, then exit 0
 *   SIGHUP            roll: a replacement first, then the old worker, one after another
 *   SIGTTIN, SIGTTOU  one worker more, one less
 * A worker sees CM_POOL and CM_WORKER_SLOT, a small number that its successors reuse; while a roll
 * is under way one slot above the usual ones is in use. Everything happens in one loop: signals
 * only wake it (signalfd), reconcile() then compares what is with what should be. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "metrics/metrics.h"

#include "base/banned.h"

enum { WORKERS_MAX = 256, SLOTS = WORKERS_MAX + 1 };
enum {
	LIVED_WELL_MS = 1000,	/* a worker that lived longer is replaced at once */
	QUICK_RETIREMENTS = 8,	/* so many exits with 0 in a row are replaced at once, too */
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MOST_MS = 2000,
	SETTLED_MS = 100	/* a replacement must live so long before its predecessor stops */
};

enum state { FREE, RUNNING, WAITING, STOPPING };

struct worker {
	enum state state;
	pid_t pid;
	int failures, retirements; /* in a row */
	unsigned generation;
	int64_t started_ms; /* RUNNING, STOPPING */
	int64_t due_ms;	    /* WAITING: when to start; STOPPING: when to kill */
};

static struct {
	const char *name;
	char **program;
	int wanted;
	int64_t drain_ms;
	pid_t pid;
	struct worker worker[SLOTS];
	unsigned generation;
	bool draining;
	int old, new; /* slots of the roll's step under way, else -1 */
} pool = {.drain_ms = 20000, .old = -1, .new = -1};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void report(enum log_level level, const char *message, int slot, int64_t status)
{
	struct log_line line;
	log_start(&line, level, message);
	log_text(&line, "pool", pool.name);
	if (slot >= 0) {
		log_number(&line, "slot", slot);
		log_number(&line, "worker", pool.worker[slot].pid);
		log_number(&line, "lived_ms", now_ms() - pool.worker[slot].started_ms);
	}
	if (status >= 0)
		log_number(&line, "status", status);
	log_end(&line);
}

static int count(enum state state)
{
	int found = 0;
	for (int i = 0; i < SLOTS; i++)
		found += pool.worker[i].state == state;
	return found;
}

static void publish_levels(void)
{
	metric_set(METRIC_POOL_WORKERS, count(RUNNING));
	metric_set(METRIC_POOL_WORKERS_BACKOFF, count(WAITING));
	metric_set(METRIC_POOL_WORKERS_STOPPING, count(STOPPING));
	metric_set(METRIC_POOL_WORKERS_WANTED, pool.draining ? 0 : pool.wanted);
}

/* In the child, between fork and exec. */
static void become_worker(int slot)
{
	static const int ours[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU, SIGPIPE};
	char number[16];
	sigset_t none;
	sigemptyset(&none);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* SIGTERM, so that an orphan finishes the request in its hands; asked after prctl, because
	 * the parent may have gone before. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != pool.pid)
		_exit(0);
	snprintf(number, sizeof(number), "%d", slot);
	if (setenv("CM_WORKER_SLOT", number, 1) || setenv("CM_POOL", pool.name, 1))
		_exit(127);
	execvp(pool.program[0], pool.program);
	log_event(LOG_ERROR, "can't run the worker's program", "reason", strerror(errno));
	_exit(127);
}

static int64_t backoff_ms(int failures)
{
	int64_t most = BACKOFF_MOST_MS;
	uint32_t random = 0;
	if (failures < 6)
		most = BACKOFF_FIRST_MS << failures;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)now_ms();
	return most / 2 + random % (most / 2 + 1);
}

static void wait_to_start(int slot, int64_t delay_ms)
{
	pool.worker[slot].state = WAITING;
	pool.worker[slot].pid = 0;
	pool.worker[slot].due_ms = now_ms() + delay_ms;
}

static void start(int slot)
{
	struct worker *worker = &pool.worker[slot];
	pid_t pid = fork();
	if (pid == 0)
		become_worker(slot);
	if (pid < 0) {
		report(LOG_ERROR, "can't fork", -1, errno);
		wait_to_start(slot, backoff_ms(worker->failures++));
		return;
	}
	worker->state = RUNNING;
	worker->pid = pid;
	worker->generation = pool.generation;
	worker->started_ms = now_ms();
	report(LOG_INFO, "worker started", slot, -1);
}

static void stop(int slot)
{
	struct worker *worker = &pool.worker[slot];
	if (worker->state == WAITING)
		memset(worker, 0, sizeof(*worker));
	if (worker->state != RUNNING)
		return;
	worker->state = STOPPING;
	worker->due_ms = now_ms() + pool.drain_ms;
	kill(worker->pid, SIGTERM);
}

/* Milliseconds to wait before the slot's next worker, from how its last one ended. */
static int64_t delay_after(struct worker *worker, bool retired)
{
	if (now_ms() - worker->started_ms > LIVED_WELL_MS) {
		worker->failures = 0;
		worker->retirements = 0;
		return 0;
	}
	if (retired && ++worker->retirements <= QUICK_RETIREMENTS)
		return 0;
	return backoff_ms(worker->failures++);
}

static void ended(int slot, int status)
{
	struct worker *worker = &pool.worker[slot];
	bool retired = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	metrics_slot_gone((unsigned)slot);
	if (worker->state == STOPPING || slot == pool.old) {
		metric_add(METRIC_POOL_RESTARTS_ROLL, slot == pool.old);
		report(LOG_INFO, "worker stopped", slot, status);
		memset(worker, 0, sizeof(*worker));
		return;
	}
	metric_add(retired ? METRIC_POOL_RESTARTS_RETIRE : METRIC_POOL_RESTARTS_CRASH, 1);
	if (retired)
		report(LOG_INFO, "worker retired", slot, status);
	else
		report(LOG_ERROR, "worker died", slot, status);
	wait_to_start(slot, delay_after(worker, retired));
}

static void reap(void)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (int i = 0; i < SLOTS; i++)
			if (pool.worker[i].pid == pid)
				ended(i, status);
}

static int free_slot(void)
{
	for (int i = 0; i < SLOTS; i++)
		if (pool.worker[i].state == FREE)
			return i;
	return -1;
}

static void open_slot(void)
{
	int slot = free_slot();
	if (slot >= 0)
		wait_to_start(slot, 0);
}

static void kill_overdue(int64_t now)
{
	for (int i = 0; i < SLOTS; i++) {
		struct worker *worker = &pool.worker[i];
		if (worker->state != STOPPING || now < worker->due_ms)
			continue;
		report(LOG_WARNING, "worker did not stop, killing it", i, -1);
		metric_add(METRIC_POOL_KILLED, 1);
		kill(worker->pid, SIGKILL);
		worker->due_ms = now + BACKOFF_MOST_MS;
	}
}

static bool is_settled(int slot, int64_t now)
{
	const struct worker *worker = &pool.worker[slot];
	return worker->state == RUNNING && now - worker->started_ms >= SETTLED_MS;
}

/* One step of a roll: replacement, settled, old one told, old one gone. A replacement that
 * dies is started again with back-off and the old worker goes on: a broken program can't roll
 * a working one away. */
static void roll(int64_t now)
{
	if (pool.old >= 0 && pool.worker[pool.old].state == FREE && is_settled(pool.new, now))
		pool.old = pool.new = -1;
	if (pool.old >= 0) {
		if (is_settled(pool.new, now))
			stop(pool.old);
		return;
	}
	for (int i = 0; i < SLOTS && pool.old < 0; i++)
		if (pool.worker[i].state == RUNNING &&
		    pool.worker[i].generation != pool.generation)
			pool.old = i;
	if (pool.old < 0)
		return;
	pool.new = free_slot();
	if (pool.new < 0)
		pool.old = -1;
	else
		wait_to_start(pool.new, 0);
}

/* Opens or ends slots until as many are in use as wanted; a roll's replacement comes on top. */
static void resize(void)
{
	int used = count(RUNNING) + count(WAITING);
	if (pool.old >= 0 && pool.worker[pool.old].state == RUNNING)
		used--;
	for (; used < pool.wanted; used++)
		open_slot();
	for (int i = SLOTS - 1; i >= 0 && used > pool.wanted; i--) {
		enum state state = pool.worker[i].state;
		if (i == pool.old || i == pool.new || (state != RUNNING && state != WAITING))
			continue;
		stop(i);
		used--;
	}
}

/* Brings the pool nearer to what it should be; false when it is drained. */
static bool reconcile(int64_t now)
{
	kill_overdue(now);
	if (pool.draining) {
		for (int i = 0; i < SLOTS; i++)
			stop(i);
		return count(STOPPING) > 0;
	}
	roll(now);
	resize();
	for (int i = 0; i < SLOTS; i++)
		if (pool.worker[i].state == WAITING && now >= pool.worker[i].due_ms)
			start(i);
	return true;
}

/* Milliseconds until reconcile has something to do again; -1: not before a signal. */
static int next_event_ms(int64_t now)
{
	int64_t next = -1;
	for (int i = 0; i < SLOTS; i++) {
		const struct worker *worker = &pool.worker[i];
		int64_t due = worker->due_ms;
		if (i == pool.new && worker->state == RUNNING && !is_settled(i, now))
			due = worker->started_ms + SETTLED_MS;
		else if (worker->state != WAITING && worker->state != STOPPING)
			continue;
		if (next < 0 || due < next)
			next = due;
	}
	if (next < 0)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static void resized(int wanted)
{
	struct log_line line;
	if (wanted >= 1 && wanted <= WORKERS_MAX)
		pool.wanted = wanted;
	log_start(&line, LOG_INFO, "pool resized");
	log_text(&line, "pool", pool.name);
	log_number(&line, "workers", pool.wanted);
	log_end(&line);
}

static void obey(uint32_t signal)
{
	switch (signal) {
	case SIGHUP:
		pool.generation++;
		report(LOG_INFO, "rolling the pool", -1, -1);
		break;
	case SIGTTIN:
		resized(pool.wanted + 1);
		break;
	case SIGTTOU:
		resized(pool.wanted - 1);
		break;
	case SIGTERM:
	case SIGINT:
		if (!pool.draining)
			report(LOG_INFO, "draining the pool", -1, -1);
		pool.draining = true;
		break;
	default:
		break;
	}
}

static void run(int signals)
{
	struct pollfd wake = {.fd = signals, .events = POLLIN};
	while (reconcile(now_ms())) {
		struct signalfd_siginfo info;
		publish_levels();
		if (poll(&wake, 1, next_event_ms(now_ms())) < 0 && errno != EINTR)
			abort();
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			obey(info.ssi_signo);
		reap();
	}
	publish_levels();
	report(LOG_INFO, "pool drained", -1, -1);
}

static int take_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* An inherited SIG_IGN would make the kernel reap the children behind our back. */
	signal(SIGCHLD, SIG_DFL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* libfcgi trusts its peer with its life (a forged record aborts it), so the socket must be a
 * listening Unix one that others can't open. */
static const char *socket_fault(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t length = sizeof(address), size = sizeof(int);
	struct stat status;
	int listening = 0;
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) || !listening)
		return "descriptor 0 is not a listening socket (start me by spawn-fcgi)";
	if (getsockname(STDIN_FILENO, (struct sockaddr *)&address, &length) ||
	    address.sun_family != AF_UNIX)
		return "the socket is not a Unix socket";
	if (!address.sun_path[0] || stat(address.sun_path, &status))
		return "the socket's file can't be found";
	if (status.st_mode & 0007)
		return "the socket is open to everybody (start spawn-fcgi with -M 0660)";
	return NULL;
}

static const char *default_name(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	return strncmp(name, "cm-", 3) ? name : name + 3;
}

static int usage(const char *why)
{
	fprintf(stderr,
		"cm-pool: %s\n"
		"usage: cm-pool -n WORKERS [--name NAME] [--drain SECONDS] -- PROGRAM [ARGS]\n",
		why);
	return 2;
}

/* NULL, or what is wrong with the arguments. */
static const char *arguments(int argc, char **argv)
{
	static const struct option options[] = {{"workers", required_argument, NULL, 'n'},
						{"name", required_argument, NULL, 'N'},
						{"drain", required_argument, NULL, 'd'},
						{NULL, 0, NULL, 0}};
	for (int option; (option = getopt_long(argc, argv, "+n:", options, NULL)) != -1;) {
		char *end = optarg;
		if (option == '?')
			return "unknown option";
		if (option == 'N') {
			pool.name = optarg;
			continue;
		}
		long number = strtol(optarg, &end, 10);
		if (end == optarg || *end || number < 1 || number > WORKERS_MAX)
			return "numbers go from 1 to 256";
		if (option == 'n')
			pool.wanted = (int)number;
		else
			pool.drain_ms = number * 1000;
	}
	pool.program = argv + optind;
	if (!pool.wanted || !pool.program[0])
		return "-n and a program are needed";
	if (!pool.name)
		pool.name = default_name(pool.program[0]);
	if (strchr(pool.program[0], '/') && access(pool.program[0], X_OK))
		return "the program can't be run";
	return NULL;
}

int main(int argc, char **argv)
{
	log_init("pool", "info");
	const char *fault = arguments(argc, argv);
	if (!fault)
		fault = socket_fault();
	if (fault)
		return usage(fault);
	pool.pid = getpid();
	int signals = take_signals();
	if (signals < 0)
		return usage(strerror(errno));
	const char *dir = getenv("CM_METRICS_DIR");
	if (dir && *dir && !metrics_attach(dir, pool.name, METRICS_SLOT_PARENT))
		log_event(LOG_WARNING, "not counted", "reason", strerror(errno));
	run(signals);
	return 0;
}
