#include "ticket/ticket.h"

#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/str.h"
#include "ticket/ticket_store.h"

#include "base/banned.h"

static const char code_type[] = "ticket";

/* A void or used ticket shows no code that somebody could be let in by. */
static enum fault add_code(struct ctx *ctx, struct ticket *ticket)
{
	if (strcmp(ticket->status, "ISSUED") != 0)
		return FAULT_NONE;
	const char *payload = arena_printf(ctx->arena, "{\"ticket\":%lld,\"nonce\":\"%s\"}",
		(long long)ticket->id.value, ticket->nonce);
	return token_seal(ctx, code_type, payload, &ticket->code);
}

enum fault ticket_list(struct ctx *ctx, const struct ticket_filter *filter,
	struct ticket_list *ret_list)
{
	struct ticket_list list;
	enum fault fault = ticket_store_list(ctx, filter, &list);
	if (fault)
		return fault;
	list.has_more = list.count > (size_t)filter->limit;
	if (list.has_more)
		list.count = (size_t)filter->limit;
	for (size_t i = 0; !fault && i < list.count; i++)
		fault = add_code(ctx, &list.items[i]);
	if (!fault)
		*ret_list = list;
	return fault;
}

enum fault ticket_get(struct ctx *ctx, struct ticket_id id, struct ticket *ret_ticket)
{
	enum fault fault = ticket_store_get(ctx, id, ret_ticket);
	return fault ? fault : add_code(ctx, ret_ticket);
}

/* The payload is our own work (its signature was right), so only one form of it is known. */
static bool read_code(struct ctx *ctx, const char *payload, struct ticket_id *ret_id,
	const char **ret_nonce)
{
	static const char head[] = "{\"ticket\":", middle[] = ",\"nonce\":\"";
	if (!str_starts(payload, head))
		return false;
	const char *number = payload + strlen(head), *comma = strstr(number, middle);
	if (!comma || !str_to_int(arena_strndup(ctx->arena, number, (size_t)(comma - number)),
		&ret_id->value))
		return false;
	const char *nonce = comma + strlen(middle);
	*ret_nonce = arena_strndup(ctx->arena, nonce, strcspn(nonce, "\""));
	return strlen(*ret_nonce) == 36 && strspn(*ret_nonce, "0123456789abcdef-") == 36;
}

enum fault ticket_check_in(struct ctx *ctx, const char *code, struct ticket *ret_ticket)
{
	const char *payload, *nonce;
	struct ticket_id id;
	bool used_now = false;
	if (token_open(ctx, code_type, code, &payload) || !read_code(ctx, payload, &id, &nonce))
		return FAULT_TICKET_NOT_FOUND;
	enum fault fault = ticket_store_use(ctx, id, nonce, ret_ticket, &used_now);
	if (fault || used_now)
		return fault;
	if (strcmp(ret_ticket->status, "VOID") == 0)
		return FAULT_TICKET_VOID;
	ctx->problem_extra = arena_printf(ctx->arena, "\"usedAt\":\"%s\"",
		clock_format(ctx->arena, ret_ticket->used_ms));
	return FAULT_TICKET_ALREADY_USED;
}
