#include "base/ctx.h"

#include <string.h>

#include "base/banned.h"

static const struct { const char *code, *english, *korean; } sentences[] = {
	{ "required", "is required", "필수 항목입니다" },
	{ "type", "has the wrong type", "형식이 올바르지 않습니다" },
	{ "range", "is out of range", "허용 범위를 벗어났습니다" },
	{ "length", "has the wrong length", "길이가 올바르지 않습니다" },
	{ "format", "is malformed", "형식이 올바르지 않습니다" },
	{ "duplicate", "is given twice", "중복되었습니다" },
	{ "choice", "is not one of the allowed values", "허용되지 않는 값입니다" },
	{ "conflict", "contradicts another field", "다른 항목과 모순됩니다" },
	{ "unknown", "is not known here", "알 수 없는 항목입니다" },
};

void ctx_init(struct ctx *ctx, struct arena *arena)
{
	*ctx = (struct ctx){ .arena = arena, .request_id = "-" };
}

void ctx_reset(struct ctx *ctx)
{
	struct pg *pg = ctx->pg;
	struct redis *redis = ctx->redis;
	struct replica *replica = ctx->replica;
	arena_reset(ctx->arena);
	ctx_init(ctx, ctx->arena);
	ctx->pg = pg;
	ctx->redis = redis;
	ctx->replica = replica;
}

enum fault ctx_field_message(struct ctx *ctx, const char *field, const char *code,
	const char *english, const char *korean)
{
	struct field_error *error = arena_alloc(ctx->arena, sizeof(*error));
	*error = (struct field_error){ .field = arena_strdup(ctx->arena, field), .code = code,
		.english = english, .korean = korean };
	struct field_error **end = &ctx->errors;
	while (*end)
		end = &(*end)->next;
	*end = error;
	return FAULT_BAD_INPUT;
}

enum fault ctx_field_error(struct ctx *ctx, const char *field, const char *code)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++)
		if (strcmp(sentences[i].code, code) == 0)
			return ctx_field_message(ctx, field, code, sentences[i].english,
				sentences[i].korean);
	return ctx_field_message(ctx, field, code, "is not valid", "올바르지 않습니다");
}

void ctx_after(struct ctx *ctx, void (*fn)(struct ctx *, void *), void *arg)
{
	struct after *entry = arena_alloc(ctx->arena, sizeof(*entry));
	*entry = (struct after){ .fn = fn, .arg = arg };
	struct after **end = &ctx->after;
	while (*end)
		end = &(*end)->next;
	*end = entry;
}

void ctx_run_after(struct ctx *ctx)
{
	while (ctx->after) {
		struct after *first = ctx->after;
		ctx->after = first->next;
		first->fn(ctx, first->arg);
	}
}
