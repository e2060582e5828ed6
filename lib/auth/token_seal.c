#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "auth/token_ring.h"
#include "base/banned.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/str.h"

enum { SIGNATURE_BYTES = 32 };

/* A key is made ready once: fetching the algorithm and padding the key cost more than hashing a
 * token does. */
static struct prepared {
	struct token_key key;
	EVP_MAC_CTX *mac;
} prepared[TOKEN_KEYS_MAXIMUM];

static EVP_MAC_CTX *prepare(const struct token_key *key)
{
	static size_t next;
	char digest[] = "SHA256";
	OSSL_PARAM settings[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	struct prepared *slot = &prepared[next++ % TOKEN_KEYS_MAXIMUM];
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	EVP_MAC_CTX_free(slot->mac);
	slot->key = *key;
	slot->mac = EVP_MAC_CTX_new(algorithm);
	EVP_MAC_free(algorithm);
	if (!slot->mac || !EVP_MAC_init(slot->mac, key->bytes, key->length, settings))
		abort();
	return slot->mac;
}

static EVP_MAC_CTX *prepared_for(const struct token_key *key)
{
	for (size_t i = 0; i < TOKEN_KEYS_MAXIMUM; i++)
		if (prepared[i].mac && memcmp(&prepared[i].key, key, sizeof(*key)) == 0)
			return prepared[i].mac;
	return prepare(key);
}

static void sign(const struct token_key *key, const char *text, size_t length,
	unsigned char signature[SIGNATURE_BYTES])
{
	size_t written;
	EVP_MAC_CTX *mac = prepared_for(key);
	if (!EVP_MAC_init(mac, NULL, 0, NULL)
		|| !EVP_MAC_update(mac, (const unsigned char *)text, length)
		|| !EVP_MAC_final(mac, signature, &written, SIGNATURE_BYTES)
		|| written != SIGNATURE_BYTES)
		abort();
}

/* Written by hand because the JWT library refuses every typ but JWT, and these are signed on the
 * queue's hot path. */
enum fault token_seal(struct ctx *ctx, const char *typ, const char *payload_json,
	const char **ret_token)
{
	const struct token_key *key = token_ring_first();
	unsigned char signature[SIGNATURE_BYTES];
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
	unsigned char expected[SIGNATURE_BYTES], *given, *payload;
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
