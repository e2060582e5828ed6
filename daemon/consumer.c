/* cm-consumer GROUP: one consumer group of the event bus. Any number may run of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "event/event.h"
#include "ticket/ticket.h"

#include "base/banned.h"

static enum fault on_reservation(struct ctx *ctx, const struct event *event)
{
	if (strcmp(event->topic, "payment.completed") == 0)
		return ticket_issue(ctx, "reservation", event);
	return FAULT_NONE;
}

static enum fault on_notification(struct ctx *ctx, const struct event *event)
{
	(void)ctx;
	(void)event;
	return FAULT_NONE;
}

static enum fault on_cache(struct ctx *ctx, const struct event *event)
{
	(void)ctx;
	(void)event;
	return FAULT_NONE;
}

static const struct consumer {
	struct event_group group;
	const char *wake;
} consumers[] = {
	{ { "reservation", on_reservation }, "consumer-reservation" },
	{ { "notification", on_notification }, "consumer-notification" },
	{ { "cache", on_cache }, "consumer-cache" },
};

static const struct consumer *chosen;

static enum fault step(struct ctx *ctx, bool *ret_more)
{
	size_t count = 0;
	enum fault fault = event_consume(ctx, &chosen->group, &count);
	*ret_more = count > 0;
	return fault;
}

int main(int argc, char **argv)
{
	struct daemon_program program = { .name = "consumer", .step = step };
	for (size_t i = 0; argc > 1 && i < sizeof(consumers) / sizeof(*consumers); i++)
		if (strcmp(argv[1], consumers[i].group.name) == 0)
			chosen = &consumers[i];
	if (!chosen) {
		fprintf(stderr, "usage: cm-consumer reservation|notification|cache\n");
		return EXIT_FAILURE;
	}
	program.wake = chosen->wake;
	return daemon_main(argc - 1, argv + 1, &program);
}
