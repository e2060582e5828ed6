/* The bus for those who outgrow one machine: Apache Kafka by librdkafka.
 *
 * A topic per fact, the event's key as the message's key, the payload as its value; id, time, trace
 * and ids travel as headers. The producer is idempotent and waits for all replicas; a group commits
 * its offset only after its transaction, and the inbox makes a repeated message harmless. A message
 * that fails holds up its consumer until it succeeds or is given up. */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/point.h"
#include "base/str.h"
#include "base/tx.h"
#include "event/bus.h"
#include "event/event_kafka.h"
#include "event/event_pg.h"
#include "event/outbox.h"
#include "metrics/metrics.h"

#include "base/banned.h"

enum { FLUSH_MS = 30000, COMMIT_TRIES = 3 };

PG_STATEMENT(kafka_topics, "select topic from cm.subscription where consumer_group = $1");

static const char *const headers[] = { "id", "created", "reservation", "member", "concert" };
enum { HEADER_COUNT = 5 };

enum fault kafka_away(struct ctx *ctx, const char *why)
{
	ctx->log_detail = arena_strdup(ctx->arena, why);
	return FAULT_BUS_AWAY;
}

rd_kafka_t *kafka_client(struct ctx *ctx, rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char error[256];
	rd_kafka_t *client;
	rd_kafka_conf_set(conf, "bootstrap.servers", conf_text(CONF_KAFKA_BROKERS), NULL, 0);
	rd_kafka_conf_set(conf, "client.id", "concert-mania", NULL, 0);
	if (!(client = rd_kafka_new(type, conf, error, sizeof(error)))) {
		rd_kafka_conf_destroy(conf);
		ctx->log_detail = arena_strdup(ctx->arena, error);
	}
	return client;
}

/* --- relay ----------------------------------------------------------------------------------- */

static void on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	(void)producer;
	(void)opaque;
	if (message->_private)
		*(bool *)message->_private = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *producer;

static rd_kafka_t *get_producer(struct ctx *ctx)
{
	char text[512];
	/* An idempotent producer that failed fatally never recovers: another one takes over. */
	if (producer && rd_kafka_fatal_error(producer, text, sizeof(text))) {
		log_event(LOG_WARNING, "new Kafka producer", "cause", text);
		rd_kafka_destroy(producer);
		producer = NULL;
	}
	if (producer)
		return producer;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
	/* None may overtake one of its key that failed: a refusal ends the producer, and time ends
	 * for all messages at once, after FLUSH_MS, instead of for each by itself. */
	rd_kafka_conf_set(conf, "enable.gapless.guarantee", "true", NULL, 0);
	rd_kafka_conf_set(conf, "message.timeout.ms", "0", NULL, 0);
	rd_kafka_conf_set(conf, "acks", "all", NULL, 0);
	rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
	producer = kafka_client(ctx, RD_KAFKA_PRODUCER, conf);
	return producer;
}

static bool produce(struct ctx *ctx, const struct event *event, bool *delivered)
{
	const int64_t values[HEADER_COUNT] = { event->id, event->created_ms,
		event->reservation.value, event->member.value, event->concert.value };
	rd_kafka_headers_t *list = rd_kafka_headers_new(HEADER_COUNT + 1);
	for (size_t i = 0; i < HEADER_COUNT; i++)
		rd_kafka_header_add(list, headers[i], -1,
			arena_printf(ctx->arena, "%lld", (long long)values[i]), -1);
	if (event->trace)
		rd_kafka_header_add(list, "traceparent", -1, event->trace, -1);
	rd_kafka_resp_err_t error = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(event->topic),
		RD_KAFKA_V_KEY(event->key, strlen(event->key)),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)event->payload, strlen(event->payload)),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(list),
		RD_KAFKA_V_OPAQUE(delivered), RD_KAFKA_V_END);
	if (error)
		rd_kafka_headers_destroy(list);
	return !error;
}

