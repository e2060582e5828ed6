#include "auth/token.h"

#include <string.h>

#include "auth/flat.h"
#include "auth/token_codec.h"
#include "base/banned.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/str.h"

static const char issuer[] = "concert-mania", audience[] = "concert-mania-api";

enum fault token_issue_session(struct ctx *ctx, const struct token_claims *claims,
	const char **ret_token)
{
	const struct token_key *key = token_ring_first();
	int64_t now_s = clock_now_ms() / 1000;
	if (!key) {
		ctx->log_detail = "no token key is loaded";
		return FAULT_INTERNAL;
	}
	struct token_fields fields = {
		.issuer = issuer, .audience = audience,
		.subject = arena_printf(ctx->arena, "%lld", (long long)claims->member.value),
		.role = claims->role == ROLE_ADMIN ? "ROLE_ADMIN" : "ROLE_USER",
		.session = claims->session, .issued_s = now_s, .not_before_s = now_s,
		.expires_s = now_s + conf_integer(CONF_TOKEN_TTL_S),
	};
	return token_codec_sign(ctx, key, &fields, ret_token);
}

enum fault token_issue(struct ctx *ctx, struct member_id member, enum role role,
	const char **ret_token)
{
	struct token_claims claims = { .member = member, .role = role };
	return token_issue_session(ctx, &claims, ret_token);
}

static bool read_role(const char *text, enum role *ret_role)
{
	if (!text)
		return false;
	*ret_role = strcmp(text, "ROLE_ADMIN") == 0 ? ROLE_ADMIN
		: strcmp(text, "ROLE_USER") == 0 ? ROLE_USER : ROLE_NONE;
	return *ret_role != ROLE_NONE;
}

/* RFC 8725: who made it, for whom, and since when, are checked for every token. */
static enum fault check_claims(const struct token_fields *fields, struct token_claims *ret_claims)
{
	int64_t now_s = clock_now_ms() / 1000, leeway_s = conf_integer(CONF_TOKEN_LEEWAY_S);
	struct token_claims claims = { .issued_ms = fields->issued_s * 1000,
		.expires_ms = fields->expires_s * 1000, .session = fields->session };
	if (!fields->issuer || strcmp(fields->issuer, issuer) != 0)
		return FAULT_TOKEN_INVALID;
	if (!fields->audience || strcmp(fields->audience, audience) != 0)
		return FAULT_TOKEN_INVALID;
	if (!fields->subject || !str_to_int(fields->subject, &claims.member.value)
		|| claims.member.value < 1 || claims.member.value > ID_MAX)
		return FAULT_TOKEN_INVALID;
	if (!read_role(fields->role, &claims.role))
		return FAULT_TOKEN_INVALID;
	if (fields->expires_s <= 0 || fields->issued_s <= 0
		|| fields->issued_s > now_s + leeway_s || fields->not_before_s > now_s + leeway_s)
		return FAULT_TOKEN_INVALID;
	if (fields->expires_s + leeway_s <= now_s)
		return FAULT_TOKEN_EXPIRED;
	*ret_claims = claims;
	return FAULT_NONE;
}

/* A claim that a later build adds is passed over, so that pools can be rolled one by one. */
static bool take_claim(void *arg, const struct flat_member *member)
{
	struct token_fields *fields = arg;
	const struct { const char *name, **slot; } texts[] = {
		{ "iss", &fields->issuer }, { "aud", &fields->audience },
		{ "sub", &fields->subject }, { "role", &fields->role }, { "sid", &fields->session },
	};
	const struct { const char *name; int64_t *slot; } numbers[] = {
		{ "iat", &fields->issued_s }, { "nbf", &fields->not_before_s },
		{ "exp", &fields->expires_s },
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(member->name, texts[i].name) == 0)
			return flat_text(member, texts[i].slot);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strcmp(member->name, numbers[i].name) == 0)
			return flat_number(member, numbers[i].slot);
	return true;
}

enum fault token_verify(struct ctx *ctx, const char *token, struct token_claims *ret_claims)
{
	struct token_fields fields = { .issuer = NULL };
	const char *payload;
	enum fault fault = token_open(ctx, "JWT", token, &payload);
	if (fault)
		return fault;
	if (!flat_read(ctx->arena, payload, take_claim, &fields))
		return FAULT_TOKEN_INVALID;
	return check_claims(&fields, ret_claims);
}
