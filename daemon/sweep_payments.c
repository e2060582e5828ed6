#include "payment/payment.h"
#include "sweep.h"

#include "base/banned.h"

enum { BATCH = 16 };

enum fault sweep_payments(struct ctx *ctx, bool *ret_more)
{
	size_t done = 0;
	enum fault fault = payment_reconcile(ctx, BATCH, &done);
	*ret_more = done > 0;
	return fault;
}
