/* lib/notification on real PostgreSQL: what is kept of an event, whose mail is due, its end. */
#include "store.h"

#include "notification/notification_store.h"

#include "base/banned.h"

PG_STATEMENT(test_member, "insert into cm.member (name, email, email_key, password_hash, language,"
	" notification_opt_out) values ('민아', $1, $1, '!', $2, $3) returning id");
PG_STATEMENT(test_leave, "update cm.member set deleted_at = now() where id = $1");
PG_STATEMENT(test_reservation,
	"with made as (insert into cm.reservation (member_id, concert_id, amount, seat_count,"
	" expires_at) select $1, id, 150000, 2, now() from cm.concert order by id limit 1 returning *)"
	" select id, concert_id from made");
PG_STATEMENT(test_clear, "delete from cm.notification");
PG_STATEMENT(test_mail, "select email_status, email_attempts, email_last_error,"
	" email_sent_at is not null, (extract(epoch from email_next_at - now()) * 1000)::bigint"
	" from cm.notification where id = $1");

static int64_t event_id = 900000000;

static struct member_id member(const char *language, bool opt_out)
{
	struct pg_rows rows;
	const char *email = arena_printf(ctx.arena, "n%lld@test.example",
		(long long)clock_monotonic_us());
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_member, "ttb", email, language, (int)opt_out), 0);
	return (struct member_id){ pg_integer(&rows, 0, 0) };
}

static struct event event_for(struct member_id who, const char *payload)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_reservation, "i", who.value), FAULT_NONE);
	return (struct event){ .id = ++event_id, .payload = payload, .member = who,
		.reservation = { pg_integer(&rows, 0, 0) }, .concert = { pg_integer(&rows, 0, 1) } };
}

static void add(const struct event *event, bool is_essential, bool has_mail)
{
	ck_assert_msg(notification_store_add(&ctx, event, "refunded", is_essential, has_mail)
		== FAULT_NONE, "%s", ctx.log_detail);
}

static struct notification_list notices(struct member_id who, int64_t before_id, int64_t limit)
{
	struct notification_list list = { .count = 0 };
	ctx.member = who;
	ck_assert_int_eq(notification_store_list(&ctx, before_id, limit, &list), FAULT_NONE);
	return list;
}

static struct notification_mail *due(size_t limit, size_t wanted)
{
	struct notification_mail *mails = NULL;
	size_t count = 99;
	ck_assert_msg(notification_store_due(&ctx, limit, 60000, &mails, &count) == FAULT_NONE, "%s",
		ctx.log_detail);
	ck_assert_uint_eq(count, wanted);
	return mails;
}

static struct pg_rows mail_of(const struct notification_mail *mail)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_mail, "i", mail->notice.id), FAULT_NONE);
	return rows;
}

static void clear(void)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_clear, ""), FAULT_NONE);
}

START_TEST(an_event_makes_one_notice_with_its_facts)
{
	struct member_id who = member("ko", false);
	struct event event = event_for(who,
		"{\"amount\": 140000, \"fee\": 10000, \"reason\": \"member\"}");
	add(&event, true, true);
	add(&event, true, true);
	struct event bare = event_for(who, "{}");
	add(&bare, true, false);
	struct notification_list list = notices(who, 0, 10);
	ck_assert_uint_eq(list.count, 2);
	const struct notification *first = &list.items[1], *second = &list.items[0];
	ck_assert_int_gt(second->id, first->id);
	ck_assert_str_eq(first->kind, "refunded");
	ck_assert_int_eq(first->reservation.value, event.reservation.value);
	ck_assert_int_eq(first->concert.value, event.concert.value);
	ck_assert(first->amount == 140000 && first->fee == 10000);
	ck_assert_str_eq(first->reason, "member");
	ck_assert(second->amount == 150000 && second->fee == 0 && !second->reason);
	ck_assert(*first->concert_title && *first->place && first->concert_ms > 0);
	ck_assert(first->created_ms > 0 && !first->read_ms);
	ck_assert_uint_eq(notices(who, second->id, 10).count, 1);
	ck_assert_uint_eq(notices(who, 0, 0).count, 1);
	ck_assert_uint_eq(notices(member("ko", false), 0, 10).count, 0);
}
END_TEST

