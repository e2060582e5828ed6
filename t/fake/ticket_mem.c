#include "fake/ticket_mem.h"

#include <string.h>

#include "base/banned.h"

struct ticket_memory ticket_memory;

static struct ticket *find(struct ticket_id id)
{
	for (size_t i = 0; i < ticket_memory.count; i++)
		if (ticket_memory.tickets[i].id.value == id.value)
			return &ticket_memory.tickets[i];
	return NULL;
}

enum fault ticket_store_list(struct ctx *ctx, const struct ticket_filter *filter,
	struct ticket_list *ret_list)
{
	size_t count = ticket_memory.count;
	if (count > (size_t)filter->limit + 1)
		count = (size_t)filter->limit + 1;
	*ret_list = (struct ticket_list){ arena_array(ctx->arena, count, sizeof(struct ticket)), count,
		false };
	for (size_t i = 0; i < count; i++)
		ret_list->items[i] = ticket_memory.tickets[i];
	return FAULT_NONE;
}

enum fault ticket_store_get(struct ctx *ctx, struct ticket_id id, struct ticket *ret_ticket)
{
	(void)ctx;
	if (!find(id))
		return FAULT_TICKET_NOT_FOUND;
	*ret_ticket = *find(id);
	return FAULT_NONE;
}

enum fault ticket_store_use(struct ctx *ctx, struct ticket_id id, const char *nonce,
	struct ticket *ret_ticket, bool *ret_used_now)
{
	struct ticket *ticket = find(id);
	ticket_memory.uses++;
	if (!ticket || strcmp(ticket->nonce, nonce) != 0)
		return FAULT_TICKET_NOT_FOUND;
	*ret_used_now = strcmp(ticket->status, "ISSUED") == 0;
	if (*ret_used_now) {
		ticket->status = "USED";
		ticket->used_ms = ctx->now_ms;
	}
	*ret_ticket = *ticket;
	return FAULT_NONE;
}
