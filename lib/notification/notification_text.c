#include <string.h>
#include <time.h>

#include "base/str.h"
#include "notification/notification.h"

#include "base/banned.h"

struct words {
	const char *subject, *lead, *next;
};

/* One row a kind, and one a kind's special case (see variant). facts: the lines between lead and
 * next, a letter each, see add_line; the title of the concert follows a subject. */
static const struct template {
	const char *name;
	bool is_essential;
	const char *facts;
	struct words en, ko;
} templates[] = {
	{ "confirmed", true, "rtdpsm",
		{ "Booking confirmed: ",
		"Thank you. Your booking is paid and confirmed.",
		"Your tickets are under My tickets. Each has a QR code of its own: please show it at "
		"the entrance. You can cancel under My bookings, which shows the fee, if any, before "
		"you decide." },
		{ "[예매 확정] ",
		"예매해 주셔서 감사합니다. 결제가 완료되어 예매가 확정되었습니다.",
		"티켓은 '내 티켓'에서 확인하실 수 있습니다. 입장하실 때 좌석별 QR 코드를 보여 주세요. "
		"취소는 '내 예매'에서 하실 수 있으며, 수수료가 있으면 취소하시기 전에 알려 드립니다." } },
	{ "declined", true, "rtdpsc",
		{ "Payment declined: ",
		"Your payment was declined, so the booking was not made. You have not been charged.",
		"The seats are on sale again. If you still want to come, please check your card or "
		"choose another way to pay, and book again." },
		{ "[결제 실패] ",
		"결제가 승인되지 않아 예매가 완료되지 않았습니다. 청구된 금액은 없습니다.",
		"선택하신 좌석은 다시 판매됩니다. 카드 정보와 한도를 확인하시거나 다른 결제 수단으로 "
		"다시 예매해 주세요." } },
	{ "cancelled", false, "rtdps",
		{ "Booking cancelled: ",
		"Your booking is cancelled. You had not paid for it, and nothing was charged.",
		"The seats are on sale again. You can book anew as long as there are seats." },
		{ "[예매 취소] ",
		"예매가 취소되었습니다. 결제 전이었으므로 청구된 금액은 없습니다.",
		"선택하신 좌석은 다시 판매됩니다. 남은 좌석이 있으면 다시 예매하실 수 있습니다." } },
	{ "cancelled-paid", true, "rtdpsbfa",
		{ "Booking cancelled: ",
		"Your booking is cancelled. Its tickets are no longer valid.",
		"The refund goes back the way you paid. We will tell you as soon as it is made." },
		{ "[예매 취소] ",
		"예매가 취소되었습니다. 이 예매의 티켓은 더 이상 사용하실 수 없습니다.",
		"환불은 결제하신 수단으로 진행되며, 완료되면 알려 드립니다." } },
	{ "cancelled-kept", true, "rtdpsbfa",
		{ "Booking cancelled: ",
		"Your booking is cancelled. Its tickets are no longer valid.",
		"There is no money to give back." },
		{ "[예매 취소] ",
		"예매가 취소되었습니다. 이 예매의 티켓은 더 이상 사용하실 수 없습니다.",
		"환불될 금액은 없습니다." } },
	{ "refunded", true, "rtdpbfa",
		{ "Refund made: ",
		"Your refund is made.",
		"The money goes back the way you paid. It may take some business days until your "
		"bank or card company shows it." },
		{ "[환불 완료] ",
		"환불이 완료되었습니다.",
		"결제하신 수단으로 환불되었습니다. 은행이나 카드사에 따라 내역에 표시되기까지 며칠이 "
		"걸릴 수 있습니다." } },
	{ "refunded-late", true, "rtdpba",
		{ "Refund made: ",
		"Your payment came through after the time to pay had ended, when the seats were no "
		"longer kept for you. The booking was not made, and you got everything back.",
		"The money goes back the way you paid. It may take some business days until your "
		"bank or card company shows it. If there are seats left, you can book again." },
		{ "[환불 완료] ",
		"결제 시간이 지나 좌석이 더 이상 확보되지 않은 뒤에 결제가 승인되었습니다. 예매는 "
		"완료되지 않았으며, 결제하신 금액을 전액 환불해 드렸습니다.",
		"결제하신 수단으로 환불되었습니다. 은행이나 카드사에 따라 내역에 표시되기까지 며칠이 "
		"걸릴 수 있습니다. 남은 좌석이 있으면 다시 예매하실 수 있습니다." } },
	{ "refund-delayed", true, "rtdpbfa",
		{ "Refund delayed: ",
		"Your refund could not be made the way you paid. The money is still yours, and our "
		"staff is looking after it.",
		"You need not do anything. We will tell you as soon as the refund is made, and get in "
		"touch if we need to know where to send it." },
		{ "[환불 지연] ",
		"결제하신 수단으로 환불이 처리되지 않아 담당자가 확인하고 있습니다. 환불받으실 금액에는 "
		"변동이 없습니다.",
		"따로 신청하지 않으셔도 됩니다. 환불이 완료되면 알려 드리며, 받으실 계좌가 필요하면 "
		"연락드리겠습니다." } },
	{ "expired", false, "rtdps",
		{ "Time to pay is over: ",
		"The time to pay is over, so the seats are no longer kept for you. Nothing was "
		"charged.",
		"The seats are on sale again. If you still want to come, please book again." },
		{ "[결제 시간 만료] ",
		"결제 시간이 지나 좌석 확보가 해제되었습니다. 청구된 금액은 없습니다.",
		"선택하신 좌석은 다시 판매됩니다. 원하시면 다시 예매해 주세요." } },
	{ "concert-cancelled", true, "rtdpsa",
		{ "Concert cancelled: ",
		"We are very sorry: this concert is cancelled. You get back everything you paid and "
		"need not do anything.",
		"The refund goes back the way you paid. We will tell you as soon as it is made. Your "
		"tickets are no longer valid." },
		{ "[공연 취소] ",
		"죄송합니다. 예매하신 공연이 취소되었습니다. 결제하신 금액은 전액 환불되며, 따로 "
		"신청하지 않으셔도 됩니다.",
		"환불은 결제하신 수단으로 진행되며, 완료되면 알려 드립니다. 티켓은 더 이상 사용하실 "
		"수 없습니다." } },
	{ "concert-cancelled-unpaid", false, "rtdps",
		{ "Concert cancelled: ",
		"We are very sorry: this concert is cancelled, so the seats are no longer kept for "
		"you. Nothing was charged.",
		"You need not do anything." },
		{ "[공연 취소] ",
		"죄송합니다. 공연이 취소되어 좌석 확보가 해제되었습니다. 청구된 금액은 없습니다.",
		"따로 하실 일은 없습니다." } },
};

