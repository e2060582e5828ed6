#include "auth/secret.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/banned.h"
#include "base/base64.h"

enum { RANDOM_BYTES = 32 };

enum fault secret_new(struct ctx *ctx, const char **ret_text)
{
	unsigned char bytes[RANDOM_BYTES];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
		ctx->log_detail = "no random bytes";
		return FAULT_INTERNAL;
	}
	*ret_text = base64url_encode(ctx->arena, bytes, sizeof(bytes));
	return FAULT_NONE;
}

void secret_hash(const char *text, unsigned char ret_hash[SECRET_HASH_BYTES])
{
	SHA256((const unsigned char *)text, strlen(text), ret_hash);
}
