#include "event/event.h"

#include <string.h>

#include "base/conf.h"
#include "base/point.h"
#include "config.h"
#include "event/bus.h"
#include "event/outbox.h"

#include "base/banned.h"

static const struct bus *const buses[] = {
	&bus_postgres,
#ifdef HAVE_KAFKA
	&bus_kafka,
#endif
};

static const struct bus *chosen_bus(void)
{
	const char *name = conf_text(CONF_BUS);
	for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++)
		if (strcmp(buses[i]->name, name) == 0)
			return buses[i];
	return NULL;
}

static enum fault find_bus(struct ctx *ctx, const struct bus **ret_bus)
{
	if ((*ret_bus = chosen_bus()))
		return FAULT_NONE;
	ctx->log_detail = "CM_BUS names a bus that was not built in";
	return FAULT_INTERNAL;
}

enum fault event_relay(struct ctx *ctx, size_t *ret_count)
{
	const struct bus *bus;
	struct event_list events;
	bool leads = false;
	size_t count = 0;
	enum fault fault = find_bus(ctx, &bus);
	if (!fault)
		fault = outbox_lead(ctx, &leads);
	if (fault || !leads) {
		*ret_count = 0;
		return fault;
	}
	fault = outbox_read(ctx, (size_t)conf_integer(CONF_EVENT_BATCH), &events);
	if (!fault && events.count)
		fault = bus->publish(ctx, events.items, events.count, &count);
	if (!fault && count) {
		POINT("relay-handed-over");
		fault = outbox_mark(ctx, events.items, count);
		POINT("relay-marked");
	}
	if (!fault)
		*ret_count = count;
	return fault;
}

enum fault event_consume(struct ctx *ctx, const struct event_group *group, size_t *ret_count)
{
	const struct bus *bus;
	enum fault fault = find_bus(ctx, &bus);
	return fault ? fault : bus->consume(ctx, group, ret_count);
}

enum fault event_backlog(struct ctx *ctx, struct event_backlog **ret_groups, size_t *ret_count)
{
	const struct bus *bus;
	enum fault fault = find_bus(ctx, &bus);
	return fault ? fault : bus->backlog(ctx, ret_groups, ret_count);
}

bool event_consume_waits(void)
{
	const struct bus *bus = chosen_bus();
	return bus && bus->waits;
}
