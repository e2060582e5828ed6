#include "auth/throttle.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/banned.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/str.h"
#include "redis/redis.h"

enum { SLOTS = 1024, KEY_BYTES = 16 };

/* Of this process, for the time without Redis. Accounts that share a slot share its count. */
static struct {
	int64_t count, ends_ms;
} slots[SLOTS];

static void hash(const char *account, unsigned char digest[SHA256_DIGEST_LENGTH])
{
	SHA256((const unsigned char *)account, strlen(account), digest);
}

/* The address itself is never a key: Redis may be read by operators. */
static const char *key_of(struct ctx *ctx, const char *account)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	hash(account, digest);
	return arena_printf(ctx->arena, "signin:%s", str_hex(ctx->arena, digest, KEY_BYTES));
}

static size_t slot_of(const char *account)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	hash(account, digest);
	return ((size_t)digest[0] << 8 | digest[1]) % SLOTS;
}

static int64_t count_here(const char *account, int64_t window_s)
{
	size_t slot = slot_of(account);
	int64_t now_ms = clock_monotonic_us() / 1000;
	if (slots[slot].ends_ms <= now_ms) {
		slots[slot].count = 0;
		slots[slot].ends_ms = now_ms + window_s * 1000;
	}
	return ++slots[slot].count;
}

/* SET NX gives the window, so that a lost EXPIRE can't lock an account for ever. */
static enum fault count_in_redis(struct ctx *ctx, const char *account, int64_t window_s,
	int64_t *ret_count)
{
	const struct redis_value *value;
	const char *key = key_of(ctx, account);
	struct redis_call call;
	redis_call_init(&call, ctx);
	redis_add(&call, "SET");
	redis_add(&call, key);
	redis_add(&call, "0");
	redis_add(&call, "EX");
	redis_add_integer(&call, window_s);
	redis_add(&call, "NX");
	enum fault fault = redis_run(&call, &value);
	if (fault)
		return fault;
	redis_call_init(&call, ctx);
	redis_add(&call, "INCR");
	redis_add(&call, key);
	fault = redis_run(&call, &value);
	if (!fault)
		*ret_count = redis_integer(value);
	return fault;
}

enum fault throttle_attempt(struct ctx *ctx, const char *account)
{
	int64_t window_s = conf_integer(CONF_SIGNIN_WINDOW_S), count;
	if (count_in_redis(ctx, account, window_s, &count))
		count = count_here(account, window_s);
	if (count <= conf_integer(CONF_SIGNIN_ATTEMPTS))
		return FAULT_NONE;
	ctx->retry_after_s = (int)window_s;
	return FAULT_SIGNIN_THROTTLED;
}

void throttle_forget(struct ctx *ctx, const char *account)
{
	const struct redis_value *value;
	struct redis_call call;
	slots[slot_of(account)].count = 0;
	redis_call_init(&call, ctx);
	redis_add(&call, "DEL");
	redis_add(&call, key_of(ctx, account));
	(void)redis_run(&call, &value);
}
