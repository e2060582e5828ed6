#include "worker.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/limits.h"
#include "base/log.h"
#include "guard.h"
#include "http/problem.h"
#include "metrics/metrics.h"
#include "pg/pg.h"
#include "pg/replica.h"
#include "redis/redis.h"

#include "base/banned.h"

enum { LISTEN_FD = 0, IDLE_MS = 1000 };

static volatile sig_atomic_t stopping;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

/* Signals arrive only inside epoll_pwait: libfcgi's own handlers, or ours without SA_RESTART,
 * would cut a body that is being read. */
static void block_signals(sigset_t *ret_waiting)
{
	static const int numbers[] = { SIGTERM, SIGHUP, SIGUSR1, SIGINT };
	sigset_t blocked;
	struct sigaction action = { .sa_handler = on_stop };
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

static int watch_listener(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, LISTEN_FD, &event) < 0)
		return -1;
	return epoll;
}

static const char *cgi_value(const void *source, const char *name)
{
	const char *value = FCGX_GetParam(name, (char **)(uintptr_t)source);
	return value && *value ? value : NULL;
}

static const char *parameter(const FCGX_Request *fcgi, const char *name)
{
	return cgi_value(fcgi->envp, name);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void fill_request(struct ctx *ctx, const FCGX_Request *fcgi, struct req *req)
{
	const char *uri = or_empty(parameter(fcgi, "DOCUMENT_URI"));
	*req = (struct req){
		.method = method_parse(or_empty(parameter(fcgi, "REQUEST_METHOD"))),
		.path = arena_strdup(ctx->arena, uri),
		.query = or_empty(parameter(fcgi, "QUERY_STRING")),
		.body = "",
		.content_type = parameter(fcgi, "CONTENT_TYPE"),
		.authorization = parameter(fcgi, "HTTP_AUTHORIZATION"),
		.idempotency_key = parameter(fcgi, "HTTP_IDEMPOTENCY_KEY"),
		.if_none_match = parameter(fcgi, "HTTP_IF_NONE_MATCH"),
		.if_match = parameter(fcgi, "HTTP_IF_MATCH"),
		.accept = parameter(fcgi, "HTTP_ACCEPT"),
		.accept_language = parameter(fcgi, "HTTP_ACCEPT_LANGUAGE"),
		.remote_address = or_empty(parameter(fcgi, "REMOTE_ADDR")),
		.header = cgi_value,
		.header_source = fcgi->envp,
	};
	const char *request_id = parameter(fcgi, "HTTP_X_REQUEST_ID");
	if (request_id)
		ctx->request_id = arena_strndup(ctx->arena, request_id,
			strnlen(request_id, LIMIT_REQUEST_ID));
	ctx->traceparent = parameter(fcgi, "HTTP_TRACEPARENT");
	ctx->language = problem_language(req->accept_language);
}

static enum fault read_body(struct ctx *ctx, FCGX_Request *fcgi, size_t limit, struct req *req)
{
	int64_t length = 0;
	const char *text = parameter(fcgi, "CONTENT_LENGTH");
	if (!text)
		return FAULT_NONE;
	if (!str_to_int(text, &length) || length < 0)
		return FAULT_BODY_INCOMPLETE;
	if ((uint64_t)length > limit)
		return FAULT_BODY_TOO_LARGE;
	char *body = arena_alloc(ctx->arena, (size_t)length + 1);
	int got = FCGX_GetStr(body, (int)length, fcgi->in);
	if (got != length) {
		metric_add(METRIC_WORKER_REQUEST_CUT, 1);
		return FAULT_BODY_INCOMPLETE;
	}
	req->body = body;
	req->body_length = (size_t)length;
	return FAULT_NONE;
}

/* One request being answered. */
struct exchange {
	FCGX_Request *fcgi;
	struct req req;
	struct res res;
	const struct route *route; /* NULL when none fits */
	enum fault fault;
	int64_t duration_us;
};

static enum fault dispatch(struct ctx *ctx, const struct worker *worker, struct exchange *one)
{
	size_t limit = worker->body_limit ? worker->body_limit : LIMIT_BODY_BYTES;
	struct route_table table = { worker->routes, worker->route_count };
	enum fault fault = route_find(ctx, table, &one->req, &one->res, &one->route);
	if (fault || !one->route)
		return fault;
	if ((fault = guard_check(ctx, &one->req, one->route, &one->res)))
		return fault;
	if ((fault = read_body(ctx, one->fcgi, limit, &one->req)))
		return fault;
	return one->route->handler(ctx, &one->req, &one->res);
}

static const char *reason(int status)
{
	static const struct { int status; const char *phrase; } phrases[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
		{ 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 409, "Conflict" }, { 410, "Gone" },
		{ 412, "Precondition Failed" }, { 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" }, { 422, "Unprocessable Content" },
		{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 500, "Internal Server Error" }, { 503, "Service Unavailable" },
	};
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

static bool has_body(const struct res *res)
{
	return res->status != 204 && res->status != 304;
}

/* Each part has an arena of its own, so that a long answer needs no more memory than a short one. A
 * broken one is cut off, so that nobody takes it for the whole. */
static void send_stream(struct ctx *ctx, FCGX_Request *fcgi, struct res *res)
{
	struct arena *whole = ctx->arena;
	bool more = true;
	ctx->arena = arena_new(LIMIT_ARENA_BYTES);
	while (more) {
		arena_reset(ctx->arena);
		strbuf_init(&res->body, ctx->arena);
		more = res->stream(ctx, res);
		if (FCGX_PutStr(res->body.data, (int)res->body.length, fcgi->out) < 0)
			break;
	}
	if (res->stream_broken)
		shutdown(fcgi->ipcFd, SHUT_RDWR);
	arena_free(ctx->arena);
	ctx->arena = whole;
	strbuf_init(&res->body, whole);
}

static void send_reply(struct ctx *ctx, FCGX_Request *fcgi, const struct req *req,
	struct res *res)
{
	struct strbuf head;
	strbuf_init(&head, ctx->arena);
	strbuf_printf(&head, "Status: %d %s\r\n", res->status, reason(res->status));
	if (has_body(res))
		strbuf_printf(&head, "Content-Type: %s\r\n", res->content_type);
	if (has_body(res) && !res->stream)
		strbuf_printf(&head, "Content-Length: %zu\r\n", res->body.length);
	strbuf_printf(&head, "Cache-Control: %s\r\n", res->cache_control);
	for (const struct res_header *header = res->headers; header; header = header->next)
		strbuf_printf(&head, "%s: %s\r\n", header->name, header->value);
	strbuf_text(&head, "\r\n");
	FCGX_PutStr(head.data, (int)head.length, fcgi->out);
	if (req->method == METHOD_HEAD || !has_body(res))
		return;
	FCGX_PutStr(res->body.data, (int)res->body.length, fcgi->out);
	if (res->stream)
		send_stream(ctx, fcgi, res);
}

static void log_request(const struct ctx *ctx, const struct exchange *one)
{
	struct log_line line;
	bool ours = one->fault && problem_status(one->fault) >= 500;
	log_start(&line, ours ? LOG_ERROR : LOG_INFO, "request");
	log_text(&line, "requestId", ctx->request_id);
	log_text(&line, "traceparent", ctx->traceparent);
	log_text(&line, "method", method_name(one->req.method));
	log_text(&line, "route", one->route ? one->route->pattern : "-");
	log_number(&line, "status", one->res.status);
	log_number(&line, "durationUs", one->duration_us);
	if (ctx->statements)
		log_number(&line, "databaseUs", ctx->database_us);
	if (ctx->scripts)
		log_number(&line, "redisUs", ctx->redis_us);
	log_number(&line, "statements", ctx->statements);
	log_number(&line, "scripts", ctx->scripts);
	if (ctx->member.value)
		log_number(&line, "memberId", ctx->member.value);
	if (one->fault)
		log_text(&line, "fault", fault_info(one->fault)->slug);
	if (ours)
		log_text(&line, "cause", ctx->log_detail);
	log_end(&line);
}

/* Indexes are looked up once: the table is fixed for the process' life. */
static int route_metrics[METRICS_ROUTES], unrouted_metrics;

static void register_routes(const struct worker *worker)
{
	char name[METRICS_ROUTE_NAME];
	unrouted_metrics = metrics_route("-");
	for (size_t i = 0; i < worker->route_count && i < METRICS_ROUTES; i++) {
		snprintf(name, sizeof(name), "%s %s", method_name(worker->routes[i].method),
			worker->routes[i].pattern);
		route_metrics[i] = metrics_route(name);
	}
}

static void count_request(const struct ctx *ctx, const struct worker *worker,
	const struct exchange *one)
{
	metric_observe_route(one->route ? route_metrics[one->route - worker->routes]
		: unrouted_metrics, one->res.status, one->duration_us);
	if (ctx->statements)
		metric_observe(METRIC_DATABASE_CALL, ctx->database_us / ctx->statements);
	if (ctx->scripts)
		metric_observe(METRIC_REDIS_CALL, ctx->redis_us / ctx->scripts);
}

static void count_fault(enum fault fault)
{
	if (fault == FAULT_DATABASE_AWAY || fault == FAULT_DATABASE_BUSY
		|| fault == FAULT_OUTCOME_UNKNOWN)
		metric_add(METRIC_DATABASE_ERRORS, 1);
	if (fault == FAULT_REDIS_AWAY)
		metric_add(METRIC_REDIS_ERRORS, 1);
}

static void serve(struct ctx *ctx, const struct worker *worker, FCGX_Request *fcgi)
{
	int64_t start = clock_monotonic_us();
	struct exchange one = { .fcgi = fcgi };
	ctx->now_ms = clock_now_ms();
	res_init(&one.res, ctx->arena);
	fill_request(ctx, fcgi, &one.req);
	one.fault = dispatch(ctx, worker, &one);
	if (one.fault)
		problem_write(ctx, one.fault, &one.res);
	send_reply(ctx, fcgi, &one.req, &one.res);
	FCGX_Finish_r(fcgi);
	one.duration_us = clock_monotonic_us() - start;
	count_request(ctx, worker, &one);
	count_fault(one.fault);
	log_request(ctx, &one);
	ctx_run_after(ctx);
	ctx_reset(ctx);
}

static int64_t resident_mib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return (int64_t)pages * sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

/* Between requests only, so that nobody's request is cut. */
static bool is_retired(int64_t served, int64_t most)
{
	return served >= most
		|| (served % 256 == 0 && resident_mib() > conf_integer(CONF_WORKER_MEMORY_MIB));
}

/* What a large answer or a password's hash needed is kept for the next one, but not through the
 * quiet hours: mapping it anew for each hash costs a tenth to a quarter of signing in. */
static void loop(struct ctx *ctx, const struct worker *worker, const sigset_t *waiting)
{
	FCGX_Request fcgi;
	struct epoll_event event;
	int epoll = watch_listener();
	int64_t most = conf_integer(CONF_WORKER_REQUESTS);
	most = most - most / 10 + random() % (most / 5 + 1);
	FCGX_InitRequest(&fcgi, LISTEN_FD, FCGI_FAIL_ACCEPT_ON_INTR);
	int patience_ms = -1;
	for (int64_t served = 1; epoll >= 0 && !stopping && !is_retired(served, most);) {
		int ready = epoll_pwait(epoll, &event, 1, patience_ms, waiting);
		if (ready == 0) {
			malloc_trim(0);
			patience_ms = -1;
		}
		if (ready <= 0 || stopping)
			continue;
		if (FCGX_Accept_r(&fcgi) < 0)
			continue; /* another worker was faster */
		serve(ctx, worker, &fcgi);
		patience_ms = IDLE_MS;
		served++;
	}
	FCGX_Free(&fcgi, 1);
}

/* A forged record aborts libfcgi: only nginx, over a Unix socket, may talk to us. */
static bool is_listener_private(void)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	return getsockname(LISTEN_FD, (struct sockaddr *)&address, &length) == 0
		&& address.ss_family == AF_UNIX;
}

static void seed_random(void)
{
	unsigned seed = 0;
	RAND_bytes((unsigned char *)&seed, sizeof(seed));
	srandom(seed);
}

static bool may_lag(const struct worker *worker)
{
	unsigned guards = 0;
	for (size_t i = 0; i < worker->route_count; i++)
		guards |= worker->routes[i].guards;
	return guards & (GUARD_MAY_LAG | GUARD_REPORT);
}

static int run(const struct worker *worker)
{
	sigset_t waiting;
	struct ctx ctx;
	if (!is_listener_private()) {
		log_event(LOG_ERROR, "standard input must be a listening Unix socket", NULL, NULL);
		return EXIT_FAILURE;
	}
	FCGX_Init();
	block_signals(&waiting);
	seed_random();
	ctx_init(&ctx, arena_new(LIMIT_ARENA_BYTES));
	ctx.pg = pg_new_for(conf_text(CONF_DATABASE_URL), worker->name);
	if (may_lag(worker) && *conf_text(CONF_DATABASE_REPLICA_URL))
		ctx.replica = replica_new(conf_text(CONF_DATABASE_REPLICA_URL), worker->name);
	ctx.redis = redis_new(conf_text(CONF_REDIS_URL));
	metrics_attach_from_environment(worker->name);
	register_routes(worker);
	if (worker->init)
		worker->init();
	loop(&ctx, worker, &waiting);
	pg_free(ctx.pg);
	replica_free(ctx.replica);
	redis_free(ctx.redis);
	arena_free(ctx.arena);
	return EXIT_SUCCESS;
}

static bool are_settings_good(const struct worker *worker, const char **ret_error)
{
	return conf_load(ret_error) && (!worker->check || worker->check(ret_error));
}

int worker_main(int argc, char **argv, const struct worker *worker)
{
	const char *error;
	if (argc > 1 && strcmp(argv[1], "--routes") == 0) {
		route_print(worker->routes, worker->route_count, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 1 && strcmp(argv[1], "--conf") == 0 && conf_load(&error)) {
		conf_print(stdout);
		return EXIT_SUCCESS;
	}
	bool is_good = are_settings_good(worker, &error);
	if (argc > 1 && strcmp(argv[1], "--check") == 0) {
		if (!is_good)
			fprintf(stderr, "%s\n", error);
		return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (!is_good) {
		log_event(LOG_ERROR, "bad setting", "error", error);
		return EXIT_FAILURE;
	}
	log_init(worker->name, conf_text(CONF_LOG_LEVEL));
	clock_set_timezone(conf_text(CONF_TIMEZONE));
	if (!token_keys_load(conf_text(CONF_TOKEN_KEYS), &error)) {
		log_event(LOG_ERROR, "bad setting CM_TOKEN_KEYS", "error", error);
		return EXIT_FAILURE;
	}
	return run(worker);
}
