#include "notification/notification.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/str.h"
#include "notification/notification_store.h"

#include "base/banned.h"

enum { MAIL_TRIES = 12 };

/* One row a kind. In the sentences: $t title, $d date and time, $p place, $s seats, $a amount,
 * $f fee, $r number of the reservation. */
static const struct template {
	const char *kind;
	bool is_essential;
	const char *subject_en, *body_en, *subject_ko, *body_ko;
} templates[] = {
	{ "confirmed", true, "Your booking is confirmed: $t",
		"Your booking no. $r is confirmed.\n\n$t\n$d, $p\nSeats: $s\nPaid: KRW $a\n\n"
		"Your tickets are in the app.",
		"예매가 확정되었습니다: $t",
		"예매번호 $r이(가) 확정되었습니다.\n\n$t\n$d, $p\n좌석: $s\n결제 금액: $a원\n\n"
		"티켓은 앱에서 확인하실 수 있습니다." },
	{ "declined", true, "The payment was declined: $t",
		"The payment for booking no. $r was declined; nothing was charged and the seats "
		"($s) are free again.\n\n$t\n$d, $p",
		"결제가 거절되었습니다: $t",
		"예매번호 $r의 결제가 거절되었습니다. 청구된 금액은 없으며 좌석($s)은 "
		"다시 판매됩니다.\n\n$t\n$d, $p" },
	{ "cancelled", false, "Your booking is cancelled: $t",
		"Booking no. $r is cancelled.\n\n$t\n$d, $p\nSeats: $s",
		"예매가 취소되었습니다: $t",
		"예매번호 $r이(가) 취소되었습니다.\n\n$t\n$d, $p\n좌석: $s" },
	{ "refunded", true, "Your refund is made: $t",
		"KRW $a were given back for booking no. $r (fee: KRW $f).\n\n$t\n$d, $p",
		"환불이 완료되었습니다: $t",
		"예매번호 $r에 대해 $a원이 환불되었습니다 (수수료 $f원).\n\n$t\n$d, $p" },
	{ "expired", false, "Your hold has ended: $t",
		"Booking no. $r was not paid in time; the seats ($s) are free again.\n\n$t\n$d, $p",
		"예약 시간이 만료되었습니다: $t",
		"예매번호 $r이(가) 시간 안에 결제되지 않아 좌석($s)이 다시 판매됩니다.\n\n$t\n$d, $p" },
	{ "concert-cancelled", true, "The concert is cancelled: $t",
		"We are sorry: the concert of booking no. $r is cancelled. KRW $a will be given "
		"back in full.\n\n$t\n$d, $p\nSeats: $s",
		"공연이 취소되었습니다: $t",
		"죄송합니다. 예매번호 $r의 공연이 취소되었습니다. $a원 전액을 환불해 드립니다."
		"\n\n$t\n$d, $p\n좌석: $s" },
};

static const struct { const char *topic, *kind; } causes[] = {
	{ "reservation.confirmed", "confirmed" },
	{ "payment.failed", "declined" },
	{ "reservation.cancelled", "cancelled" },
	{ "payment.refunded", "refunded" },
	{ "reservation.expired", "expired" },
	{ "reservation.refunding", "cancelled" },
};

static const struct template *find_template(const char *kind)
{
	for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++)
		if (strcmp(templates[i].kind, kind) == 0)
			return &templates[i];
	return NULL;
}

/* 1234567 as 1,234,567. */
static void add_money(struct strbuf *out, int64_t amount)
{
	const char *digits = arena_printf(out->arena, "%lld", (long long)amount);
	size_t length = strlen(digits);
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			strbuf_byte(out, ',');
		strbuf_byte(out, digits[i]);
	}
}

/* "2026-12-24 19:00" */
static void add_time(struct strbuf *out, int64_t instant_ms)
{
	const char *text = clock_format(out->arena, instant_ms);
	strbuf_add(out, text, 10);
	strbuf_byte(out, ' ');
	strbuf_add(out, text + 11, 5);
}

static void add_fact(struct strbuf *out, char fact, const struct notification *notice)
{
	switch (fact) {
	case 't': strbuf_text(out, notice->concert_title ? notice->concert_title : ""); break;
	case 'p': strbuf_text(out, notice->place ? notice->place : ""); break;
	case 's': strbuf_text(out, notice->seats ? notice->seats : ""); break;
	case 'd': add_time(out, notice->concert_ms); break;
	case 'a': add_money(out, notice->amount); break;
	case 'f': add_money(out, notice->fee); break;
	case 'r': strbuf_int(out, notice->reservation.value); break;
	default: break;
	}
}

static const char *fill(struct arena *arena, const char *sentence,
	const struct notification *notice)
{
	struct strbuf out;
	strbuf_init(&out, arena);
	for (; *sentence; sentence++)
		if (*sentence == '$' && sentence[1])
			add_fact(&out, *++sentence, notice);
		else
			strbuf_byte(&out, *sentence);
	return out.data;
}

struct notification_text notification_text(struct arena *arena, const struct notification *notice,
	enum language language)
{
	const struct template *found = find_template(notice->kind);
	bool korean = language == LANGUAGE_KO;
	if (!found)
		return (struct notification_text){ .subject = notice->kind, .body = "" };
	return (struct notification_text){
		.subject = fill(arena, korean ? found->subject_ko : found->subject_en, notice),
		.body = fill(arena, korean ? found->body_ko : found->body_en, notice),
	};
}

enum fault notification_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list)
{
	struct notification_list list;
	enum fault fault = notification_store_list(ctx, before_id, limit, &list);
	if (fault)
		return fault;
	list.has_more = list.count > (size_t)limit;
	if (list.has_more)
		list.count = (size_t)limit;
	*ret_list = list;
	return list.count ? notification_store_read(ctx, &list) : FAULT_NONE;
}

enum fault notification_settings_get(struct ctx *ctx, struct notification_settings *ret_settings)
{
	return notification_store_settings(ctx, ret_settings);
}

enum fault notification_settings_set(struct ctx *ctx,
	const struct notification_settings *settings)
{
	return notification_store_set(ctx, settings);
}

enum fault notification_from_event(struct ctx *ctx, const struct event *event)
{
	const char *kind = NULL;
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (strcmp(causes[i].topic, event->topic) == 0)
			kind = causes[i].kind;
	if (strcmp(event->topic, "reservation.refunding") == 0
		&& strstr(event->payload, "\"concert-cancelled\""))
		kind = "concert-cancelled";
	if (!kind || !event->member.value)
		return FAULT_NONE;
	return notification_store_add(ctx, event, kind, find_template(kind)->is_essential,
		*conf_text(CONF_SMTP_URL) != '\0');
}

enum fault notification_send(struct ctx *ctx, size_t limit, size_t *ret_done)
{
	struct notification_mail *mails;
	size_t count = 0;
	enum fault fault = FAULT_NONE;
	*ret_done = 0;
	if (*conf_text(CONF_SMTP_URL) == '\0')
		return FAULT_NONE;
	fault = notification_store_due(ctx, limit, &mails, &count);
	for (size_t i = 0; !fault && i < count; i++) {
		struct notification_text text = notification_text(ctx->arena, &mails[i].notice,
			mails[i].language);
		bool is_final = false;
		const char *error = notification_smtp_send(ctx, &mails[i], &text, &is_final);
		fault = notification_store_sent(ctx, &mails[i], error,
			is_final || mails[i].attempts + 1 >= MAIL_TRIES);
	}
	*ret_done = count;
	return fault;
}
