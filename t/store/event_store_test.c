/* Outbox, bus, inbox and dead letters on PostgreSQL: a group and topics of the test's own. */
#include "store.h"

#include "event/bus.h"
#include "event/outbox.h"

PG_STATEMENT(test_event_add,
	"insert into cm.outbox (topic, key, payload, published_at) values ('test.fact', $1,"
	" jsonb_build_object('reservationId', 7, 'memberId', 8, 'concertId', 9),"
	" case when $2 then now() end) returning id");
PG_STATEMENT(test_delivery_waiting, "select count(*), coalesce(max(attempt_count), 0),"
	" ceil(extract(epoch from max(next_at) - now()) * 1000)::bigint, min(last_error)"
	" from cm.delivery where consumer_group = 'test' and done_at is null");
PG_STATEMENT(test_letters, "select count(*), min(attempt_count), min(key), min(error), min(topic),"
	" min(payload ->> 'memberId') from cm.dead_letter where consumer_group = 'test'");

PG_STATEMENT(test_explain_take, "explain (analyze, costs off, timing off, summary off)"
	" execute delivery_take('test', 64)");
PG_STATEMENT(test_explain_read, "explain (analyze, costs off, timing off, summary off)"
	" execute outbox_unpublished(64)");

enum { MOST = 40, LOOKED_AT_MOST = 2000 };

static struct ctx other; /* a second consumer, and the operator */

/* What the handlers saw and what they are to do. */
static struct {
	int64_t ids[MOST];
	char keys[MOST + 1];
	size_t count;
	const char *fails; /* the key that fails */
	enum fault fault;
	int failures; /* how often, at most */
	bool looks;   /* the other consumer takes while the first holds its batch */
	size_t seen_by_other, first_times;
} played;

static enum fault handle(struct ctx *given, const struct event *event);
static const struct event_group group = { .name = "test", .handler = handle };

static enum fault handle_other(struct ctx *given, const struct event *event);
static const struct event_group group_of_other = { .name = "test", .handler = handle_other };

static void note(const struct event *event)
{
	ck_assert_uint_lt(played.count, MOST);
	played.ids[played.count] = event->id;
	played.keys[played.count++] = event->key[0];
}

static enum fault handle_other(struct ctx *given, const struct event *event)
{
	(void)given;
	note(event);
	return FAULT_NONE;
}

static enum fault handle(struct ctx *given, const struct event *event)
{
	bool first = false;
	if (played.looks) {
		played.looks = false;
		ck_assert_int_eq(bus_postgres.consume(&other, &group_of_other,
			&played.seen_by_other), FAULT_NONE);
	}
	if (played.fails && strcmp(event->key, played.fails) == 0 && played.failures-- > 0) {
		given->log_detail = "on purpose";
		return played.fault;
	}
	note(event);
	ck_assert_int_eq(event_first_time(given, "test", event, &first), FAULT_NONE);
	played.first_times += first;
	return FAULT_NONE;
}

static void run_sql(const char *sql)
{
	ck_assert_msg(pg_execute(&other, other.pg, sql) == FAULT_NONE, "%s: %s", sql,
		other.log_detail);
}

static void clear(void)
{
	run_sql("delete from cm.dead_letter where consumer_group = 'test'");
	run_sql("delete from cm.inbox where consumer_group = 'test'");
	run_sql("delete from cm.delivery where consumer_group = 'test'");
	run_sql("delete from cm.outbox where topic = 'test.fact'");
	run_sql("delete from cm.subscription where consumer_group = 'test'");
}

static void start(int64_t batch, int64_t tries)
{
	char text[24];
	memset(&played, 0, sizeof(played));
	snprintf(text, sizeof(text), "%lld", (long long)batch);
	conf_set(CONF_EVENT_BATCH, text);
	snprintf(text, sizeof(text), "%lld", (long long)tries);
	conf_set(CONF_EVENT_TRIES, text);
	ctx_init(&other, arena_new(LIMIT_ARENA_BYTES));
	other.pg = pg_new(admin_url(), NULL);
	clear();
	run_sql("insert into cm.subscription (topic, consumer_group) values ('test.fact', 'test')");
}

static void finish(void)
{
	clear();
	pg_free(other.pg);
	arena_free(other.arena);
}

