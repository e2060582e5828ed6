/* cm-consumer GROUP: one consumer group of the event bus; or `mail`, which sends the e-mails that
 * the group `notification` left, in a process of its own: a mail server that hangs holds up no
 * notice. Any number may run of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "daemon.h"
#include "event/event.h"
#include "event/wake.h"
#include "notification/notification.h"
#include "payment/payment.h"
#include "queue/queue_follow.h"
#include "reservation/seat_refresh.h"
#include "reservation/turn_end.h"
#include "ticket/ticket.h"

#include "base/banned.h"

enum { MAILS = 16 };

/* A payment for a concert that was cancelled meanwhile gets no tickets but its money back. */
static enum fault on_reservation(struct ctx *ctx, const struct event *event)
{
	bool cancelled = strcmp(event->topic, "concert.cancelled") == 0;
	if (!cancelled && strcmp(event->topic, "payment.completed") != 0)
		return FAULT_NONE;
	enum fault fault = payment_refund_cancelled(ctx, event, &cancelled);
	if (fault || cancelled)
		return fault;
	return ticket_issue(ctx, "reservation", event);
}

/* What Redis keeps: the queue's settings, whose turn it is, and seat states. */
static enum fault on_cache(struct ctx *ctx, const struct event *event)
{
	enum fault fault = queue_follow(ctx, event);
	if (!fault)
		fault = reservation_end_turn(ctx, event);
	return fault ? fault : reservation_refresh_seats(ctx, event);
}

static const struct consumer {
	struct event_group group;
	const char *wake;
} consumers[] = {
	{ { "reservation", on_reservation }, "consumer-reservation" },
	{ { "notification", notification_from_event }, "consumer-notification" },
	{ { "cache", on_cache }, "consumer-cache" },
	{ { "mail", NULL }, "consumer-mail" },
};

static const struct consumer *chosen;

static enum fault step(struct ctx *ctx, bool *ret_more)
{
	size_t count = 0;
	enum fault fault = event_consume(ctx, &chosen->group, &count);
	if (count && chosen->group.handler == notification_from_event)
		event_wake("consumer-mail");
	*ret_more = count == (size_t)conf_integer(CONF_EVENT_BATCH) || event_consume_waits();
	return fault;
}

static enum fault mail_step(struct ctx *ctx, bool *ret_more)
{
	size_t count = 0;
	enum fault fault = notification_send(ctx, MAILS, &count);
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
		fprintf(stderr, "usage: cm-consumer reservation|notification|cache|mail\n");
		return EXIT_FAILURE;
	}
	program.wake = chosen->wake;
	if (!chosen->group.handler) {
		program.step = mail_step;
		program.poll = DAEMON_POLL_SECOND;
	}
	return daemon_main(argc - 1, argv + 1, &program);
}
