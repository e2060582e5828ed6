/* The concerts of unit tests. */
#ifndef CM_T_FAKE_CONCERT_MEM_H
#define CM_T_FAKE_CONCERT_MEM_H

#include "concert/concert.h"

struct concert_memory {
	struct concert concerts[16];
	size_t concert_count;
	struct seat seat;
	int64_t seats_made;
	const char *code, *taken; /* what the next change answers; NULL: OK */
	int calls;
};

extern struct concert_memory concert_memory;

#endif
