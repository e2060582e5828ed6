#include "ops/health.h"

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