START_TEST(a_notice_is_read_by_its_member)
{
	struct member_id who = member("ko", false);
	struct event event = event_for(who, "{}");
	add(&event, true, true);
	struct notification_list list = notices(who, 0, 10);
	ctx.member = member("ko", false);
	ck_assert_int_eq(notification_store_read(&ctx, &list), FAULT_NONE);
	ck_assert_int_eq(notices(who, 0, 10).items[0].read_ms, 0);
	ck_assert_int_eq(notification_store_read(&ctx, &list), FAULT_NONE);
	ck_assert_int_gt(notices(who, 0, 10).items[0].read_ms, 0);
}
END_TEST

START_TEST(settings_are_kept)
{
	struct notification_settings settings = { .opt_out = true, .language = LANGUAGE_EN };
	ctx.member = member("ko", false);
	ck_assert_int_eq(notification_store_set(&ctx, &settings), FAULT_NONE);
	settings = (struct notification_settings){ .opt_out = false };
	ck_assert_int_eq(notification_store_settings(&ctx, &settings), FAULT_NONE);
	ck_assert(settings.opt_out && settings.language == LANGUAGE_EN);
	ctx.member.value = INT64_MAX;
	ck_assert_int_eq(notification_store_settings(&ctx, &settings), FAULT_MEMBER_NOT_FOUND);
	ck_assert_int_eq(notification_store_set(&ctx, &settings), FAULT_MEMBER_NOT_FOUND);
}
END_TEST

START_TEST(only_wanted_mails_are_due_and_to_one_only)
{
	clear();
	struct member_id who = member("en", false), quiet = member("ko", true);
	struct event events[] = { event_for(who, "{}"), event_for(who, "{}"), event_for(quiet, "{}"),
		event_for(quiet, "{}"), event_for(who, "{}") };
	add(&events[0], true, true);
	add(&events[1], false, true);
	add(&events[2], true, true);
	add(&events[3], false, true);  /* opted out */
	add(&events[4], true, false);  /* no mail server */
	ck_assert_int_eq(due(2, 2)[0].notice.reservation.value, events[0].reservation.value);
	struct notification_mail *rest = due(10, 1);
	ck_assert_int_eq(rest->notice.reservation.value, events[2].reservation.value);
	ck_assert(rest->opt_out && !rest->is_gone && rest->language == LANGUAGE_KO);
	ck_assert_str_eq(rest->name, "민아");
	ck_assert_ptr_nonnull(strstr(rest->address, "@test.example"));
	due(10, 0);
	ck_assert_int_eq(notification_store_release(&ctx, rest, 1), FAULT_NONE);
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_leave, "i", quiet.value), FAULT_NONE);
	ck_assert(due(10, 1)->is_gone);
}
END_TEST

START_TEST(a_try_ends_one_way_or_another)
{
	clear();
	struct event event = event_for(member("ko", false), "{}");
	add(&event, true, true);
	struct notification_mail *mail = due(1, 1);
	struct notification_end later = { .status = "PENDING", .error = "451", .wait_ms = 50000,
		.counts = true };
	ck_assert_int_eq(notification_store_end(&ctx, mail, &later), FAULT_NONE);
	struct pg_rows rows = mail_of(mail);
	ck_assert_str_eq(pg_text(&rows, 0, 0), "PENDING");
	ck_assert_int_eq(pg_integer(&rows, 0, 1), 1);
	ck_assert_str_eq(pg_text(&rows, 0, 2), "451");
	ck_assert(!pg_boolean(&rows, 0, 3));
	ck_assert_int_gt(pg_integer(&rows, 0, 4), 40000);
	ck_assert_int_lt(pg_integer(&rows, 0, 4), 50001);
	due(1, 0);
	struct notification_end sent = { .status = "SENT" }, failed = { .status = "FAILED" };
	ck_assert_int_eq(notification_store_end(&ctx, mail, &sent), FAULT_NONE);
	ck_assert_int_eq(notification_store_end(&ctx, mail, &failed), FAULT_NONE);
	rows = mail_of(mail);
	ck_assert_str_eq(pg_text(&rows, 0, 0), "SENT");
	ck_assert_ptr_null(pg_text(&rows, 0, 2));
	ck_assert(pg_boolean(&rows, 0, 3));
	ck_assert_int_eq(notification_store_release(&ctx, mail, 1), FAULT_NONE);
	due(1, 0);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { an_event_makes_one_notice_with_its_facts,
		a_notice_is_read_by_its_member, settings_are_kept,
		only_wanted_mails_are_due_and_to_one_only, a_try_ends_one_way_or_another, NULL };
	return store_main("notification store", tests);
}
