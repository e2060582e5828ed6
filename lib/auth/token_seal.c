#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "auth/token.h"
#include "auth/token_ring.h"
#include "base/banned.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/str.h"

enum { SIGNATURE_BYTES = 32 };

static void sign(const struct token_key *key, const char *text, size_t length,
	unsigned char signature[EVP_MAX_MD_SIZE])
{
	unsigned written;
	HMAC(EVP_sha256(), key->bytes, (int)key->length, (const unsigned char *)text, length,
		signature, &written);
}

/* Written by hand because the JWT library refuses every typ but JWT, and these are signed on the
 * queue's hot path. */
enum fault token_seal(struct ctx *ctx, const char *typ, const char *payload_json,
	const char **ret_token)
{
	const struct token_key *key = token_ring_first();
	unsigned char signature[EVP_MAX_MD_SIZE];
	if (!key) {
		ctx->log_detail = "no token key is loaded";
		return FAULT_INTERNAL;
	}
	const char *header = arena_printf(ctx->arena,
		"{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"%s\"}", key->kid, typ);
	const char *text = arena_printf(ctx->arena, "%s.%s",
		base64url_encode(ctx->arena, header, strlen(header)),
		base64url_encode(ctx->arena, payload_json, strlen(payload_json)));
	sign(key, text, strlen(text), signature);
	*ret_token = arena_printf(ctx->arena, "%s.%s", text,
		base64url_encode(ctx->arena, signature, SIGNATURE_BYTES));
	return strlen(*ret_token) <= LIMIT_TOKEN_BYTES ? FAULT_NONE : FAULT_INTERNAL;
}

enum fault token_open(struct ctx *ctx, const char *typ, const char *token,
	const char **ret_payload_json)
{
	struct token_parts parts;
	unsigned char expected[EVP_MAX_MD_SIZE], *given, *payload;
	size_t given_length, length;
	if (!token_gate(ctx->arena, token, typ, &parts)
		|| !base64url_decode(ctx->arena, parts.signature, parts.signature_length, &given,
			&given_length)
		|| given_length != SIGNATURE_BYTES)
		return FAULT_TOKEN_INVALID;
	sign(parts.key, token, parts.signed_length, expected);
	if (!str_equal_constant_time(expected, given, SIGNATURE_BYTES))
		return FAULT_TOKEN_INVALID;
	if (!base64url_decode(ctx->arena, parts.payload, parts.payload_length, &payload, &length)
		|| !str_is_utf8((const char *)payload, length))
		return FAULT_TOKEN_INVALID;
	*ret_payload_json = (const char *)payload;
	return FAULT_NONE;
}
