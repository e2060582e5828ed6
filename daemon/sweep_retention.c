#include "base/clock.h"
#include "metrics/metrics.h"
#include "ops/retention.h"
#include "sweep.h"

#include "base/banned.h"

enum { BATCH = 500 };
enum { ROUND_EVERY_US = 60000000 };

static int64_t next_round_us, events_after;

/* A round a minute, batch by batch; holds have their turn between two batches. */
enum fault sweep_retention(struct ctx *ctx, bool *ret_more)
{
	struct retention keys = { 0 }, tokens = { 0 }, events = { 0 };
	*ret_more = false;
	if (clock_monotonic_us() < next_round_us)
		return FAULT_NONE;
	enum fault fault = retention_keys(ctx, BATCH, &keys);
	if (fault || (fault = retention_tokens(ctx, BATCH, &tokens))
		|| (fault = retention_events(ctx, BATCH, &events_after, &events)))
		return fault;
	metric_add(METRIC_REMOVED_KEYS, (uint64_t)keys.removed);
	metric_add(METRIC_REMOVED_TOKENS, (uint64_t)tokens.removed);
	metric_add(METRIC_REMOVED_EVENTS, (uint64_t)events.removed);
	*ret_more = keys.more || tokens.more || events.more;
	if (!*ret_more)
		next_round_us = clock_monotonic_us() + ROUND_EVERY_US;
	return FAULT_NONE;
}