static int64_t add(const char *key, bool published)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_event_add, "tb", key, (int)published),
		FAULT_NONE);
	return pg_integer(&rows, 0, 0);
}

/* An event for each letter of keys, handed over to the group. */
static void give(const char *keys)
{
	struct event events[MOST] = { 0 };
	size_t count = strlen(keys), taken = 0;
	for (size_t i = 0; i < count; i++) {
		const char key[] = { keys[i], 0 };
		events[i].id = add(key, true);
	}
	ck_assert_int_eq(bus_postgres.publish(&ctx, events, count, &taken), FAULT_NONE);
	ck_assert_uint_eq(taken, count);
}

static size_t consume(enum fault wanted)
{
	size_t count = 0;
	enum fault fault = bus_postgres.consume(&ctx, &group, &count);
	ck_assert_msg(fault == wanted, "fault %d: %s", (int)fault, ctx.log_detail);
	return count;
}

struct waiting {
	int64_t count, attempts, next_ms;
	const char *error;
};

static struct waiting look(void)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_delivery_waiting, ""), FAULT_NONE);
	return (struct waiting){ pg_integer(&rows, 0, 0), pg_integer(&rows, 0, 1),
		pg_integer(&rows, 0, 2), pg_text(&rows, 0, 3) };
}

static void no_back_off(void)
{
	run_sql("update cm.delivery set next_at = now() where consumer_group = 'test'");
}

START_TEST(events_come_in_order_and_once)
{
	start(4, 3);
	give("abacbaabcc");
	ck_assert_uint_eq(consume(FAULT_NONE), 4);
	ck_assert_uint_eq(consume(FAULT_NONE), 4);
	ck_assert_uint_eq(consume(FAULT_NONE), 2);
	ck_assert_uint_eq(consume(FAULT_NONE), 0);
	ck_assert_str_eq(played.keys, "abacbaabcc");
	for (size_t i = 1; i < played.count; i++)
		ck_assert_int_lt(played.ids[i - 1], played.ids[i]);
	ck_assert_uint_eq(played.first_times, 10);
	finish();
}
END_TEST

/* The second consumer asks while the first holds its batch and has not committed. */
START_TEST(two_consumers_share_keys_but_no_key_at_once)
{
	start(3, 3);
	give("aababc"); /* the first holds a, a, b: of a, b, c the second may have c */
	played.looks = true;
	ck_assert_uint_eq(consume(FAULT_NONE), 3);
	ck_assert_uint_eq(played.seen_by_other, 1);
	ck_assert_str_eq(played.keys, "caab");
	ck_assert_uint_eq(consume(FAULT_NONE), 2);
	ck_assert_str_eq(played.keys, "caabab");
	finish();
}
END_TEST

START_TEST(a_repeated_delivery_is_known_by_its_mark)
{
	start(8, 3);
	give("ab");
	ck_assert_uint_eq(consume(FAULT_NONE), 2);
	run_sql("update cm.delivery set done_at = null where consumer_group = 'test'");
	ck_assert_uint_eq(consume(FAULT_NONE), 2);
	ck_assert_uint_eq(played.count, 4);
	ck_assert_uint_eq(played.first_times, 2);
	finish();
}
END_TEST

START_TEST(a_repeated_hand_over_changes_nothing)
{
	struct event event = { 0 };
	size_t taken;
	start(8, 3);
	event.id = add("a", true);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(bus_postgres.publish(&ctx, &event, 1, &taken), FAULT_NONE);
	ck_assert_uint_eq(consume(FAULT_NONE), 1);
	ck_assert_int_eq(bus_postgres.publish(&ctx, &event, 1, &taken), FAULT_NONE);
	ck_assert_uint_eq(consume(FAULT_NONE), 0);
	finish();
}
END_TEST

/* Its later events wait for it, other keys don't. */
START_TEST(a_failure_holds_up_its_key_only)
{
	start(8, 5);
	give("abab");
	played.fails = "a";
	played.failures = 2; /* in the batch, and alone */
	played.fault = FAULT_INTERNAL;
	consume(FAULT_NONE);
	ck_assert_str_eq(played.keys, "bb");
	struct waiting waiting = look();
	ck_assert_int_eq(waiting.count, 2);
	ck_assert_int_eq(waiting.attempts, 1);
	ck_assert_ptr_nonnull(strstr(waiting.error, "on purpose"));
	ck_assert_int_le(waiting.next_ms, 100);
	no_back_off();
	ck_assert_uint_eq(consume(FAULT_NONE), 2);
	ck_assert_str_eq(played.keys, "bbaa");
	finish();
}
END_TEST