static const struct label {
	char fact;
	const char *en, *ko;
} labels[] = {
	{ 'r', "Booking no.", "예매번호" },
	{ 't', "Concert", "공연" },
	{ 'd', "Date", "일시" },
	{ 'p', "Venue", "장소" },
	{ 's', "Seats", "좌석" },
	{ 'm', "Paid", "결제 금액" },
	{ 'c', "Amount", "결제 요청 금액" },
	{ 'b', "Paid", "결제 금액" },
	{ 'f', "Cancellation fee", "취소 수수료" },
	{ 'a', "Refund", "환불 금액" },
};

static const struct template *find_template(const struct notification *notice)
{
	const char *name = notice->kind;
	bool is_cancelled = strcmp(name, "cancelled") == 0;
	if ((is_cancelled || strcmp(name, "expired") == 0) && notice->reason
		&& strcmp(notice->reason, "concert-cancelled") == 0)
		name = "concert-cancelled-unpaid";
	else if (is_cancelled && notice->reason)
		name = notice->amount ? "cancelled-paid" : "cancelled-kept";
	else if (strcmp(name, "refunded") == 0 && notice->reason
		&& strcmp(notice->reason, "seats-gone") == 0)
		name = "refunded-late";
	for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++)
		if (strcmp(templates[i].name, name) == 0)
			return &templates[i];
	return NULL;
}

