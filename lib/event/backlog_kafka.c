/* How far consumer groups are behind in Kafka: for each of their partitions the end minus what the
 * group committed, and the age of the event there. Asked by a client that belongs to none of the
 * groups, so that it is known of those, too, that nobody serves. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "event/event_kafka.h"
#include "pg/pg.h"

#include "base/banned.h"

enum { ASK_EVERY_MS = 10000, ASK_MS = 1000 };

PG_STATEMENT(kafka_groups,
	"select consumer_group, topic from cm.subscription order by consumer_group, topic");

typedef rd_kafka_topic_partition_list_t partitions;

static rd_kafka_t *watcher;

struct group {
	const char *name;
	partitions *list; /* all of its topics */
	int64_t waiting, oldest_ms;
};

struct look {
	struct group *groups;
	size_t count;
	partitions *ends, *begins; /* of all topics */
	int64_t until_us;
};

/* What was seen last; the groups live in an arena of their own. */
static struct {
	struct arena *arena;
	struct group *groups;
	size_t count;
	enum fault fault;
	int64_t next_us;
} seen;

static int left_ms(const struct look *look)
{
	int64_t left = (look->until_us - clock_monotonic_us()) / 1000;
	return left > 0 ? (int)left : 0;
}

static void drop_list(void *list)
{
	rd_kafka_topic_partition_list_destroy(list);
}

static partitions *deferred(struct ctx *ctx, partitions *list)
{
	arena_defer(ctx->arena, drop_list, list);
	return list;
}

static partitions *new_list(struct ctx *ctx)
{
	return deferred(ctx, rd_kafka_topic_partition_list_new(16));
}

