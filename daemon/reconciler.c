/* cm-reconciler: asks gateways about payments whose outcome is unknown, and makes refunds.
 *
 * A process of its own, because a gateway that hangs must hold up nothing else; one attempt and one
 * refund a step, so that a lease (a minute) outlives the gateway's answer and SIGTERM is heard. Any
 * number may run. */
#include "daemon.h"
#include "payment/payment.h"

#include "base/banned.h"

enum { AT_ONCE = 1 };

static enum fault step(struct ctx *ctx, bool *ret_more)
{
	size_t done = 0;
	enum fault fault = payment_reconcile(ctx, AT_ONCE, &done);
	*ret_more = done > 0;
	return fault;
}

int main(int argc, char **argv)
{
	static const struct daemon_program program = { .name = "reconciler", .role = "sweeper",
		.poll = DAEMON_POLL_SECOND, .step = step, .check = payment_check_settings };
	return daemon_main(argc, argv, &program);
}
