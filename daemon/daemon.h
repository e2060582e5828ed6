/* main of the programs without HTTP: settings, log, signals, connections, and a loop that does one
 * step after the other, waiting in between when there is nothing to do. */
#ifndef CM_DAEMON_DAEMON_H
#define CM_DAEMON_DAEMON_H

#include "base/ctx.h"

/* How long it waits when nobody wakes it: CM_EVENT_POLL_MS, or a second. */
enum daemon_poll { DAEMON_POLL_EVENT, DAEMON_POLL_SECOND };

struct daemon_program {
	const char *name; /* of the program: "relay" */
	const char *role; /* of its database: "sweeper" is cm_sweeper; NULL: name */
	const char *wake; /* name of its wake-up socket; NULL: it only polls */
	enum daemon_poll poll;
	/* False: it must not start with these settings, and why (static). May be NULL. */
	bool (*check)(const char **ret_error);
	/* One piece of work in a fresh ctx. ret_more: there may be more at once. A fault is
	 * logged, and the daemon waits (longer each time) before it goes on. */
	enum fault (*step)(struct ctx *ctx, bool *ret_more);
};

/* Ends with SIGTERM or SIGINT, between two steps; a long one leaves off (base/stop.h). Option
 * --conf prints the settings. */
int daemon_main(int argc, char **argv, const struct daemon_program *program);

#endif
