#include "reservation/seat_lock.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

#include "base/bug.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "redis/redis.h"

#include "base/banned.h"

/* Above the client-side deadline of the database call it covers. */
enum { LOCK_MS = 5000, TOKEN_BYTES = 12, PAUSE_US = 4000 };

static const char *make_token(struct ctx *ctx)
{
	unsigned char bytes[TOKEN_BYTES];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return NULL;
	return str_hex(ctx->arena, bytes, sizeof(bytes));
}

static void add_lock_keys(struct redis_call *call, const struct seat_lock *lock)
{
	for (size_t i = 0; i < lock->seat_count; i++)
		redis_add_printf(call, "lock:{%lld}:%lld", (long long)lock->concert.value,
			(long long)lock->seats[i]);
}

static void count_outcome(const struct seat_lock *lock)
{
	if (lock->code == SEAT_LOCK_BUSY)
		metric_add(METRIC_SEAT_LOCK_BUSY, 1);
	else if (lock->code == SEAT_LOCK_TAKEN_BY_US)
		metric_add(METRIC_SEAT_LOCK_TAKEN, 1);
	else
		metric_add(METRIC_SEAT_LOCK_GATE, 1);
}

#ifdef CM_BUG_UNIQUE_INDEX
#define BUG_GIVES_BACK SEAT_LOCK_TAKEN_BY_US /* before the commit it covers */
#elif defined(CM_BUG_LOCK_TOKEN)
#define BUG_GIVES_BACK SEAT_LOCK_BUSY /* though it is another's: its token would save it */
#endif

enum fault seat_lock_take(struct ctx *ctx, struct seat_lock *lock)
{
	struct redis_call call;
	const struct redis_value *reply;
	const char *token = make_token(ctx);
	if (!token)
		return FAULT_REDIS_AWAY;
	redis_call_function(&call, ctx, "cm_hold_lock", (int)lock->seat_count + 1);
	redis_add_printf(&call, "cq:{%lld}", (long long)lock->concert.value);
	add_lock_keys(&call, lock);
	redis_add_integer(&call, ctx->member.value);
	redis_add(&call, token);
	redis_add_integer(&call, LOCK_MS);
	redis_add(&call, lock->has_gate ? "on" : "none");
	if (redis_run(&call, &reply) || redis_size(reply) < 3) {
		metric_add(METRIC_REDIS_AWAY_HOLDS, 1);
		return FAULT_REDIS_AWAY;
	}
	lock->code = (enum seat_lock_code)redis_integer(redis_item(reply, 0));
	lock->token = lock->code == SEAT_LOCK_TAKEN_BY_US ? token : NULL;
	int64_t index = redis_integer(redis_item(reply, 2));
	if (index > 0 && (size_t)index <= lock->seat_count)
		lock->busy_seat = lock->seats[index - 1];
	count_outcome(lock);
#ifdef BUG_GIVES_BACK
	struct seat_lock given = *lock;
	given.token = token;
	if (lock->code == BUG_GIVES_BACK)
		seat_lock_done(ctx, &given, NULL);
#endif
	return FAULT_NONE;
}

void seat_lock_done(struct ctx *ctx, const struct seat_lock *lock,
	const struct reservation *reservation)
{
	struct redis_call call;
	const struct redis_value *reply;
	size_t held = reservation ? reservation->seat_count : 0;
	if (!lock->token && !reservation)
		return;
	redis_call_function(&call, ctx, "cm_hold_finish", (int)lock->seat_count + 2);
	redis_add_printf(&call, "cq:{%lld}", (long long)lock->concert.value);
	redis_add_printf(&call, "seats:{%lld}", (long long)lock->concert.value);
	add_lock_keys(&call, lock);
	redis_add(&call, lock->token ? lock->token : "");
	redis_add_integer(&call, ctx->member.value);
	redis_add_integer(&call, reservation && lock->has_gate ? reservation->expires_ms : 0);
	for (size_t i = 0; i < held; i++)
		redis_add_integer(&call, reservation->seats[i].position);
	(void)!redis_run(&call, &reply);
}

void seat_lock_pause(int attempt)
{
	long pause_us = PAUSE_US * attempt / 2 + random() % (PAUSE_US * attempt);
	struct timespec pause = { .tv_nsec = pause_us * 1000 };
	nanosleep(&pause, NULL);
}
