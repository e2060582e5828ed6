#include "redis/redis.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/str.h"
#include "metrics/metrics.h"

#include "base/banned.h"

enum { BREAKER_FAILURES = 3, BREAKER_PAUSE_US = 1000000 };

struct redis {
	char *url;
	redisContext *context;
	int failures;
	int64_t closed_until_us; /* the breaker refuses until then; after it one probe goes through */
};

struct redis *redis_new(const char *url)
{
	struct redis *redis = calloc(1, sizeof(*redis));
	if (!redis)
		abort();
	redis->url = strdup(url);
	return redis;
}

/* A context is dead after any error: a late reply must never answer the next request. */
static void drop(struct redis *redis)
{
	if (redis->context)
		redisFree(redis->context);
	redis->context = NULL;
}

void redis_free(struct redis *redis)
{
	if (!redis)
		return;
	drop(redis);
	free(redis->url);
	free(redis);
}

static struct timeval milliseconds(int64_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* redis://[:password@]host[:port][/db] */
static redisContext *connect_tcp(const char *rest, char *password, size_t size, int *ret_db)
{
	char host[256] = "127.0.0.1";
	int port = 6379;
	const char *at = strrchr(rest, '@');
	if (at) {
		const char *colon = memchr(rest, ':', (size_t)(at - rest));
		const char *from = colon ? colon + 1 : rest;
		snprintf(password, size, "%.*s", (int)(at - from), from);
		rest = at + 1;
	}
	sscanf(rest, "%255[^:/]", host);
	const char *colon = strchr(rest, ':'), *slash = strchr(rest, '/');
	if (colon)
		port = (int)strtol(colon + 1, NULL, 10);
	if (slash)
		*ret_db = (int)strtol(slash + 1, NULL, 10);
	return redisConnectWithTimeout(host, port, milliseconds(conf_integer(CONF_REDIS_CONNECT_MS)));
}

static bool simple_command(redisContext *context, const char *verb, const char *argument)
{
	redisReply *reply = redisCommand(context, "%s %s", verb, argument);
	bool fine = reply && reply->type != REDIS_REPLY_ERROR;
	if (reply)
		freeReplyObject(reply);
	return fine;
}

static bool load_library(struct redis *redis)
{
	redisReply *reply = redisCommand(redis->context, "FUNCTION LOAD REPLACE %s", redis_library);
	bool fine = reply && reply->type != REDIS_REPLY_ERROR;
	if (!fine)
		log_event(LOG_ERROR, "function library refused", "error",
			reply ? reply->str : redis->context->errstr);
	if (reply)
		freeReplyObject(reply);
	return fine;
}

/* A library that is missing is loaded by the call that misses it. */
static bool renew_library(struct redis *redis)
{
	redisReply *reply = redisCommand(redis->context, "FCALL_RO cm_version 0");
	if (!reply)
		return false;
	bool is_older = reply->type == REDIS_REPLY_INTEGER
		&& reply->integer < redis_library_version;
	freeReplyObject(reply);
	return !is_older || load_library(redis);
}

static bool open_connection(struct redis *redis)
{
	char password[256] = "";
	char database[16];
	int db = 0;
	if (str_starts(redis->url, "unix://"))
		redis->context = redisConnectUnixWithTimeout(redis->url + 7,
			milliseconds(conf_integer(CONF_REDIS_CONNECT_MS)));
	else if (str_starts(redis->url, "redis://"))
		redis->context = connect_tcp(redis->url + 8, password, sizeof(password), &db);
	if (!redis->context || redis->context->err)
		return false;
	if (redisSetTimeout(redis->context, milliseconds(conf_integer(CONF_REDIS_CALL_MS))))
		return false;
	if (*password && !simple_command(redis->context, "AUTH", password))
		return false;
	metric_add(METRIC_REDIS_CONNECTS, 1);
	snprintf(database, sizeof(database), "%d", db);
	return (db == 0 || simple_command(redis->context, "SELECT", database))
		&& renew_library(redis);
}

static enum fault failed(struct ctx *ctx, struct redis *redis, const char *why)
{
	ctx->log_detail = arena_printf(ctx->arena, "redis: %s", why);
	drop(redis);
	if (++redis->failures >= BREAKER_FAILURES) {
		metric_add(METRIC_REDIS_BREAKER_OPENED, redis->failures == BREAKER_FAILURES);
		if (redis->failures == BREAKER_FAILURES)
			log_event(LOG_WARNING, "redis is away, breaker open", "error",
				ctx->log_detail);
		redis->closed_until_us = clock_monotonic_us() + BREAKER_PAUSE_US;
	}
	return FAULT_REDIS_AWAY;
}

void redis_call_init(struct redis_call *call, struct ctx *ctx)
{
	call->ctx = ctx;
	call->count = 0;
}

void redis_add_bytes(struct redis_call *call, const void *bytes, size_t length)
{
	if (call->count == REDIS_ARGUMENTS)
		abort();
	call->values[call->count] = bytes;
	call->lengths[call->count++] = length;
}

void redis_add(struct redis_call *call, const char *text)
{
	redis_add_bytes(call, text, strlen(text));
}

void redis_add_integer(struct redis_call *call, int64_t value)
{
	char *text = arena_alloc(call->ctx->arena, STR_INT_BYTES);
	redis_add_bytes(call, text, str_from_int(text, value));
}

void redis_add_printf(struct redis_call *call, const char *format, ...)
{
	va_list list;
	char text[512];
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	redis_add(call, arena_strdup(call->ctx->arena, text));
}

void redis_call_function(struct redis_call *call, struct ctx *ctx, const char *function,
	int key_count)
{
	redis_call_init(call, ctx);
	redis_add(call, "FCALL");
	redis_add(call, function);
	redis_add_integer(call, key_count);
}

static redisReply *send_call(struct redis *redis, const struct redis_call *call)
{
	return redisCommandArgv(redis->context, call->count,
		(const char **)(uintptr_t)call->values, call->lengths);
}

static bool is_missing_function(const redisReply *reply)
{
	return reply && reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "Function not found");
}