static void close_watcher(void)
{
	rd_kafka_destroy_flags(watcher, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* It reads single messages: little is fetched, and none is waited for. Its group is never joined
 * and has no offsets, librdkafka only wants to know one. */
static enum fault open_watcher(struct ctx *ctx)
{
	static const char *const settings[][2] = { { "group.id", "concert-mania-watch" },
		{ "allow.auto.create.topics", "false" }, { "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" }, { "auto.offset.reset", "earliest" },
		{ "queued.min.messages", "1" }, { "fetch.message.max.bytes", "4096" },
		{ "fetch.wait.max.ms", "10" }, { "log_level", "0" } };
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		rd_kafka_conf_set(conf, settings[i][0], settings[i][1], NULL, 0);
	if (!(watcher = kafka_client(ctx, RD_KAFKA_CONSUMER, conf)))
		return FAULT_BUS_AWAY;
	rd_kafka_poll_set_consumer(watcher);
	atexit(close_watcher);
	return FAULT_NONE;
}

static void add_once(partitions *list, const char *topic, int partition, int64_t offset)
{
	if (!rd_kafka_topic_partition_list_find(list, topic, partition))
		rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
}

/* A topic nobody published to isn't there yet. */
static void add_topic(const struct look *look, struct group *group,
	const struct rd_kafka_metadata_topic *topic)
{
	for (int i = 0; i < topic->partition_cnt; i++) {
		int id = topic->partitions[i].id;
		rd_kafka_topic_partition_list_add(group->list, topic->topic, id);
		add_once(look->ends, topic->topic, id, RD_KAFKA_OFFSET_END);
		add_once(look->begins, topic->topic, id, RD_KAFKA_OFFSET_BEGINNING);
	}
}

static void add_groups(struct ctx *ctx, struct look *look, const struct pg_rows *rows,
	const struct rd_kafka_metadata *metadata)
{
	struct group *group = NULL;
	look->groups = arena_array(ctx->arena, (size_t)rows->count, sizeof(*look->groups));
	look->ends = new_list(ctx);
	look->begins = new_list(ctx);
	for (int row = 0; row < rows->count; row++) {
		if (!group || strcmp(group->name, pg_text(rows, row, 0)) != 0) {
			group = &look->groups[look->count++];
			group->name = pg_text(rows, row, 0);
			group->list = new_list(ctx);
		}
		for (int i = 0; i < metadata->topic_cnt; i++)
			if (strcmp(metadata->topics[i].topic, pg_text(rows, row, 1)) == 0)
				add_topic(look, group, &metadata->topics[i]);
	}
}

/* The topics that the client knows are asked about: not all of a cluster that others share. */
static enum fault find_partitions(struct ctx *ctx, struct look *look, const struct pg_rows *rows)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t **topics = arena_array(ctx->arena, (size_t)rows->count, sizeof(*topics));
	for (int row = 0; row < rows->count; row++)
		topics[row] = rd_kafka_topic_new(watcher, pg_text(rows, row, 1), NULL);
	rd_kafka_resp_err_t error = rd_kafka_metadata(watcher, 0, NULL, &metadata, left_ms(look));
	for (int row = 0; row < rows->count; row++)
		rd_kafka_topic_destroy(topics[row]);
	if (error)
		return kafka_away(ctx, rd_kafka_err2str(error));
	add_groups(ctx, look, rows, metadata);
	rd_kafka_metadata_destroy(metadata);
	return FAULT_NONE;
}

/* "As of" the end and the beginning of time, of all partitions in one question. */
static enum fault find_bounds(struct ctx *ctx, const struct look *look)
{
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (look->ends->cnt)
		error = rd_kafka_offsets_for_times(watcher, look->begins, left_ms(look));
	if (look->ends->cnt && !error)
		error = rd_kafka_offsets_for_times(watcher, look->ends, left_ms(look));
	for (int i = 0; i < look->ends->cnt && !error; i++)
		error = look->ends->elems[i].err ? look->ends->elems[i].err
			: look->begins->elems[i].err;
	return error ? kafka_away(ctx, rd_kafka_err2str(error)) : FAULT_NONE;
}

/* NULL when the answer is none. */
static partitions *read_committed(struct ctx *ctx, rd_kafka_event_t *answer)
{
	const rd_kafka_ListConsumerGroupOffsets_result_t *result = NULL;
	const rd_kafka_group_result_t **groups = NULL;
	size_t count = 0;
	if (answer && !rd_kafka_event_error(answer))
		result = rd_kafka_event_ListConsumerGroupOffsets_result(answer);
	if (result)
		groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
	if (count != 1 || rd_kafka_group_result_error(groups[0]))
		return NULL;
	return deferred(ctx, rd_kafka_topic_partition_list_copy(
		rd_kafka_group_result_partitions(groups[0])));
}

static partitions *ask_committed(struct ctx *ctx, const struct look *look,
	const struct group *group)
{
	char error[256];
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(watcher,
		RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
	rd_kafka_AdminOptions_set_request_timeout(options, left_ms(look), error, sizeof(error));
	rd_kafka_ListConsumerGroupOffsets_t *wanted =
		rd_kafka_ListConsumerGroupOffsets_new(group->name, group->list);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(watcher);
	rd_kafka_ListConsumerGroupOffsets(watcher, &wanted, 1, options, queue);
	rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, left_ms(look));
	partitions *committed = read_committed(ctx, answer);
	if (answer)
		rd_kafka_event_destroy(answer);
	rd_kafka_queue_destroy(queue);
	rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
	rd_kafka_AdminOptions_destroy(options);
	return committed;
}

/* Partitions where events wait, from the first of them on. The ends were asked before: what came
 * meanwhile is not counted, and nothing is counted that was taken in. */
static partitions *find_late(struct ctx *ctx, const struct look *look, struct group *group,
	const partitions *committed)
{
	partitions *late = new_list(ctx);
	for (int i = 0; i < committed->cnt; i++) {
		const rd_kafka_topic_partition_t *at = &committed->elems[i];
		const rd_kafka_topic_partition_t *end = rd_kafka_topic_partition_list_find(look->ends,
			at->topic, at->partition);
		const rd_kafka_topic_partition_t *begin = rd_kafka_topic_partition_list_find(
			look->begins, at->topic, at->partition);
		/* What was never committed is read from the beginning, as consumers do. */
		int64_t offset = at->offset > begin->offset ? at->offset : begin->offset;
		if (offset >= end->offset)
			continue;
		group->waiting += end->offset - offset;
		rd_kafka_topic_partition_list_add(late, at->topic, at->partition)->offset = offset;
	}
	return late;
}

/* True when it is the first of its partition; list's opaque says whose came. */
static bool is_first(partitions *late, const rd_kafka_message_t *message)
{
	if (message->err)
		return false;
	rd_kafka_topic_partition_t *partition = rd_kafka_topic_partition_list_find(late,
		rd_kafka_topic_name(message->rkt), message->partition);
	if (!partition || partition->opaque)
		return false;
	partition->opaque = partition;
	return true;
}

static void read_oldest(struct ctx *ctx, const struct look *look, struct group *group,
	partitions *late)
{
	rd_kafka_message_t *message;
	int missing = late->cnt;
	rd_kafka_assign(watcher, late);
	while (missing && (message = rd_kafka_consumer_poll(watcher, left_ms(look)))) {
		if (is_first(late, message)) {
			int64_t created_ms = kafka_created_ms(ctx, message);
			missing--;
			if (!group->oldest_ms || created_ms < group->oldest_ms)
				group->oldest_ms = created_ms;
		}
		rd_kafka_message_destroy(message);
	}
	rd_kafka_assign(watcher, NULL);
}

static enum fault look_at(struct ctx *ctx, const struct look *look, struct group *group)
{
	if (!group->list->cnt)
		return FAULT_NONE;
	const partitions *committed = ask_committed(ctx, look, group);
	if (!committed)
		return kafka_away(ctx, "no answer about the offsets of a group");
	partitions *late = find_late(ctx, look, group, committed);
	if (late->cnt)
		read_oldest(ctx, look, group, late);
	return late->cnt && !group->oldest_ms ? kafka_away(ctx, "no message was read") : FAULT_NONE;
}

static enum fault look_around(struct ctx *ctx, struct look *look)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &kafka_groups, "");
	if (fault)
		return fault;
	look->until_us = clock_monotonic_us() + ASK_MS * 1000LL;
	if (!watcher && (fault = open_watcher(ctx)))
		return fault;
	fault = find_partitions(ctx, look, &rows);
	if (!fault)
		fault = find_bounds(ctx, look);
	for (size_t i = 0; i < look->count && !fault; i++)
		fault = look_at(ctx, look, &look->groups[i]);
	return fault;
}