START_TEST(tries_are_further_and_further_apart)
{
	/* After n failures: 100 ms times 4 to the power n - 1, at most 5 minutes. */
	static const int64_t most_ms[] = { 100, 400, 1600, 6400, 25600, 102400, 300000, 300000 };
	int64_t before_ms = 0;
	start(8, 100);
	give("a");
	played.fails = "a";
	played.failures = 1000;
	played.fault = FAULT_INTERNAL;
	for (size_t i = 0; i < sizeof(most_ms) / sizeof(*most_ms); i++) {
		no_back_off();
		consume(FAULT_NONE);
		struct waiting waiting = look();
		ck_assert_int_eq(waiting.attempts, (int64_t)i + 1);
		ck_assert_int_le(waiting.next_ms, most_ms[i]);
		/* from here on even a machine that hangs a while tells them apart */
		if (most_ms[i] > 100000)
			ck_assert_int_gt(waiting.next_ms, before_ms);
		before_ms = i < 6 ? most_ms[i] : 0;
		ck_assert_uint_eq(consume(FAULT_NONE), 0);
	}
	finish();
}
END_TEST

START_TEST(after_its_tries_an_event_is_a_dead_letter)
{
	struct pg_rows rows;
	start(8, 3);
	give("aba");
	played.fails = "a";
	played.failures = 6; /* three tries, each in its batch and alone */
	played.fault = FAULT_INTERNAL;
	for (int i = 0; i < 3; i++) {
		no_back_off();
		consume(FAULT_NONE);
	}
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_letters, ""), FAULT_NONE);
	ck_assert_int_eq(pg_integer(&rows, 0, 0), 1);
	ck_assert_int_eq(pg_integer(&rows, 0, 1), 3);
	ck_assert_str_eq(pg_text(&rows, 0, 2), "a");
	ck_assert_ptr_nonnull(strstr(pg_text(&rows, 0, 3), "on purpose"));
	ck_assert_str_eq(pg_text(&rows, 0, 4), "test.fact");
	ck_assert_str_eq(pg_text(&rows, 0, 5), "8");
	no_back_off();
	consume(FAULT_NONE);
	ck_assert_str_eq(played.keys, "ba"); /* its key goes on */
	ck_assert_int_eq(look().count, 0);
	finish();
}
END_TEST

START_TEST(a_store_that_is_away_is_not_the_events_fault)
{
	static const enum fault faults[] = { FAULT_DATABASE_AWAY, FAULT_DATABASE_BUSY,
		FAULT_REDIS_AWAY };
	start(8, 4);
	give("a");
	played.fails = "a";
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		played.fault = faults[i];
		played.failures = 1;
		ck_assert_uint_eq(consume(faults[i]), 0);
		ck_assert_int_eq(look().attempts, 0);
	}
	ck_assert_uint_eq(consume(FAULT_NONE), 1);
	finish();
}
END_TEST

START_TEST(a_batch_that_is_repeated_counts_once)
{
	start(8, 3);
	give("aab");
	played.fails = "b";
	played.failures = 1;
	played.fault = FAULT_DATABASE_RETRY;
	ck_assert_uint_eq(consume(FAULT_NONE), 3);
	ck_assert_str_eq(played.keys, "aaaab"); /* the first two are done twice, and rolled back once */
	ck_assert_int_eq(look().count, 0);
	finish();
}
END_TEST

