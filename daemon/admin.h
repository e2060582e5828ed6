/* The commands of cm-admin that have a file of their own. Each returns the exit status. */
#ifndef CM_DAEMON_ADMIN_H
#define CM_DAEMON_ADMIN_H

#include "base/ctx.h"

/* Prints how many connections the settings ask for and fails when PostgreSQL gives fewer, or the
 * replica (NULL: there is none). Leaves the replica in ctx->pg. */
int admin_connections(struct ctx *ctx, struct pg *replica);

#endif
