#include "metrics/metrics.h"
#include "reservation/reservation.h"
#include "sweep.h"

#include "base/banned.h"

enum { BATCH = 200 };

enum fault sweep_holds(struct ctx *ctx, bool *ret_more)
{
	int64_t seats = 0;
	enum fault fault = reservation_expire(ctx, BATCH, &seats);
	if (fault)
		return fault;
	metric_add(METRIC_HOLD_EXPIRED, (uint64_t)seats);
	*ret_more = seats >= BATCH;
	return FAULT_NONE;
}
