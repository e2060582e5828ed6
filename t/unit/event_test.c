/* The relay's and the consumer's order of work, on an outbox and a bus that are played. */
#include "unit.h"

#include "event/bus.h"
#include "event/outbox.h"

#include "base/banned.h"

enum { MOST = 8 };

static struct {
	bool leads;
	size_t waiting;  /* events in the outbox */
	size_t accepted; /* how many of them the bus takes */
	enum fault read, publish, mark, consume;
	/* What was seen. */
	size_t limit, published, marked;
	int64_t published_ids[MOST], marked_ids[MOST];
	char steps[MOST + 1]; /* l: lead, r: read, p: publish, m: mark, c: consume */
	const struct event_group *group;
} played;

static void note(char step)
{
	size_t length = strlen(played.steps);
	ck_assert_uint_lt(length, MOST);
	played.steps[length] = step;
}

enum fault outbox_lead(struct ctx *unused, bool *ret_leads)
{
	(void)unused;
	note('l');
	*ret_leads = played.leads;
	return FAULT_NONE;
}

enum fault outbox_read(struct ctx *given, size_t limit, struct event_list *ret_events)
{
	note('r');
	played.limit = limit;
	ret_events->count = played.waiting;
	ret_events->items = arena_array(given->arena, MOST, sizeof(struct event));
	for (size_t i = 0; i < played.waiting; i++)
		ret_events->items[i] = (struct event){ .id = 10 + (int64_t)i, .topic = "t",
			.key = "k", .payload = "{}" };
	return played.read;
}

enum fault outbox_mark(struct ctx *unused, const struct event *events, size_t count)
{
	(void)unused;
	note('m');
	played.marked = count;
	for (size_t i = 0; i < count; i++)
		played.marked_ids[i] = events[i].id;
	return played.mark;
}

static enum fault publish(struct ctx *unused, const struct event *events, size_t count,
	size_t *ret_count)
{
	(void)unused;
	note('p');
	played.published = count;
	for (size_t i = 0; i < count; i++)
		played.published_ids[i] = events[i].id;
	*ret_count = played.accepted;
	return played.publish;
}

static enum fault consume(struct ctx *unused, const struct event_group *group, size_t *ret_count)
{
	(void)unused;
	note('c');
	played.group = group;
	*ret_count = 3;
	return played.consume;
}

const struct bus bus_postgres = { .name = "postgres", .publish = publish, .consume = consume };
#ifdef HAVE_KAFKA
const struct bus bus_kafka = { .name = "kafka", .waits = true, .publish = publish,
	.consume = consume };
#endif

/* A relay that leads, with as many events of which the bus takes so many. */
static void play(size_t waiting, size_t accepted)
{
	memset(&played, 0, sizeof(played));
	played.leads = true;
	played.waiting = waiting;
	played.accepted = accepted;
	conf_set(CONF_BUS, "postgres");
	conf_set(CONF_EVENT_BATCH, "5");
}

static size_t relay(enum fault wanted)
{
	size_t count = 0;
	ck_assert_int_eq(event_relay(&ctx, &count), wanted);
	return count;
}

START_TEST(what_the_bus_took_is_marked)
{
	play(4, 4);
	ck_assert_uint_eq(relay(FAULT_NONE), 4);
	ck_assert_str_eq(played.steps, "lrpm");
	ck_assert_uint_eq(played.limit, 5);
	for (int64_t i = 0; i < 4; i++) {
		ck_assert_int_eq(played.published_ids[i], 10 + i);
		ck_assert_int_eq(played.marked_ids[i], 10 + i);
	}
}
END_TEST

START_TEST(what_it_did_not_take_is_not_marked)
{
	play(5, 2);
	ck_assert_uint_eq(relay(FAULT_NONE), 2);
	ck_assert_uint_eq(played.published, 5);
	ck_assert_uint_eq(played.marked, 2);
	play(5, 0);
	ck_assert_uint_eq(relay(FAULT_NONE), 0);
	ck_assert_str_eq(played.steps, "lrp");
	play(5, 5);
	played.publish = FAULT_BUS_AWAY;
	ck_assert_uint_eq(relay(FAULT_BUS_AWAY), 0);
	ck_assert_str_eq(played.steps, "lrp");
}
END_TEST

START_TEST(nothing_waits_and_nothing_is_done)
{
	play(0, 0);
	ck_assert_uint_eq(relay(FAULT_NONE), 0);
	ck_assert_str_eq(played.steps, "lr");
}
END_TEST

START_TEST(who_does_not_lead_does_nothing)
{
	play(3, 3);
	played.leads = false;
	ck_assert_uint_eq(relay(FAULT_NONE), 0);
	ck_assert_str_eq(played.steps, "l");
}
END_TEST

START_TEST(faults_are_told_and_count_nothing)
{
	play(3, 3);
	played.mark = FAULT_DATABASE_AWAY;
	ck_assert_uint_eq(relay(FAULT_DATABASE_AWAY), 0);
	play(3, 3);
	played.read = FAULT_DATABASE_BUSY;
	ck_assert_uint_eq(relay(FAULT_DATABASE_BUSY), 0);
	ck_assert_str_eq(played.steps, "lr");
}
END_TEST

START_TEST(a_group_gets_the_bus_that_was_chosen)
{
	const struct event_group group = { .name = "g" };
	size_t count = 0;
	play(0, 0);
	ck_assert_int_eq(event_consume(&ctx, &group, &count), FAULT_NONE);
	ck_assert_uint_eq(count, 3);
	ck_assert_ptr_eq(played.group, &group);
	ck_assert(!event_consume_waits());
#ifdef HAVE_KAFKA
	conf_set(CONF_BUS, "kafka");
	ck_assert(event_consume_waits());
#endif
}
END_TEST

START_TEST(an_unknown_bus_is_a_fault_that_says_so)
{
	const struct event_group group = { .name = "g" };
	size_t count = 0;
	play(3, 3);
	conf_set(CONF_BUS, "pigeons");
	ck_assert_uint_eq(relay(FAULT_INTERNAL), 0);
	ck_assert_int_eq(event_consume(&ctx, &group, &count), FAULT_INTERNAL);
	ck_assert_str_eq(played.steps, "");
	ck_assert_ptr_nonnull(strstr(ctx.log_detail, "CM_BUS"));
	ck_assert(!event_consume_waits());
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { what_the_bus_took_is_marked,
		what_it_did_not_take_is_not_marked, nothing_waits_and_nothing_is_done,
		who_does_not_lead_does_nothing, faults_are_told_and_count_nothing,
		a_group_gets_the_bus_that_was_chosen, an_unknown_bus_is_a_fault_that_says_so,
		NULL };
	return unit_main("event", tests);
}
