/* cm-sweeper: whatever time alone makes due. */
#include "daemon.h"
#include "sweep.h"

#include "base/banned.h"

static enum fault (*const sweeps[])(struct ctx *, bool *) = {
	sweep_holds,
	sweep_retention,
};

/* One that fails doesn't keep the others from their turn. */
static enum fault step(struct ctx *ctx, bool *ret_more)
{
	enum fault first = FAULT_NONE;
	*ret_more = false;
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(*sweeps); i++) {
		bool more = false;
		enum fault fault = sweeps[i](ctx, &more);
		if (fault && !first)
			first = fault;
		*ret_more |= more;
	}
	return first;
}

int main(int argc, char **argv)
{
	static const struct daemon_program program = { .name = "sweeper",
		.poll = DAEMON_POLL_SECOND, .step = step };
	return daemon_main(argc, argv, &program);
}
