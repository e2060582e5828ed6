#include "unit.h"

#include <signal.h>

#include "fake/notification_mem.h"
#include "notification/mail_message.h"

#include "base/banned.h"

#define HAS(text, part) ck_assert_msg(strstr(text, part) != NULL, "no '%s' in: %s", part, text)
#define HAS_NOT(text, part) ck_assert_msg(strstr(text, part) == NULL, "'%s' in: %s", part, text)

static struct notification notice(const char *kind, const char *reason)
{
	struct notification made = { .id = 7, .kind = kind, .reservation = { 4711 },
		.concert_title = "A & B", .place = "Hall <1>", .seats = "VIP A-1, VIP A-2",
		.amount = 1234567, .fee = 8000, .reason = reason };
	ck_assert(clock_parse("2026-12-24T10:05:00Z", &made.concert_ms));
	return made;
}

/* Everything each kind says: nothing is left out in one of the languages. */
START_TEST(each_kind_reads_well_in_both_languages)
{
	static const struct {
		const char *kind, *reason, *en, *ko, *lines_en, *lines_ko;
	} rows[] = {
		{ "confirmed", NULL, "Booking confirmed: A & B", "[예매 확정] A & B",
			"Seats: VIP A-1, VIP A-2\nPaid: KRW 1,234,567\n\nYour tickets",
			"좌석: VIP A-1, VIP A-2\n결제 금액: 1,234,567원\n\n티켓은" },
		{ "declined", NULL, "Payment declined: A & B", "[결제 실패] A & B",
			"Seats: VIP A-1, VIP A-2\nAmount: KRW 1,234,567\n\nThe seats",
			"좌석: VIP A-1, VIP A-2\n결제 요청 금액: 1,234,567원\n\n선택하신" },
		{ "cancelled", NULL, "Booking cancelled: A & B", "[예매 취소] A & B",
			"Seats: VIP A-1, VIP A-2\n\nThe seats", "좌석: VIP A-1, VIP A-2\n\n선택하신" },
		{ "cancelled", "member", "Booking cancelled: A & B", "[예매 취소] A & B",
			"Paid: KRW 1,242,567\nCancellation fee: KRW 8,000\nRefund: KRW 1,234,567\n\nThe refund",
			"결제 금액: 1,242,567원\n취소 수수료: 8,000원\n환불 금액: 1,234,567원\n\n환불은" },
		{ "refunded", "member", "Refund made: A & B", "[환불 완료] A & B",
			"Paid: KRW 1,242,567\nCancellation fee: KRW 8,000\nRefund: KRW 1,234,567\n\nThe money",
			"결제 금액: 1,242,567원\n취소 수수료: 8,000원\n환불 금액: 1,234,567원\n\n결제하신" },
		{ "refunded", "seats-gone", "Refund made: A & B", "[환불 완료] A & B",
			"Refund: KRW 1,234,567\n\nThe money", "환불 금액: 1,234,567원\n\n결제하신" },
		{ "refund-delayed", NULL, "Refund delayed: A & B", "[환불 지연] A & B",
			"Refund: KRW 1,234,567\n\nYou need not", "환불 금액: 1,234,567원\n\n따로" },
		{ "expired", NULL, "Time to pay is over: A & B", "[결제 시간 만료] A & B",
			"Seats: VIP A-1, VIP A-2\n\nThe seats", "좌석: VIP A-1, VIP A-2\n\n선택하신" },
		{ "concert-cancelled", "concert-cancelled", "Concert cancelled: A & B",
			"[공연 취소] A & B", "Refund: KRW 1,234,567\n\nThe refund",
			"환불 금액: 1,234,567원\n\n환불은" },
		{ "expired", "concert-cancelled", "Concert cancelled: A & B", "[공연 취소] A & B",
			"Seats: VIP A-1, VIP A-2\n\nYou need not", "좌석: VIP A-1, VIP A-2\n\n따로" },
		{ "cancelled", "concert-cancelled", "Concert cancelled: A & B", "[공연 취소] A & B",
			"Seats: VIP A-1, VIP A-2\n\nYou need not", "좌석: VIP A-1, VIP A-2\n\n따로" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct notification made = notice(rows[i].kind, rows[i].reason);
		struct notification_text en = notification_text(ctx.arena, &made, LANGUAGE_EN);
		struct notification_text ko = notification_text(ctx.arena, &made, LANGUAGE_KO);
		ck_assert_str_eq(en.subject, rows[i].en);
		ck_assert_str_eq(ko.subject, rows[i].ko);
		HAS(en.body, "\n\nBooking no.: 4711\nConcert: A & B\n"
			"Date: Thursday 24 December 2026, 19:05 (KST)\nVenue: Hall <1>\n");
		HAS(ko.body, "\n\n예매번호: 4711\n공연: A & B\n"
			"일시: 2026년 12월 24일 (목) 19:05\n장소: Hall <1>\n");
		HAS(en.body, rows[i].lines_en);
		HAS(ko.body, rows[i].lines_ko);
		ck_assert(str_is_utf8(en.body, strlen(en.body)) && str_is_utf8(ko.body, strlen(ko.body)));
	}
}
END_TEST

START_TEST(money_has_its_separators)
{
	static const struct { int64_t amount; const char *en, *ko; } rows[] = {
		{ 0, "KRW 0\n", " 0원\n" }, { 999, "KRW 999\n", " 999원\n" },
		{ 1000, "KRW 1,000\n", " 1,000원\n" }, { 100000, "KRW 100,000\n", " 100,000원\n" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct notification made = notice("confirmed", NULL);
		made.amount = rows[i].amount;
		HAS(notification_text(ctx.arena, &made, LANGUAGE_EN).body, rows[i].en);
		HAS(notification_text(ctx.arena, &made, LANGUAGE_KO).body, rows[i].ko);
	}
}
END_TEST

/* Who gets nothing back isn't told to wait for it. */
START_TEST(nothing_to_give_back_is_said)
{
	struct notification made = notice("cancelled", "member");
	made.amount = 0;
	struct notification_text text = notification_text(ctx.arena, &made, LANGUAGE_EN);
	HAS(text.body, "Refund: KRW 0\n\nThere is no money to give back.");
	HAS_NOT(text.body, "We will tell you");
	text = notification_text(ctx.arena, &made, LANGUAGE_KO);
	HAS(text.body, "환불 금액: 0원\n\n환불될 금액은 없습니다.");
	ck_assert(notification_is_essential(&made));
}
END_TEST

START_TEST(facts_can_not_make_lines)
{
	struct notification made = notice("confirmed", NULL);
	made.concert_title = "A\r\nBcc: x@example.com\x7f";
	made.place = "\tB\n";
	made.seats = NULL;
	struct notification_text text = notification_text(ctx.arena, &made, LANGUAGE_EN);
	ck_assert_str_eq(text.subject, "Booking confirmed: A  Bcc: x@example.com ");
	HAS(text.body, "Venue:  B \nSeats: \nPaid");
}
END_TEST

START_TEST(an_unknown_kind_is_empty)
{
	struct notification made = notice("gift", NULL);
	struct notification_text text = notification_text(ctx.arena, &made, LANGUAGE_EN);
	ck_assert_str_eq(text.subject, "gift");
	ck_assert_str_eq(text.body, "");
	ck_assert(!notification_is_essential(&made));
}
END_TEST

START_TEST(events_become_notices)
{
	static const struct { const char *topic, *payload, *kind; bool is_essential; } rows[] = {
		{ "reservation.confirmed", "{}", "confirmed", true },
		{ "payment.failed", "{}", "declined", true },
		{ "reservation.cancelled", "{}", "cancelled", false },
		{ "reservation.refunding", "{\"reason\": \"member\"}", "cancelled", true },
		{ "reservation.refunding", "{\"reason\": \"concert-cancelled\"}",
			"concert-cancelled", true },
		{ "payment.refunded", "{\"reason\": \"concert-cancelled\"}", "refunded", true },
		{ "payment.refunded", "{\"fee\": 9, \"amount\": 0, \"reason\": \"member\"}", NULL, false },
		{ "refund.failed", "{\"reason\": \"member\"}", "refund-delayed", true },
		{ "reservation.expired", "{}", "expired", false },
		{ "payment.completed", "{}", NULL, false },
		{ "concert.cancelled", "{}", NULL, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event event = { .topic = rows[i].topic, .payload = rows[i].payload,
			.member = { 1 } };
		notification_memory.kind = NULL;
		conf_set(CONF_SMTP_URL, i % 2 ? "smtp://localhost" : "");
		ck_assert_int_eq(notification_from_event(&ctx, &event), FAULT_NONE);
		ck_assert_msg(!rows[i].kind == !notification_memory.kind, "%s", rows[i].topic);
		if (!rows[i].kind)
			continue;
		ck_assert_str_eq(notification_memory.kind, rows[i].kind);
		ck_assert_msg(notification_memory.is_essential == rows[i].is_essential, "%s",
			rows[i].topic);
		ck_assert(notification_memory.has_mail == (i % 2 == 1));
	}
	notification_memory.kind = NULL;
	struct event nobodys = { .topic = "reservation.confirmed", .payload = "{}" };
	ck_assert_int_eq(notification_from_event(&ctx, &nobodys), FAULT_NONE);
	ck_assert_ptr_null(notification_memory.kind);
}
END_TEST

START_TEST(a_page_is_read_and_says_if_there_is_more)
{
	struct notification_list list;
	memset(&notification_memory, 0, sizeof(notification_memory));
	ck_assert_int_eq(notification_list(&ctx, 0, 2, &list), FAULT_NONE);
	ck_assert(list.count == 0 && !list.has_more && !notification_memory.was_read);
	notification_memory.notices = 3;
	ck_assert_int_eq(notification_list(&ctx, 0, 2, &list), FAULT_NONE);
	ck_assert(list.count == 2 && list.has_more && notification_memory.was_read);
	ck_assert_int_eq(list.items[1].id, 2);
	ck_assert_int_eq(notification_list(&ctx, 2, 2, &list), FAULT_NONE);
	ck_assert(list.count == 1 && !list.has_more);
}
END_TEST

/* --- sending ---------------------------------------------------------------------------- */

static struct notification_mail *expect_mail(const char *kind, const char *reason)
{
	struct notification_mail *mail = &notification_memory.mails[notification_memory.mail_count++];
	*mail = (struct notification_mail){ .notice = notice(kind, reason),
		.address = "mina@example.com", .name = "미나", .language = LANGUAGE_KO };
	mail->notice.created_ms = clock_now_ms();
	return mail;
}

static void fresh(void)
{
	memset(&notification_memory, 0, sizeof(notification_memory));
	conf_set(CONF_SMTP_URL, "smtp://localhost");
	conf_set(CONF_SMTP_FROM, "tickets@shop.example");
}

static void send_all(enum fault wanted, size_t wanted_done)
{
	size_t done = 99;
	ck_assert_int_eq(notification_send(&ctx, MEMORY_MAILS, &done), wanted);
	ck_assert_uint_eq(done, wanted_done);
}

START_TEST(nothing_is_sent_without_a_server)
{
	fresh();
	expect_mail("confirmed", NULL);
	conf_set(CONF_SMTP_URL, "");
	send_all(FAULT_NONE, 0);
	ck_assert_uint_eq(notification_memory.sent, 0);
}
END_TEST

START_TEST(who_opted_out_or_left_gets_only_what_must_be)
{
	fresh();
	expect_mail("expired", NULL)->opt_out = true;
	expect_mail("cancelled", NULL)->opt_out = true;
	expect_mail("cancelled", "member")->opt_out = true;
	expect_mail("refunded", "member")->opt_out = true;
	expect_mail("confirmed", NULL)->is_gone = true;
	send_all(FAULT_NONE, 5);
	static const char *const wanted[] = { "SKIPPED", "SKIPPED", "SENT", "SENT", "SKIPPED" };
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(notification_memory.ends[i].status, wanted[i]);
	ck_assert_uint_eq(notification_memory.sent, 2);
	ck_assert_str_eq(notification_memory.addresses[0], "mina@example.com");
}
END_TEST

START_TEST(a_refusal_holds_up_no_other)
{
	fresh();
	for (int i = 0; i < 3; i++)
		expect_mail("confirmed", NULL);
	notification_memory.answers[0] = (struct mail_answer){ MAIL_REFUSED, "550" };
	notification_memory.answers[1] = (struct mail_answer){ MAIL_LATER, "451" };
	send_all(FAULT_NONE, 3);
	ck_assert_str_eq(notification_memory.ends[0].status, "FAILED");
	ck_assert_str_eq(notification_memory.ends[0].error, "550");
	ck_assert_str_eq(notification_memory.ends[1].status, "PENDING");
	ck_assert(notification_memory.ends[1].counts);
	ck_assert_str_eq(notification_memory.ends[2].status, "SENT");
	ck_assert_ptr_null(notification_memory.ends[2].error);
}
END_TEST

START_TEST(tries_are_longer_apart_and_bounded)
{
	int64_t sum = 0;
	for (int attempts = 0; attempts < 12; attempts++) {
		fresh();
		expect_mail("confirmed", NULL)->attempts = attempts;
		notification_memory.answers[0] = (struct mail_answer){ MAIL_LATER, "451" };
		send_all(FAULT_NONE, 1);
		const struct notification_end *end = &notification_memory.ends[0];
		ck_assert_str_eq(end->status, attempts < 11 ? "PENDING" : "FAILED");
		ck_assert_int_le(end->wait_ms, 3600 * 1000);
		ck_assert_int_ge(end->wait_ms, attempts ? 15000 : 5000);
		sum += attempts < 11 ? end->wait_ms : 0;
	}
	ck_assert_int_gt(sum, 4 * 3600 * 1000);
}
END_TEST

START_TEST(a_server_that_is_away_costs_no_mail_its_tries)
{
	fresh();
	for (int i = 0; i < 4; i++)
		expect_mail("confirmed", NULL)->attempts = 11;
	notification_memory.answers[1] = (struct mail_answer){ MAIL_AWAY, "no route" };
	send_all(FAULT_MAIL_AWAY, 2);
	ck_assert_str_eq(ctx.log_detail, "no route");
	ck_assert_str_eq(notification_memory.ends[1].status, "PENDING");
	ck_assert(!notification_memory.ends[1].counts);
	ck_assert_int_gt(notification_memory.ends[1].wait_ms, 0);
	ck_assert_uint_eq(notification_memory.released, 2);
	ck_assert_ptr_null(notification_memory.ends[2].status);
}
END_TEST

START_TEST(after_three_days_nobody_waits_for_it)
{
	fresh();
	expect_mail("confirmed", NULL)->notice.created_ms -= 73LL * 3600 * 1000;
	notification_memory.answers[0] = (struct mail_answer){ MAIL_AWAY, "no route" };
	send_all(FAULT_MAIL_AWAY, 1);
	ck_assert_str_eq(notification_memory.ends[0].status, "FAILED");
}
END_TEST

START_TEST(the_lease_outlasts_the_slowest_batch)
{
	fresh();
	conf_set(CONF_SMTP_TIMEOUT_MS, "600000");
	send_all(FAULT_NONE, 0);
	ck_assert_int_gt(notification_memory.lease_ms, 600000 + 60000);
	conf_set(CONF_SMTP_TIMEOUT_MS, "60000");
}
END_TEST

/* Told to end while the second is on its way, and once more before any. */
START_TEST(what_a_stop_leaves_is_due_at_once)
{
	sigset_t term, before;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	for (size_t sent = 0; sent <= 2; sent += 2) {
		fresh();
		for (int i = 0; i < 4; i++)
			expect_mail("confirmed", NULL);
		notification_memory.answers[1] = (struct mail_answer){ MAIL_STOPPED, "stopped" };
		if (!sent)
			raise(SIGTERM);
		send_all(FAULT_NONE, sent);
		int number;
		ck_assert_int_eq(sigwait(&term, &number), 0); /* it is left for the loop around */
		ck_assert_uint_eq(notification_memory.sent, sent);
		ck_assert_uint_eq(notification_memory.released, 4 - sent);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	ck_assert_str_eq(notification_memory.ends[0].status, "SENT");
	ck_assert_str_eq(notification_memory.ends[1].status, "PENDING");
	ck_assert_int_eq(notification_memory.ends[1].wait_ms, 0);
	ck_assert(!notification_memory.ends[1].counts);
}
END_TEST

/* --- the message ------------------------------------------------------------------------ */

static const char *message(const char *name, const char *subject, const char *body)
{
	struct mail_message made = { .from = "tickets@shop.example", .from_name = "Shop",
		.to = "mina@example.com", .to_name = name, .subject = subject, .body = body,
		.language = "ko", .id = 42 };
	ck_assert(clock_parse("2026-12-24T10:05:09Z", &made.now_ms));
	return mail_message(ctx.arena, &made);
}

START_TEST(headers_are_as_the_standards_want_them)
{
	ck_assert_str_eq(message("", "Hi", "a\nb\n"),
		"Date: Thu, 24 Dec 2026 19:05:09 +0900\r\n"
		"From: =?UTF-8?B?U2hvcA==?=\r\n <tickets@shop.example>\r\n"
		"To: <mina@example.com>\r\n"
		"Message-ID: <cm-42@shop.example>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"Subject: =?UTF-8?B?SGk=?=\r\n"
		"Content-Language: ko\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n"
		"YQ0KYg0K\r\n");
}
END_TEST

START_TEST(encoded_words_have_no_line_ends)
{
	HAS(message("a\r\nb", "c\td\x7f", ""), "To: =?UTF-8?B?YSAgYg==?=\r\n"); /* a  b */
	HAS(message("a\r\nb", "c\td\x7f", ""), "Subject: =?UTF-8?B?YyBkIA==?=\r\n"); /* c d_ */
}
END_TEST

START_TEST(no_text_makes_a_line_too_long_or_a_header)
{
	char hangul[600];
	for (size_t i = 0; i < sizeof(hangul) - 1; i++)
		hangul[i] = "한"[i % 3];
	hangul[sizeof(hangul) - 4 + 3] = '\0';
	for (size_t cut = 0; cut < 4; cut++) {
		const char *subject = arena_printf(ctx.arena, "%.*s%s", (int)cut, "abc", hangul);
		const char *text = message("\"<\r\nBcc: x@example.com", subject, subject);
		HAS_NOT(text, "Bcc");
		for (const char *line = text; *line; line = strstr(line, "\r\n") + 2) {
			size_t length = (size_t)(strstr(line, "\r\n") - line);
			ck_assert_uint_le(length, 76);
			ck_assert_ptr_null(memchr(line, '\n', length));
		}
		for (const char *byte = text; *byte; byte++)
			ck_assert_int_lt((unsigned char)*byte, 0x7f);
	}
}
END_TEST

START_TEST(a_letter_names_its_reader_and_sender)
{
	fresh();
	conf_set(CONF_SMTP_NAME, "Shop");
	struct notification_mail *mail = expect_mail("expired", NULL);
	mail->name = "M";
	mail->language = LANGUAGE_EN;
	send_all(FAULT_NONE, 1);
	/* Dear M, .. The time to pay */
	HAS(notification_memory.messages[0], "\r\n\r\nRGVhciBNLA0KDQpUaGUgdGltZSB0byBwYXkg");
}
END_TEST

int main(void)
{
	const TTest *tests[] = { each_kind_reads_well_in_both_languages, money_has_its_separators,
		nothing_to_give_back_is_said, facts_can_not_make_lines, an_unknown_kind_is_empty,
		events_become_notices,
		a_page_is_read_and_says_if_there_is_more, nothing_is_sent_without_a_server,
		who_opted_out_or_left_gets_only_what_must_be, a_refusal_holds_up_no_other,
		tries_are_longer_apart_and_bounded, a_server_that_is_away_costs_no_mail_its_tries,
		after_three_days_nobody_waits_for_it, the_lease_outlasts_the_slowest_batch,
		what_a_stop_leaves_is_due_at_once,
		headers_are_as_the_standards_want_them, encoded_words_have_no_line_ends,
		no_text_makes_a_line_too_long_or_a_header,
		a_letter_names_its_reader_and_sender, NULL };
	return unit_main("notification", tests);
}
