/* A worker: one process of a pool that takes requests from the pool's socket, one at a time.
 * The only user of fcgiapp.h. */
#ifndef CM_FCGI_WORKER_H
#define CM_FCGI_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "http/route.h"

struct worker {
	const char *name; /* of the pool, "reservation" */
	const struct route *routes;
	size_t route_count;
	size_t body_limit;        /* bytes; 0 = LIMIT_BODY_BYTES */
	/* False: it must not start with these settings, and why (static). May be NULL. */
	bool (*check)(const char **ret_error);
	void (*init)(void);       /* after the settings were read; may be NULL */
};

/* main of every program of fcgi/. Options: --routes prints the table, --conf the settings, --check
 * says whether it would start with them. */
int worker_main(int argc, char **argv, const struct worker *worker);

#endif