/* Ids commit out of order: one that comes late is read all the same, and only marked ones go. */
START_TEST(the_outbox_gives_what_is_not_marked)
{
	struct event_list events;
	start(8, 3);
	run_sql("update cm.outbox set published_at = now() where published_at is null");
	int64_t late = add("a", true), first = add("a", false), second = add("b", false);
	ck_assert_int_eq(outbox_read(&ctx, 8, &events), FAULT_NONE);
	ck_assert_uint_eq(events.count, 2);
	ck_assert_int_eq(events.items[0].id, first);
	ck_assert_int_eq(events.items[1].id, second);
	ck_assert_int_eq(events.items[0].reservation.value, 7);
	ck_assert_int_eq(events.items[0].member.value, 8);
	ck_assert_int_eq(events.items[0].concert.value, 9);
	ck_assert_int_eq(outbox_mark(&ctx, events.items, 1), FAULT_NONE);
	run_sql("update cm.outbox set published_at = null where topic = 'test.fact' and id ="
		" (select min(id) from cm.outbox where topic = 'test.fact')");
	ck_assert_int_eq(outbox_read(&ctx, 8, &events), FAULT_NONE);
	ck_assert_uint_eq(events.count, 2);
	ck_assert_int_eq(events.items[0].id, late);
	ck_assert_int_eq(events.items[1].id, second);
	ck_assert_int_eq(outbox_read(&ctx, 1, &events), FAULT_NONE);
	ck_assert_uint_eq(events.count, 1);
	finish();
}
END_TEST

START_TEST(one_relay_leads_until_its_connection_ends)
{
	bool leads = false, other_leads = true;
	start(8, 3);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(outbox_lead(&ctx, &leads), FAULT_NONE);
		ck_assert(leads);
		ck_assert_int_eq(outbox_lead(&other, &other_leads), FAULT_NONE);
		ck_assert(!other_leads);
	}
	pg_free(ctx.pg);
	ctx.pg = pg_new(admin_url(), NULL);
	while (!other_leads) /* the server notices the end a moment later */
		ck_assert_int_eq(outbox_lead(&other, &other_leads), FAULT_NONE);
	finish();
}
END_TEST

static int64_t number_after(const char *text, const char *name)
{
	const char *found = strstr(text, name);
	return found ? strtoll(found + strlen(name), NULL, 10) : 0;
}

/* No step of the plan that was run looked at more rows than a batch has to. */
static void looks_at_few(const struct pg_statement *explain)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, explain, ""), FAULT_NONE);
	ck_assert_int_gt(rows.count, 1);
	for (int row = 0; row < rows.count; row++) {
		const char *line = pg_text(&rows, row, 0);
		int64_t seen = number_after(line, "actual rows=") * number_after(line, "loops=")
			+ number_after(line, "Rows Removed by Filter: ");
		ck_assert_msg(seen <= LOOKED_AT_MOST, "%s", line);
		ck_assert_msg(!strstr(line, "Seq Scan on outbox")
			&& !strstr(line, "Seq Scan on delivery"), "%s", line);
	}
}

/* A relay and a consumer that were away for long; a fifth of the group's events are done. */
START_TEST(a_long_backlog_is_taken_from_its_front)
{
	start(64, 3);
	ctx.database_call_ms = 3600000; /* filling takes as long as it takes */
	ck_assert_int_eq(pg_execute(&ctx, ctx.pg, "begin;"
		" insert into cm.outbox (topic, key, payload)"
		" select 'test.fact', (n / 4)::text, '{}' from generate_series(1, 50000) n;"
		" insert into cm.delivery (consumer_group, event_id, key, done_at) select 'test', id,"
		" key, case when id % 5 = 0 then now() end from cm.outbox where topic = 'test.fact';"
		" analyze cm.outbox, cm.delivery; set local plan_cache_mode = force_generic_plan"),
		FAULT_NONE);
	looks_at_few(&test_explain_read);
	looks_at_few(&test_explain_take);
	ck_assert_int_eq(pg_execute(&ctx, ctx.pg, "rollback"), FAULT_NONE);
	finish();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { events_come_in_order_and_once,
		two_consumers_share_keys_but_no_key_at_once,
		a_repeated_delivery_is_known_by_its_mark, a_repeated_hand_over_changes_nothing,
		a_failure_holds_up_its_key_only, tries_are_further_and_further_apart,
		after_its_tries_an_event_is_a_dead_letter,
		a_store_that_is_away_is_not_the_events_fault, a_batch_that_is_repeated_counts_once,
		the_outbox_gives_what_is_not_marked, one_relay_leads_until_its_connection_ends,
		a_long_backlog_is_taken_from_its_front, NULL };
	return store_main("event store", tests);
}
