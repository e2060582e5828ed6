/* cm-relay: hands committed events to the bus. Several may run; one leads, the others stand by. */
#include "base/conf.h"
#include "daemon.h"
#include "event/event.h"

#include "base/banned.h"

static enum fault step(struct ctx *ctx, bool *ret_more)
{
	size_t count = 0;
	enum fault fault = event_relay(ctx, &count);
	*ret_more = count == (size_t)conf_integer(CONF_EVENT_BATCH);
	return fault;
}

int main(int argc, char **argv)
{
	static const struct daemon_program program = { .name = "relay", .wake = "relay",
		.step = step };
	return daemon_main(argc, argv, &program);
}
