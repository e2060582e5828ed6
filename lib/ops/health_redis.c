#include "ops/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "redis/redis.h"

#include "base/banned.h"

enum fault health_redis(struct ctx *ctx)
{
	struct redis_call call;
	const struct redis_value *value;
	redis_call_init(&call, ctx);
	redis_add(&call, "PING");
	return redis_run(&call, &value);
}

enum fault health_queue_library(struct ctx *ctx)
{
	struct redis_call call;
	const struct redis_value *value;
	redis_call_function(&call, ctx, "cm_version", 0);
	return redis_run(&call, &value);
}

/* "cmdstat_NAME:calls=1,usec=2,..." */
static void add_command(const char *stats, const char *name, int64_t *calls, int64_t *us)
{
	int64_t some_calls, some_us;
	const char *line = strstr(stats, name);
	if (!line || sscanf(line + strlen(name), "calls=%" SCNd64 ",usec=%" SCNd64, &some_calls,
			    &some_us) != 2)
		return;
	*calls += some_calls;
	*us += some_us;
}

enum fault health_functions(struct ctx *ctx, int64_t *ret_calls, int64_t *ret_us)
{
	struct redis_call call;
	const struct redis_value *value;
	redis_call_init(&call, ctx);
	redis_add(&call, "INFO");
	redis_add(&call, "commandstats");
	enum fault fault = redis_run(&call, &value);
	if (fault)
		return fault;
	const char *stats = redis_text(value);
	if (!stats)
		return FAULT_INTERNAL;
	*ret_calls = *ret_us = 0;
	add_command(stats, "cmdstat_fcall:", ret_calls, ret_us);
	add_command(stats, "cmdstat_fcall_ro:", ret_calls, ret_us);
	return FAULT_NONE;
}