static enum fault publish(struct ctx *ctx, const struct event *events, size_t count,
	size_t *ret_count)
{
	bool *delivered = arena_array(ctx->arena, count, sizeof(*delivered));
	size_t sent = 0, done = 0;
	if (!get_producer(ctx))
		return FAULT_BUS_AWAY;
	while (sent < count && produce(ctx, &events[sent], &delivered[sent]))
		sent++;
	if (rd_kafka_flush(producer, FLUSH_MS)) {
		/* Reports that come later must not write into memory that is gone. */
		rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(producer, 1000);
		rd_kafka_destroy(producer);
		producer = NULL;
	}
	while (done < sent && delivered[done])
		done++;
	*ret_count = done;
	return done ? FAULT_NONE : kafka_away(ctx, "no message was acknowledged");
}

/* --- consumer -------------------------------------------------------------------------------- */

static rd_kafka_t *consumer;
static rd_kafka_message_t *pending; /* the one that failed last, and how often */
static int attempts;

static void close_consumer(void)
{
	if (pending)
		rd_kafka_message_destroy(pending);
	if (consumer) {
		rd_kafka_consumer_close(consumer);
		rd_kafka_destroy(consumer);
	}
}

static enum fault subscribe(struct ctx *ctx, const char *group)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &kafka_topics, "t", group);
	if (fault)
		return fault;
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(rows.count);
	for (int row = 0; row < rows.count; row++)
		rd_kafka_topic_partition_list_add(topics, pg_text(&rows, row, 0),
			RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return error ? kafka_away(ctx, rd_kafka_err2str(error)) : FAULT_NONE;
}

static enum fault open_consumer(struct ctx *ctx, const char *group)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
	rd_kafka_conf_set(conf, "allow.auto.create.topics", "true", NULL, 0);
	rd_kafka_conf_set(conf, "enable.auto.commit", "false", NULL, 0);
	rd_kafka_conf_set(conf, "enable.auto.offset.store", "false", NULL, 0);
	rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", NULL, 0);
	rd_kafka_conf_set(conf, "session.timeout.ms", "10000", NULL, 0);
	rd_kafka_conf_set(conf, "topic.metadata.refresh.interval.ms", "5000", NULL, 0);
	if (!(consumer = kafka_client(ctx, RD_KAFKA_CONSUMER, conf)))
		return FAULT_BUS_AWAY;
	rd_kafka_poll_set_consumer(consumer);
	atexit(close_consumer);
	return subscribe(ctx, group);
}

static const char *header(struct ctx *ctx, const rd_kafka_headers_t *list, const char *name)
{
	const void *value;
	size_t length;
	if (!list || rd_kafka_header_get_last(list, name, &value, &length) || !value)
		return NULL;
	return arena_strndup(ctx->arena, value, length);
}

static rd_kafka_headers_t *headers_of(const rd_kafka_message_t *message)
{
	rd_kafka_headers_t *list = NULL;
	return rd_kafka_message_headers(message, &list) ? NULL : list;
}

static int64_t header_number(struct ctx *ctx, const rd_kafka_headers_t *list, const char *name)
{
	int64_t number = 0;
	const char *text = header(ctx, list, name);
	return text && str_to_int(text, &number) ? number : 0;
}

int64_t kafka_created_ms(struct ctx *ctx, const rd_kafka_message_t *message)
{
	return header_number(ctx, headers_of(message), "created");
}

static struct event read_message(struct ctx *ctx, const rd_kafka_message_t *message)
{
	const rd_kafka_headers_t *list = headers_of(message);
	return (struct event){
		.id = header_number(ctx, list, "id"),
		.created_ms = header_number(ctx, list, "created"),
		.reservation = { header_number(ctx, list, "reservation") },
		.member = { header_number(ctx, list, "member") },
		.concert = { header_number(ctx, list, "concert") },
		.trace = header(ctx, list, "traceparent"),
		.topic = arena_strdup(ctx->arena, rd_kafka_topic_name(message->rkt)),
		.key = arena_strndup(ctx->arena, message->key, message->key_len),
		.payload = arena_strndup(ctx->arena, message->payload, message->len),
	};
}

struct effect {
	const struct event_group *group;
	const struct event *event;
	const char *error;
	bool is_begun; /* there was a database to begin with */
};

