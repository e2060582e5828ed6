#include "http/idempotency.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/banned.h"

struct idempotency idempotency_read(struct ctx *ctx, const struct req *req)
{
	if (!req->idempotency_key)
		return (struct idempotency){ 0 };
	unsigned char *hash = arena_alloc(ctx->arena, EVP_MAX_MD_SIZE);
	const char *head = arena_printf(ctx->arena, "%s %s\n", method_name(req->method), req->path);
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	if (!digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL)
		|| !EVP_DigestUpdate(digest, head, strlen(head))
		|| !EVP_DigestUpdate(digest, req->body, req->body_length)
		|| !EVP_DigestFinal_ex(digest, hash, NULL))
		memset(hash, 0, IDEMPOTENCY_HASH_BYTES);
	EVP_MD_CTX_free(digest);
	return (struct idempotency){ .key = req->idempotency_key, .hash = hash };
}