static enum fault error_fault(struct ctx *ctx, struct redis *redis, const redisReply *reply)
{
	static const char *const away[] = { "MISCONF", "OOM", "LOADING", "READONLY", "BUSY",
		"MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "NOAUTH" };
	for (size_t i = 0; i < sizeof(away) / sizeof(*away); i++)
		if (str_starts(reply->str, away[i]))
			return failed(ctx, redis, reply->str);
	ctx->log_detail = arena_printf(ctx->arena, "redis: %s", reply->str);
	return FAULT_INTERNAL;
}

static enum fault run(struct redis *redis, struct redis_call *call,
	const struct redis_value **ret_value)
{
	struct ctx *ctx = call->ctx;
	if (clock_monotonic_us() < redis->closed_until_us)
		return FAULT_REDIS_AWAY;
	if (!redis->context && !open_connection(redis))
		return failed(ctx, redis, redis->context ? redis->context->errstr : "no address");
	ctx->scripts++;
	redisReply *reply = send_call(redis, call);
	if (is_missing_function(reply) && load_library(redis)) {
		freeReplyObject(reply);
		reply = send_call(redis, call);
	}
	if (!reply)
		return failed(ctx, redis, redis->context->errstr);
	arena_defer(ctx->arena, freeReplyObject, reply);
	if (reply->type == REDIS_REPLY_ERROR)
		return error_fault(ctx, redis, reply);
	redis->failures = 0;
	if (ret_value)
		*ret_value = (const struct redis_value *)reply;
	return FAULT_NONE;
}

enum fault redis_run(struct redis_call *call, const struct redis_value **ret_value)
{
	int64_t start = clock_monotonic_us();
	enum fault fault = run(call->ctx->redis, call, ret_value);
	call->ctx->redis_us += clock_monotonic_us() - start;
	return fault;
}

static const redisReply *reply_of(const struct redis_value *value)
{
	return (const redisReply *)value;
}

int64_t redis_integer(const struct redis_value *value)
{
	int64_t number = 0;
	if (value && reply_of(value)->type == REDIS_REPLY_INTEGER)
		return reply_of(value)->integer;
	if (value && redis_text(value))
		str_to_int(redis_text(value), &number);
	return number;
}

const char *redis_text(const struct redis_value *value)
{
	if (!value || (reply_of(value)->type != REDIS_REPLY_STRING
			&& reply_of(value)->type != REDIS_REPLY_STATUS))
		return NULL;
	return reply_of(value)->str;
}

size_t redis_length(const struct redis_value *value)
{
	return redis_text(value) ? (size_t)reply_of(value)->len : 0;
}

size_t redis_size(const struct redis_value *value)
{
	return value && reply_of(value)->type == REDIS_REPLY_ARRAY ? reply_of(value)->elements : 0;
}

const struct redis_value *redis_item(const struct redis_value *value, size_t index)
{
	if (index >= redis_size(value))
		return NULL;
	return (const struct redis_value *)reply_of(value)->element[index];
}

bool redis_is_nil(const struct redis_value *value)
{
	return !value || reply_of(value)->type == REDIS_REPLY_NIL;
}
