/* A read replica: reads that may lag a little run there while it is fresh, on the primary
 * otherwise. No read fails because of the replica.
 *
 * Fresh enough is decided once a second per process, not per request: the primary is asked how far
 * its WAL is flushed, then the replica how far it has replayed. What the replica has replayed tells
 * which of our earlier samples of the primary it has reached, and the age of that sample bounds how
 * old its answers are. So an idle primary is no lag, a cut link is one, and no clock but this
 * process' own is believed. While the primary is away the replica serves on, as far as it was. */
#ifndef CM_PG_REPLICA_H
#define CM_PG_REPLICA_H

#include "base/ctx.h"

/* For ctx->replica. From then on pg_query sends the statements of a request whose ctx->may_lag is
 * set to it, at most CM_DATABASE_REPLICA_LAG_S behind. An answer without rows is asked again of the
 * primary: what is new may not have arrived yet. A failure is run again on the primary, and the
 * replica is left alone for a while. Never NULL. */
struct replica *replica_new(const char *url, const char *program);
void replica_free(struct replica *replica);

#endif