static void keep(const struct look *look)
{
	if (!seen.arena)
		seen.arena = arena_new(LIMIT_ARENA_BYTES);
	arena_reset(seen.arena);
	seen.count = look->count;
	seen.groups = arena_array(seen.arena, look->count, sizeof(*seen.groups));
	for (size_t i = 0; i < look->count; i++) {
		seen.groups[i] = look->groups[i];
		seen.groups[i].name = arena_strdup(seen.arena, look->groups[i].name);
	}
}

static enum fault look_again(struct ctx *ctx)
{
	struct look look = { .count = 0 };
	enum fault fault = look_around(ctx, &look);
	if (fault && fault != FAULT_BUS_AWAY)
		return fault;
	if (fault)
		log_event(LOG_WARNING, "Kafka did not say how far its consumers are", "cause",
			ctx->log_detail);
	else
		keep(&look);
	seen.fault = fault;
	seen.next_us = clock_monotonic_us() + ASK_EVERY_MS * 1000LL;
	return FAULT_NONE;
}

enum fault kafka_backlog(struct ctx *ctx, struct event_backlog **ret_groups, size_t *ret_count)
{
	enum fault fault = clock_monotonic_us() >= seen.next_us ? look_again(ctx) : FAULT_NONE;
	if (fault || (fault = seen.fault))
		return fault;
	*ret_count = seen.count;
	*ret_groups = arena_array(ctx->arena, seen.count, sizeof(**ret_groups));
	for (size_t i = 0; i < seen.count; i++) {
		const struct group *group = &seen.groups[i];
		int64_t age_ms = group->oldest_ms ? clock_now_ms() - group->oldest_ms : 0;
		(*ret_groups)[i] = (struct event_backlog){ .group = group->name,
			.waiting = group->waiting, .oldest_s = age_ms > 0 ? age_ms / 1000 : 0 };
	}
	return FAULT_NONE;
}
