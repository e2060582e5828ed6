/* A nudge to a daemon of this host that there is work: one datagram to its socket in CM_WAKE_DIR.
 * A lost one costs nothing but the wait for the next poll. */
#ifndef CM_EVENT_WAKE_H
#define CM_EVENT_WAKE_H

#include "base/ctx.h"

/* Wakes the relay once the reply has left: call it after a commit that wrote an event. */
void event_wake_after(struct ctx *ctx);
/* Wakes the daemon of that name now ("relay", "consumer-reservation"). */
void event_wake(const char *name);
/* The daemon's own socket, non-blocking; -1 when there is no CM_WAKE_DIR. */
int event_wake_open(const char *name);
/* Takes all datagrams that wait. */
void event_wake_drain(int socket);

#endif
