/* bus_kafka.c's producer against librdkafka's mock brokers, which fail on command. No stores. */
#include "unit.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

#include "event/bus.h"

enum { PARTITIONS = 4, API_PRODUCE = 0, MOST = 100, FIRST_ID = 1000, LARGE = 100000 };

static rd_kafka_t *owner; /* of the mock brokers */
static rd_kafka_mock_cluster_t *cluster;
static struct event events[MOST];

static void start_cluster(void)
{
	char error[256];
	const char *unused;
	ck_assert(conf_load(&unused));
	owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof(error));
	ck_assert_msg(owner != NULL, "%s", error);
	cluster = rd_kafka_mock_cluster_new(owner, 1);
	ck_assert(cluster != NULL);
	rd_kafka_mock_topic_create(cluster, "test.fact", PARTITIONS, 1);
	conf_set(CONF_KAFKA_BROKERS, rd_kafka_mock_cluster_bootstraps(cluster));
	for (size_t i = 0; i < MOST; i++)
		events[i] = (struct event){ .id = FIRST_ID + (int64_t)i, .topic = "test.fact",
			.key = arena_printf(ctx.arena, "key-%zu", i % 5), .payload = "{}" };
}

static void stop_cluster(void)
{
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(owner);
}

/* As the relay does: what was not acknowledged is handed over again. Returns the hand-overs. */
static int relay(size_t count)
{
	size_t done = 0, taken;
	int calls = 0;
	while (done < count) {
		taken = 0;
		bus_kafka.publish(&ctx, &events[done], count - done, &taken);
		done += taken;
		calls++;
	}
	return calls;
}

static rd_kafka_t *read_from_the_start(void)
{
	char error[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", conf_text(CONF_KAFKA_BROKERS), NULL, 0);
	rd_kafka_conf_set(conf, "group.id", "reader", NULL, 0);
	rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
	ck_assert_msg(reader != NULL, "%s", error);
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(PARTITIONS);
	for (int32_t i = 0; i < PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(all, "test.fact", i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	ck_assert_int_eq(rd_kafka_assign(reader, all), 0);
	rd_kafka_topic_partition_list_destroy(all);
	return reader;
}

static size_t number_of(const rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers = NULL;
	const void *value;
	size_t length;
	int64_t id = 0;
	ck_assert_int_eq(rd_kafka_message_headers(message, &headers), 0);
	ck_assert_int_eq(rd_kafka_header_get_last(headers, "id", &value, &length), 0);
	ck_assert(str_to_int(value, &id));
	return (size_t)(id - FIRST_ID);
}

/* Reads until each of the events has come; those of one key come first in their order. */
static void everything_is_there_in_order(size_t count)
{
	bool seen[MOST] = { false };
	size_t last[5] = { 0 }, found = 0;
	rd_kafka_t *reader = read_from_the_start();
	while (found < count) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 1000);
		if (message && !message->err) {
			size_t n = number_of(message);
			ck_assert_uint_lt(n, count);
			if (!seen[n]) {
				ck_assert_uint_ge(n, last[n % 5]);
				last[n % 5] = n;
				seen[n] = true;
				found++;
			}
		}
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
}

START_TEST(events_are_handed_over_in_order)
{
	start_cluster();
	ck_assert_int_eq(relay(MOST), 1);
	everything_is_there_in_order(MOST);
	stop_cluster();
}
END_TEST

/* The broker has lost what the producer's numbers go on from: it never recovers from that. */
START_TEST(a_fatal_error_makes_a_new_producer)
{
	start_cluster();
	ck_assert_int_eq(relay(20), 1);
	rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 1,
		RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	ck_assert_int_ge(relay(MOST), 2);
	everything_is_there_in_order(MOST);
	stop_cluster();
}
END_TEST

/* Passing trouble is the producer's own affair. */
START_TEST(what_can_be_repeated_is_repeated)
{
	start_cluster();
	rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 2,
		RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
	ck_assert_int_eq(relay(MOST), 1);
	everything_is_there_in_order(MOST);
	stop_cluster();
}
END_TEST

/* A message that is refused for good: none of its key after it may overtake it. */
START_TEST(nobody_overtakes_one_that_was_refused)
{
	char *large = arena_alloc(ctx.arena, LARGE + 1); /* a key's events take several requests */
	memset(large, ' ', LARGE);
	large[LARGE] = 0;
	start_cluster();
	for (size_t i = 0; i < MOST; i++)
		events[i].payload = large;
	rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 1,
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	ck_assert_int_ge(relay(MOST), 2);
	everything_is_there_in_order(MOST);
	stop_cluster();
}
END_TEST

/* No broker at all: nothing is said to be there, and all of it is once one is back. */
START_TEST(without_a_broker_nothing_is_acknowledged)
{
	size_t taken = 0;
	start_cluster();
	rd_kafka_mock_broker_set_down(cluster, 1);
	ck_assert_int_eq(bus_kafka.publish(&ctx, events, 10, &taken), FAULT_BUS_AWAY);
	ck_assert_uint_eq(taken, 0);
	rd_kafka_mock_broker_set_up(cluster, 1);
	ck_assert_int_ge(relay(10), 1);
	everything_is_there_in_order(10);
	stop_cluster();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { events_are_handed_over_in_order,
		a_fatal_error_makes_a_new_producer, what_can_be_repeated_is_repeated,
		nobody_overtakes_one_that_was_refused,
		without_a_broker_nothing_is_acknowledged, NULL };
	return unit_main("Kafka producer", tests);
}
