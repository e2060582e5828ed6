#include "http/page.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/banned.h"
#include "base/base64.h"
#include "base/conf.h"
#include "base/limits.h"
#include "base/str.h"

enum {
	KEY_BYTES = 8 * PAGE_KEYS,
	SIGNATURE_BYTES = 16,
	CURSOR_BYTES = KEY_BYTES + SIGNATURE_BYTES
};

struct span {
	const char *text;
	size_t length;
};

/* Cursors have their own key, derived from the token ring, so that nothing signed here can be
 * shown as a token. The entry is one "kid:base64" of the ring. */
static void sign(struct span entry, const char *kind, const unsigned char keys[KEY_BYTES],
	unsigned char signature[EVP_MAX_MD_SIZE])
{
	static const char purpose[] = "concert-mania page cursor 1";
	unsigned char sub_key[EVP_MAX_MD_SIZE], message[KEY_BYTES + 64] = { 0 };
	unsigned length = 0;
	size_t kind_length = strnlen(kind, 63);
	HMAC(EVP_sha256(), entry.text, (int)entry.length, (const unsigned char *)purpose,
		sizeof(purpose), sub_key, &length);
	memcpy(message, keys, KEY_BYTES);
	memcpy(message + KEY_BYTES, kind, kind_length);
	HMAC(EVP_sha256(), sub_key, (int)length, message, KEY_BYTES + kind_length, signature,
		&length);
}

static void put_keys(unsigned char bytes[KEY_BYTES], const int64_t keys[PAGE_KEYS])
{
	for (int i = 0; i < KEY_BYTES; i++)
		bytes[i] = (unsigned char)((uint64_t)keys[i / 8] >> (56 - 8 * (i % 8)));
}

static void get_keys(const unsigned char bytes[KEY_BYTES], int64_t keys[PAGE_KEYS])
{
	uint64_t values[PAGE_KEYS] = { 0 };
	for (int i = 0; i < KEY_BYTES; i++)
		values[i / 8] = values[i / 8] << 8 | bytes[i];
	memcpy(keys, values, sizeof(values));
}

/* Any key of the ring is good, so that pages survive a rotation. */
static bool is_ours(const char *kind, const unsigned char bytes[CURSOR_BYTES])
{
	bool found = false;
	for (const char *entry = conf_text(CONF_TOKEN_KEYS); *entry; ) {
		entry += strspn(entry, " \t\n");
		size_t length = strcspn(entry, " \t\n");
		unsigned char signature[EVP_MAX_MD_SIZE];
		if (length) {
			sign((struct span){ entry, length }, kind, bytes, signature);
			found |= str_equal_constant_time(signature, bytes + KEY_BYTES,
				SIGNATURE_BYTES);
		}
		entry += length;
	}
	return found;
}

enum fault page_read(struct ctx *ctx, const char *kind, int64_t limit, const char *cursor,
	struct page *ret_page)
{
	struct page page = { .limit = limit ? limit : LIMIT_LIST_DEFAULT };
	if (page.limit < 1 || page.limit > LIMIT_LIST_MAXIMUM)
		return ctx_field_error(ctx, "limit", "range");
	if (cursor) {
		unsigned char *bytes;
		size_t length;
		if (strlen(cursor) > 2 * CURSOR_BYTES
			|| !base64url_decode(ctx->arena, cursor, strlen(cursor), &bytes, &length)
			|| length != CURSOR_BYTES || !is_ours(kind, bytes))
			return FAULT_BAD_CURSOR;
		get_keys(bytes, page.keys);
		page.has_cursor = true;
	}
	*ret_page = page;
	return FAULT_NONE;
}

const char *page_cursor(struct ctx *ctx, const char *kind, const int64_t keys[PAGE_KEYS])
{
	const char *ring = conf_text(CONF_TOKEN_KEYS);
	unsigned char bytes[CURSOR_BYTES], signature[EVP_MAX_MD_SIZE];
	ring += strspn(ring, " \t\n");
	put_keys(bytes, keys);
	sign((struct span){ ring, strcspn(ring, " \t\n") }, kind, bytes, signature);
	memcpy(bytes + KEY_BYTES, signature, SIGNATURE_BYTES);
	return base64url_encode(ctx->arena, bytes, sizeof(bytes));
}
