#include "auth/token_ring.h"

#include <string.h>

#include "auth/flat.h"
#include "auth/token.h"
#include "base/banned.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/str.h"

static struct token_key ring[TOKEN_KEYS_MAXIMUM];
static size_t ring_size;

static const char url_bytes[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_weak(const struct token_key *key)
{
	for (size_t i = 1; i < key->length; i++)
		if (key->bytes[i] != key->bytes[0])
			return false;
	return true;
}

/* One "kid:base64"; the reason never holds a part of the key. */
static bool load_key(struct arena *arena, const char *entry, size_t length, const char **ret_error)
{
	const char *colon = memchr(entry, ':', length);
	size_t kid_length = colon ? (size_t)(colon - entry) : 0, key_length;
	unsigned char *bytes;
	struct token_key key = { .length = 0 };
	*ret_error = "a key must be kid:base64, with a kid of 1 to 32 letters, digits, - or _";
	if (kid_length < 1 || kid_length > TOKEN_KID_BYTES || strspn(entry, url_bytes) != kid_length)
		return false;
	if (!base64_decode(arena, colon + 1, length - kid_length - 1, &bytes, &key_length))
		return false;
	*ret_error = "a key must have 32 to 128 bytes that aren't all the same";
	if (key_length < TOKEN_KEY_BYTES || key_length > sizeof(key.bytes))
		return false;
	memcpy(key.kid, entry, kid_length);
	memcpy(key.bytes, bytes, key_length);
	key.length = key_length;
	if (is_weak(&key))
		return false;
	*ret_error = "at most two keys with different kids";
	if (ring_size == TOKEN_KEYS_MAXIMUM || token_ring_find(key.kid))
		return false;
	ring[ring_size++] = key;
	return true;
}

bool token_keys_load(const char *keys, const char **ret_error)
{
	struct arena *arena = arena_new(LIMIT_QUERY_BYTES * 4);
	bool good = strlen(keys) <= LIMIT_QUERY_BYTES;
	ring_size = 0;
	*ret_error = "too long";
	for (const char *entry = keys; good && *entry; ) {
		entry += strspn(entry, " \t\n");
		size_t length = strcspn(entry, " \t\n");
		good = !length || load_key(arena, entry, length, ret_error);
		entry += length;
	}
	if (good && ring_size == 0) {
		*ret_error = "no key is set";
		good = false;
	}
	if (!good)
		ring_size = 0;
	arena_free(arena);
	return good;
}

const struct token_key *token_ring_first(void)
{
	return ring_size ? &ring[0] : NULL;
}

const struct token_key *token_ring_find(const char *kid)
{
	for (size_t i = 0; i < ring_size; i++)
		if (strcmp(ring[i].kid, kid) == 0)
			return &ring[i];
	return NULL;
}

struct header {
	const char *alg, *typ, *kid;
};

/* Anything we don't write (crit, jku, x5c, ...) is refused. */
static bool take_header(void *arg, const struct flat_member *member)
{
	struct header *header = arg;
	if (strcmp(member->name, "alg") == 0)
		return flat_text(member, &header->alg);
	if (strcmp(member->name, "typ") == 0)
		return flat_text(member, &header->typ);
	return strcmp(member->name, "kid") == 0 && flat_text(member, &header->kid);
}

static bool split(const char *token, struct token_parts *parts, size_t *ret_header_length)
{
	size_t header = strspn(token, url_bytes);
	if (header == 0 || token[header] != '.')
		return false;
	parts->payload = token + header + 1;
	parts->payload_length = strspn(parts->payload, url_bytes);
	if (parts->payload_length == 0 || parts->payload[parts->payload_length] != '.')
		return false;
	parts->signed_length = header + 1 + parts->payload_length;
	parts->signature = token + parts->signed_length + 1;
	parts->signature_length = strspn(parts->signature, url_bytes);
	*ret_header_length = header;
	return parts->signature_length > 0 && parts->signature[parts->signature_length] == '\0';
}

bool token_gate(struct arena *arena, const char *token, const char *typ,
	struct token_parts *ret_parts)
{
	struct header header = { .alg = NULL };
	size_t header_length, length;
	unsigned char *text;
	if (strnlen(token, LIMIT_TOKEN_BYTES + 1) > LIMIT_TOKEN_BYTES)
		return false;
	if (!split(token, ret_parts, &header_length)
		|| !base64url_decode(arena, token, header_length, &text, &length)
		|| !str_is_utf8((const char *)text, length)
		|| !flat_read(arena, (const char *)text, take_header, &header))
		return false;
	if (!header.alg || !header.typ || !header.kid)
		return false;
	if (strcmp(header.alg, "HS256") != 0 || strcmp(header.typ, typ) != 0)
		return false;
	ret_parts->key = token_ring_find(header.kid);
	return ret_parts->key != NULL;
}