/* A title with a line's end in it must not become two lines, of a header least of all. */
static void add_text(struct strbuf *out, const char *text)
{
	for (; text && *text; text++)
		strbuf_byte(out, (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
}

/* KRW 1,234,567 or 1,234,567원 */
static void add_money(struct strbuf *out, int64_t amount, bool korean)
{
	const char *digits = arena_printf(out->arena, "%lld", (long long)amount);
	size_t length = strlen(digits);
	strbuf_text(out, korean ? "" : "KRW ");
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			strbuf_byte(out, ',');
		strbuf_byte(out, digits[i]);
	}
	strbuf_text(out, korean ? "원" : "");
}

/* Thursday 24 December 2026, 19:00 (KST) or 2026년 12월 24일 (목) 19:00 */
static void add_time(struct strbuf *out, int64_t instant_ms, bool korean)
{
	static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
		"Friday", "Saturday" };
	static const char *const days_ko[] = { "일", "월", "화", "수", "목", "금", "토" };
	static const char *const months[] = { "January", "February", "March", "April", "May",
		"June", "July", "August", "September", "October", "November", "December" };
	time_t seconds = (time_t)(instant_ms / 1000);
	struct tm then;
	localtime_r(&seconds, &then);
	if (korean)
		strbuf_printf(out, "%d년 %d월 %d일 (%s) %02d:%02d", then.tm_year + 1900,
			then.tm_mon + 1, then.tm_mday, days_ko[then.tm_wday], then.tm_hour,
			then.tm_min);
	else
		strbuf_printf(out, "%s %d %s %d, %02d:%02d (%s)", days[then.tm_wday], then.tm_mday,
			months[then.tm_mon], then.tm_year + 1900, then.tm_hour, then.tm_min,
			then.tm_zone);
}

static void add_fact(struct strbuf *out, char fact, const struct notification *notice, bool korean)
{
	switch (fact) {
	case 't': add_text(out, notice->concert_title); break;
	case 'p': add_text(out, notice->place); break;
	case 's': add_text(out, notice->seats); break;
	case 'd': add_time(out, notice->concert_ms, korean); break;
	case 'f': add_money(out, notice->fee, korean); break;
	case 'b': add_money(out, notice->amount + notice->fee, korean); break;
	case 'r': strbuf_int(out, notice->reservation.value); break;
	default: add_money(out, notice->amount, korean); break;
	}
}

static void add_line(struct strbuf *out, char fact, const struct notification *notice, bool korean)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (labels[i].fact == fact)
			strbuf_printf(out, "\n%s: ", korean ? labels[i].ko : labels[i].en);
	add_fact(out, fact, notice, korean);
}

static const char *subject_of(struct arena *arena, const struct words *words,
	const struct notification *notice)
{
	struct strbuf out;
	strbuf_init(&out, arena);
	strbuf_text(&out, words->subject);
	add_text(&out, notice->concert_title);
	return out.data;
}

struct notification_text notification_text(struct arena *arena, const struct notification *notice,
	enum language language)
{
	const struct template *found = find_template(notice);
	bool korean = language == LANGUAGE_KO;
	if (!found)
		return (struct notification_text){ .subject = notice->kind, .body = "" };
	const struct words *words = korean ? &found->ko : &found->en;
	struct strbuf body;
	strbuf_init(&body, arena);
	strbuf_printf(&body, "%s\n", words->lead);
	for (const char *fact = found->facts; *fact; fact++)
		add_line(&body, *fact, notice, korean);
	strbuf_printf(&body, "\n\n%s", words->next);
	return (struct notification_text){ subject_of(arena, words, notice), body.data };
}

bool notification_is_essential(const struct notification *notice)
{
	const struct template *found = find_template(notice);
	return found && found->is_essential;
}