static enum fault apply(struct ctx *ctx, void *arg)
{
	struct effect *effect = arg;
	effect->is_begun = true;
	ctx->traceparent = effect->event->trace;
	return effect->group->handler(ctx, effect->event);
}

static enum fault bury(struct ctx *ctx, void *arg)
{
	struct effect *effect = arg;
	return outbox_bury(ctx, effect->group->name, effect->event, attempts, effect->error);
}

static bool is_servers(enum fault fault)
{
	return fault == FAULT_DATABASE_AWAY || fault == FAULT_OUTCOME_UNKNOWN
		|| fault == FAULT_DATABASE_BUSY || fault == FAULT_REDIS_AWAY;
}

/* As in bus_pg.c: a time-out is no event's fault, unless it is the same event's again and again. */
static bool is_events_own(const struct effect *effect, enum fault fault)
{
	static int64_t last_event, times;
	if (!is_servers(fault))
		return true;
	if (!effect->is_begun || fault == FAULT_REDIS_AWAY)
		return false;
	times = effect->event->id == last_event ? times + 1 : 1;
	last_event = effect->event->id;
	return times >= conf_integer(CONF_EVENT_TRIES);
}

/* FAULT_NONE: done with, by effect or by burial. */
static enum fault handle(struct ctx *ctx, const struct event_group *group,
	const rd_kafka_message_t *message)
{
	struct event event = read_message(ctx, message);
	struct effect effect = { .group = group, .event = &event };
	enum fault fault = tx_run(ctx, "event", apply, &effect);
	POINT("consumer-effect");
	if (!fault) {
		attempts = 0;
		metric_add(METRIC_EVENT_CONSUMED, 1);
		return FAULT_NONE;
	}
	if (!is_events_own(&effect, fault) || ++attempts < conf_integer(CONF_EVENT_TRIES)) {
		metric_add(METRIC_EVENT_RETRIED, 1);
		return fault;
	}
	effect.error = arena_printf(ctx->arena, "%s %s", fault_info(fault)->slug,
		ctx->log_detail ? ctx->log_detail : "");
	if (!(fault = tx_run(ctx, "event-failure", bury, &effect))) {
		attempts = 0;
		metric_add(METRIC_EVENT_DEAD, 1);
	}
	return fault;
}

static enum fault commit(struct ctx *ctx)
{
	rd_kafka_resp_err_t error = rd_kafka_commit(consumer, NULL, 0);
	for (int i = 1; i < COMMIT_TRIES && error; i++)
		error = rd_kafka_commit(consumer, NULL, 0);
	POINT("consumer-committed");
	/* Not committed: the messages come again, and the inbox knows them. */
	if (error && error != RD_KAFKA_RESP_ERR__NO_OFFSET)
		ctx->log_detail = rd_kafka_err2str(error);
	return FAULT_NONE;
}

/* The first message is waited for, so that the loop around needs not. */
static rd_kafka_message_t *next_message(bool is_first)
{
	rd_kafka_message_t *message = pending;
	pending = NULL;
	if (!message)
		message = rd_kafka_consumer_poll(consumer,
			is_first ? (int)conf_integer(CONF_EVENT_POLL_MS) : 0);
	if (message && message->err) {
		rd_kafka_message_destroy(message);
		return NULL;
	}
	return message;
}

static enum fault consume(struct ctx *ctx, const struct event_group *group, size_t *ret_count)
{
	enum fault fault = consumer ? FAULT_NONE : open_consumer(ctx, group->name);
	size_t count = 0, most = (size_t)conf_integer(CONF_EVENT_BATCH);
	rd_kafka_message_t *message;
	while (!fault && count < most && (message = next_message(count == 0))) {
		if ((fault = handle(ctx, group, message))) {
			pending = message;
			break;
		}
		rd_kafka_offset_store(message->rkt, message->partition, message->offset);
		rd_kafka_message_destroy(message);
		count++;
	}
	if (count)
		commit(ctx);
	*ret_count = count;
	return fault;
}

const struct bus bus_kafka = {
	.name = "kafka",
	.waits = true,
	.publish = publish,
	.consume = consume,
	.backlog = kafka_backlog,
};
