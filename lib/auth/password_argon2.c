#include "auth/password.h"

#include <argon2.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/banned.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/str.h"
#include "metrics/metrics.h"

enum { SALT_BYTES = 16, HASH_BYTES = 32, PARALLELISM = 1, ENCODED_BYTES = 256 };

/* What every hash of today's settings starts with. */
static const char *prefix(struct ctx *ctx)
{
	return arena_printf(ctx->arena, "$argon2id$v=19$m=%lld,t=%lld,p=%d$",
		(long long)conf_integer(CONF_ARGON2_MEMORY_KIB),
		(long long)conf_integer(CONF_ARGON2_PASSES), PARALLELISM);
}

static enum fault argon2_fault(struct ctx *ctx, int code)
{
	ctx->log_detail = argon2_error_message(code);
	return FAULT_INTERNAL;
}

enum fault password_hash(struct ctx *ctx, const char *password, const char **ret_hash)
{
	unsigned char salt[SALT_BYTES];
	char *encoded = arena_alloc(ctx->arena, ENCODED_BYTES);
	if (RAND_bytes(salt, sizeof(salt)) != 1) {
		ctx->log_detail = "no random bytes";
		return FAULT_INTERNAL;
	}
	int64_t start_us = clock_monotonic_us();
	int code = argon2id_hash_encoded((uint32_t)conf_integer(CONF_ARGON2_PASSES),
		(uint32_t)conf_integer(CONF_ARGON2_MEMORY_KIB), PARALLELISM, password,
		strlen(password), salt, sizeof(salt), HASH_BYTES, encoded, ENCODED_BYTES);
	metric_observe(METRIC_AUTH_PASSWORD_HASH, clock_monotonic_us() - start_us);
	if (code != ARGON2_OK)
		return argon2_fault(ctx, code);
	*ret_hash = encoded;
	return FAULT_NONE;
}

/* Nobody's: 16 and 32 zero bytes as salt and hash. */
static const char *dummy_hash(struct ctx *ctx)
{
	return arena_printf(ctx->arena, "%sAAAAAAAAAAAAAAAAAAAAAA$%s", prefix(ctx),
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

enum fault password_verify(struct ctx *ctx, const char *password, const char *hash, bool *ret_good,
	bool *ret_outdated)
{
	bool real = hash && str_starts(hash, "$argon2id$");
	int64_t start_us = clock_monotonic_us();
	int code = argon2id_verify(real ? hash : dummy_hash(ctx), password, strlen(password));
	metric_observe(METRIC_AUTH_PASSWORD_HASH, clock_monotonic_us() - start_us);
	if (code != ARGON2_OK && code != ARGON2_VERIFY_MISMATCH)
		return argon2_fault(ctx, code);
	*ret_good = real && code == ARGON2_OK;
	*ret_outdated = *ret_good && !str_starts(hash, prefix(ctx));
	return FAULT_NONE;
}
