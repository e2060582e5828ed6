#include "queue/queue_pass.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/banned.h"
#include "base/str.h"
#include "queue/hash.h"

enum { WORK_MINUTE_MS = 60000, WORK_LIFE_MS = 180000, WORK_BYTES = 1024, TAG_BYTES = 8 };

/* Written and read by this file alone and signed in between, so the text has one exact form.
 * iat is in milliseconds: within one second a member can buy and take the next place. */
#define PAPER_FORMAT "{\"c\":%" PRId64 ",\"m\":%" PRId64 ",\"e\":%" PRId64 ",\"n\":%" PRId64 \
	",\"k\":%" PRId64 ",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}"
#define PAPER_SCAN "{\"c\":%" SCNd64 ",\"m\":%" SCNd64 ",\"e\":%" SCNd64 ",\"n\":%" SCNd64 \
	",\"k\":%" SCNd64 ",\"iat\":%" SCNd64 ",\"exp\":%" SCNd64 "}%n"

static enum fault paper_sign(struct ctx *ctx, const char *typ, const struct queue_paper *paper,
	const char **ret_token)
{
	const char *payload = arena_printf(ctx->arena, PAPER_FORMAT, paper->concert.value,
		paper->member.value, paper->epoch, paper->number, paper->kind, paper->issued_ms,
		paper->expires_ms / 1000);
	return token_seal(ctx, typ, payload, ret_token);
}

static enum fault paper_open(struct ctx *ctx, const char *typ, const char *token,
	struct queue_paper *ret_paper)
{
	struct queue_paper paper = { 0 };
	const char *payload;
	int64_t expires_s = 0;
	int end = -1;
	enum fault fault = token_open(ctx, typ, token, &payload);
	if (fault)
		return fault;
	if (sscanf(payload, PAPER_SCAN, &paper.concert.value, &paper.member.value, &paper.epoch,
			&paper.number, &paper.kind, &paper.issued_ms, &expires_s, &end) != 7
		|| end < 0 || payload[end])
		return FAULT_TOKEN_INVALID;
	paper.expires_ms = expires_s * 1000;
	*ret_paper = paper;
	return FAULT_NONE;
}

enum fault queue_ticket_sign(struct ctx *ctx, const struct queue_paper *paper,
	const char **ret_ticket)
{
	return paper_sign(ctx, "qt", paper, ret_ticket);
}

enum fault queue_ticket_open(struct ctx *ctx, struct concert_id concert, const char *ticket,
	struct queue_paper *ret_paper)
{
	struct queue_paper paper;
	enum fault fault = paper_open(ctx, "qt", ticket, &paper);
	if (fault)
		return fault;
	if (paper.concert.value != concert.value || paper.member.value != ctx->member.value
		|| paper.number < 0 || paper.kind < 0 || paper.kind > 1)
		return FAULT_TOKEN_INVALID;
	*ret_paper = paper;
	return FAULT_NONE;
}

enum fault queue_pass_sign(struct ctx *ctx, const struct queue_paper *paper, const char **ret_pass)
{
	return paper_sign(ctx, "qp", paper, ret_pass);
}

enum fault queue_pass_check(struct ctx *ctx, struct concert_id concert, int64_t epoch,
	const char *pass, struct queue_paper *ret_paper)
{
	struct queue_paper paper;
	if (!pass || paper_open(ctx, "qp", pass, &paper)
		|| paper.concert.value != concert.value || paper.member.value != ctx->member.value
		|| (epoch && paper.epoch != epoch))
		return FAULT_QUEUE_PASS_REQUIRED;
	if (paper.expires_ms <= ctx->now_ms)
		return FAULT_QUEUE_PASS_EXPIRED;
	*ret_paper = paper;
	return FAULT_NONE;
}

enum fault queue_member_tag(struct ctx *ctx, struct concert_id concert, const char **ret_tag)
{
	struct queue_paper paper = { .concert = concert, .member = ctx->member };
	unsigned char hash[HASH_BYTES];
	const char *sealed;
	enum fault fault = paper_sign(ctx, "qm", &paper, &sealed);
	if (fault)
		return fault;
	hash_sha256(sealed, strlen(sealed), hash);
	*ret_tag = str_hex(ctx->arena, hash, TAG_BYTES);
	return FAULT_NONE;
}

enum fault queue_work_challenge(struct ctx *ctx, struct concert_id concert,
	const char **ret_challenge)
{
	struct queue_paper paper = { .concert = concert, .member = ctx->member,
		.issued_ms = ctx->now_ms / WORK_MINUTE_MS * WORK_MINUTE_MS };
	return paper_sign(ctx, "qw", &paper, ret_challenge);
}

static bool leading_zero_bits(const unsigned char *hash, int64_t bits)
{
	for (int64_t i = 0; i < bits; i++)
		if (hash[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

bool queue_work_valid(struct ctx *ctx, struct concert_id concert, const char *work, int64_t bits)
{
	unsigned char hash[HASH_BYTES];
	struct queue_paper paper;
	const char *colon = work ? strrchr(work, ':') : NULL;
	if (!colon || strlen(work) > WORK_BYTES)
		return false;
	hash_sha256(work, strlen(work), hash);
	if (!leading_zero_bits(hash, bits))
		return false;
	const char *challenge = arena_strndup(ctx->arena, work, (size_t)(colon - work));
	return !paper_open(ctx, "qw", challenge, &paper)
		&& paper.concert.value == concert.value && paper.member.value == ctx->member.value
		&& ctx->now_ms >= paper.issued_ms - WORK_MINUTE_MS
		&& ctx->now_ms < paper.issued_ms + WORK_LIFE_MS;
}
