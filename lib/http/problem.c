#include "http/problem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"
#include "http/json.h"

enum { RETRY_UNAVAILABLE_S = 2, RETRY_TOO_MANY_S = 5 };

int problem_status(enum fault fault)
{
	switch (fault_info(fault)->kind) {
	case FAULT_KIND_NONE: return 200;
	case FAULT_KIND_BAD_INPUT: return 400;
	case FAULT_KIND_UNAUTHENTICATED: return 401;
	case FAULT_KIND_PAYMENT_REQUIRED: return 402;
	case FAULT_KIND_FORBIDDEN: return 403;
	case FAULT_KIND_NOT_FOUND: return 404;
	case FAULT_KIND_METHOD: return 405;
	case FAULT_KIND_CONFLICT: return 409;
	case FAULT_KIND_GONE: return 410;
	case FAULT_KIND_PRECONDITION: return 412;
	case FAULT_KIND_TOO_LARGE: return 413;
	case FAULT_KIND_MEDIA_TYPE: return 415;
	case FAULT_KIND_UNPROCESSABLE: return 422;
	case FAULT_KIND_PRECONDITION_REQUIRED: return 428;
	case FAULT_KIND_TOO_MANY: return 429;
	case FAULT_KIND_INTERNAL: return 500;
	case FAULT_KIND_UNAVAILABLE: return 503;
	}
	return 500;
}

static void set_headers(const struct ctx *ctx, enum fault fault, struct res *res)
{
	int retry_s = ctx->retry_after_s;
	if (retry_s <= 0 && res->status == 429)
		retry_s = RETRY_TOO_MANY_S;
	else if (retry_s <= 0 && res->status == 503)
		retry_s = RETRY_UNAVAILABLE_S;
	if (retry_s > 0)
		res_header_printf(res, "Retry-After", "%d", retry_s);
	if (res->status == 401) {
		bool refused = fault == FAULT_TOKEN_INVALID || fault == FAULT_TOKEN_EXPIRED;
		res_header_printf(res, "WWW-Authenticate", "Bearer realm=\"concert-mania\"%s",
			refused ? ", error=\"invalid_token\"" : "");
	}
	res_header(res, "Content-Language", ctx->language == LANGUAGE_EN ? "en" : "ko");
}

static void write_errors(const struct ctx *ctx, struct strbuf *out)
{
	if (!ctx->errors)
		return;
	json_open(out, "errors", '[');
	for (const struct field_error *error = ctx->errors; error; error = error->next) {
		json_open(out, NULL, '{');
		json_text(out, "field", error->field);
		json_text(out, "code", error->code);
		json_text(out, "message",
			ctx->language == LANGUAGE_EN ? error->english : error->korean);
		json_close(out, '}');
	}
	json_close(out, ']');
}

void problem_write(struct ctx *ctx, enum fault fault, struct res *res)
{
	const struct fault_info *info = fault_info(fault);
	const char *title = ctx->language == LANGUAGE_EN ? info->english : info->korean;
	struct strbuf *out = &res->body;
	res->status = problem_status(fault);
	res->content_type = "application/problem+json";
	res->cache_control = "no-store";
	set_headers(ctx, fault, res);
	strbuf_init(out, res->arena);
	json_open(out, NULL, '{');
	json_text(out, "type", arena_printf(ctx->arena, "/problems/%s", info->slug));
	json_text(out, "title", title);
	json_integer(out, "status", res->status);
	json_text(out, "detail", ctx->detail ? ctx->detail : title);
	json_text(out, "code", info->slug);
	json_text(out, "requestId", ctx->request_id);
	write_errors(ctx, out);
	if (ctx->problem_extra && *ctx->problem_extra) {
		strbuf_byte(out, ',');
		strbuf_text(out, ctx->problem_extra);
	}
	json_close(out, '}');
}

/* Thousandths of the q parameter after a language range; 1000 when there is none. */
static int quality(const char *parameters, size_t length)
{
	for (size_t i = 0; i + 2 < length; i++)
		if (strncasecmp(parameters + i, "q=", 2) == 0)
			return (int)(strtod(parameters + i + 2, NULL) * 1000);
	return 1000;
}

static bool is_language(const char *range, const char *tag)
{
	return strncasecmp(range, tag, 2) == 0 && (range[2] == '\0' || strchr("-,; \t", range[2]));
}

enum language problem_language(const char *accept_language)
{
	int best = 0;
	enum language language = LANGUAGE_KO;
	for (const char *at = accept_language; at && *at; ) {
		at += strspn(at, " \t,");
		size_t length = strcspn(at, ",");
		bool korean = is_language(at, "ko"), english = is_language(at, "en");
		int weight = korean || english ? quality(at, length) : 0;
		if (weight > best) {
			best = weight;
			language = korean ? LANGUAGE_KO : LANGUAGE_EN;
		}
		at += length;
	}
	return language;
}
