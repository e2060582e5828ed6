/* ticket_store.h in memory: a few tickets. */
#ifndef CM_T_FAKE_TICKET_MEM_H
#define CM_T_FAKE_TICKET_MEM_H

#include "ticket/ticket_store.h"

struct ticket_memory {
	struct ticket tickets[8]; /* newest first */
	size_t count;
	int uses;
};

extern struct ticket_memory ticket_memory;

#endif
