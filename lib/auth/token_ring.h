/* The ring of signing keys and the gate every token passes before any library sees it.
 * Internal to lib/auth. */
#ifndef CM_AUTH_TOKEN_RING_H
#define CM_AUTH_TOKEN_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum { TOKEN_KEYS_MAXIMUM = 2, TOKEN_KEY_BYTES = 32, TOKEN_KID_BYTES = 32 };

struct token_key {
	char kid[TOKEN_KID_BYTES + 1];
	unsigned char bytes[128];
	size_t length;
};

/* The key that signs; NULL before token_keys_load. */
const struct token_key *token_ring_first(void);
const struct token_key *token_ring_find(const char *kid);

/* A token's three parts, still encoded; texts point into the token. */
struct token_parts {
	const struct token_key *key;
	const char *payload, *signature;
	size_t signed_length, payload_length, signature_length;
};

/* Size, three base64url parts, a header of exactly alg HS256, the wanted typ and a kid of the
 * ring, once each and nothing else. The signature is not looked at. */
bool token_gate(struct arena *arena, const char *token, const char *typ,
	struct token_parts *ret_parts);

#endif
