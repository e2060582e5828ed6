/* The token gate and the seals: nothing that we did not sign is ever accepted. The seeds are
 * shaped like tokens; those with a good signature are made by fuzz_one itself. */
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "fuzz.h"
#include "http/page.h"

#include "base/banned.h"

const char *const fuzz_seeds[] = {
	"eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
	"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.e30.AA",
	"eyJhbGciOiJIUzUxMiIsImtpZCI6ImsxIn0.e30.AAAA", "..", "a.b.c", "=.=.=", "", NULL};

/* Good ones, bent at a place the input names: each must be refused unless nothing changed. */
static void bend(struct ctx *ctx, const char *good, const char *bytes, size_t length)
{
	struct token_claims claims;
	char *bent = arena_strdup(ctx->arena, good);
	size_t size = strlen(good), at = 0;
	if (length < 3)
		return;
	at = ((size_t)(unsigned char)bytes[0] << 8 | (unsigned char)bytes[1]) % size;
	bent[at] = bytes[2] ? bytes[2] : 'A';
	bool same = !strcmp(bent, good);
	PROPERTY((token_verify(ctx, bent, &claims) == FAULT_NONE) == same);
}

static void check_cursor(struct ctx *ctx, const char *bytes)
{
	static const int64_t keys[PAGE_KEYS] = {1, -2, INT64_MAX};
	struct page page;
	const char *good = page_cursor(ctx, "list", keys);
	bool same = !strcmp(bytes, good);
	PROPERTY(page_read(ctx, "list", 20, good, &page) == FAULT_NONE && page.keys[1] == -2);
	PROPERTY(page_read(ctx, "other", 20, good, &page) != FAULT_NONE);
	if (*bytes)
		PROPERTY((page_read(ctx, "list", 20, bytes, &page) == FAULT_NONE) == same);
}

void fuzz_one(struct ctx *ctx, const char *bytes, size_t length)
{
	struct token_claims claims;
	const char *good, *payload;
	ctx->now_ms = clock_now_ms();
	PROPERTY(token_verify(ctx, bytes, &claims) != FAULT_NONE);
	PROPERTY(token_open(ctx, "qt", bytes, &payload) != FAULT_NONE);
	PROPERTY(token_issue(ctx, (struct member_id){7}, ROLE_USER, &good) == FAULT_NONE);
	PROPERTY(token_verify(ctx, good, &claims) == FAULT_NONE && claims.member.value == 7);
	PROPERTY(token_open(ctx, "qt", good, &payload) != FAULT_NONE);
	bend(ctx, good, bytes, length);
	check_cursor(ctx, bytes);
}
