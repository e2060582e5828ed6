/* How many PostgreSQL connections the settings ask for: one a worker, one more a pool while it
 * rolls, one a daemon, on every host, and some left for people. Pure arithmetic on the settings. */
#ifndef CM_OPS_BUDGET_H
#define CM_OPS_BUDGET_H

#include <stddef.h>
#include <stdint.h>

enum { BUDGET_ROWS = 16 };

struct budget_row {
	const char *name;    /* "pool auth", "daemons", "reserve" */
	const char *setting; /* what changes it: "CM_POOL_AUTH_WORKERS"; NULL: nothing does */
	int64_t connections; /* on all hosts */
};

struct budget {
	struct budget_row rows[BUDGET_ROWS];
	size_t count;
	int64_t needed;
};

struct budget budget_make(void);
/* Of a read replica: the pool concert alone reads there. */
struct budget budget_make_replica(void);

#endif
