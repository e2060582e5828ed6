/* Shared by the adapters of this folder that use Kafka. */
#ifndef CM_EVENT_EVENT_KAFKA_H
#define CM_EVENT_EVENT_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "event/event.h"

/* BUS_AWAY, with why for the log. */
enum fault kafka_away(struct ctx *ctx, const char *why);
/* A client of CM_KAFKA_BROKERS; takes conf. NULL: none, and why in ctx->log_detail. */
rd_kafka_t *kafka_client(struct ctx *ctx, rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* When the event of a message was made; 0 when it doesn't say. */
int64_t kafka_created_ms(struct ctx *ctx, const rd_kafka_message_t *message);

/* As event_backlog. */
enum fault kafka_backlog(struct ctx *ctx, struct event_backlog **ret_groups, size_t *ret_count);

#endif
