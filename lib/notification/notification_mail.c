#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/point.h"
#include "base/stop.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "notification/mail_message.h"
#include "notification/notification_store.h"

#include "base/banned.h"

enum {
	MAIL_TRIES = 12, /* with the waits between them: five hours */
	FIRST_WAIT_MS = 5000,
	LONGEST_WAIT_MS = 3600 * 1000,
	AWAY_WAIT_MS = 10 * 1000,
	KEEP_MS = 3 * 24 * 3600 * 1000,
	BATCH_MS = 60 * 1000, /* no mail of a batch is begun later */
	SPARE_MS = 30 * 1000
};

static const char *letter(struct arena *arena, const struct notification_mail *mail,
	const char *body)
{
	bool korean = mail->language == LANGUAGE_KO;
	struct strbuf out;
	strbuf_init(&out, arena);
	strbuf_printf(&out, korean ? "%s 님, 안녕하세요.\n\n" : "Dear %s,\n\n", mail->name);
	strbuf_printf(&out, "%s\n\n-- \n%s\n", body, conf_text(CONF_SMTP_NAME));
	if (*conf_text(CONF_SITE_URL))
		strbuf_printf(&out, "%s\n", conf_text(CONF_SITE_URL));
	strbuf_text(&out, korean ? "이 메일은 자동으로 발송되었습니다."
		: "This message was sent automatically.");
	if (!notification_is_essential(&mail->notice))
		strbuf_text(&out, korean ? " 알림 설정에서 수신을 거부하실 수 있습니다."
			: " You can turn such messages off in your notice settings.");
	strbuf_byte(&out, '\n');
	return out.data;
}

static struct mail_answer send(struct ctx *ctx, const struct notification_mail *mail)
{
	struct notification_text text = notification_text(ctx->arena, &mail->notice,
		mail->language);
	struct mail_message message = {
		.from = conf_text(CONF_SMTP_FROM), .from_name = conf_text(CONF_SMTP_NAME),
		.to = mail->address, .to_name = mail->name,
		.subject = text.subject, .body = letter(ctx->arena, mail, text.body),
		.language = mail->language == LANGUAGE_KO ? "ko" : "en",
		.id = mail->notice.id, .now_ms = clock_now_ms(),
	};
	return notification_smtp_send(ctx, mail->address, mail_message(ctx->arena, &message));
}

static int64_t next_wait_ms(int attempts)
{
	int64_t wait_ms = FIRST_WAIT_MS;
	while (attempts-- > 0 && wait_ms < LONGEST_WAIT_MS)
		wait_ms *= 3;
	return wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS;
}

static struct notification_end judge(const struct notification_mail *mail,
	const struct mail_answer *answer)
{
	struct notification_end end = { .status = "PENDING", .error = answer->error };
	switch (answer->result) {
	case MAIL_TAKEN:
		end.status = "SENT";
		break;
	case MAIL_REFUSED:
		end.counts = true;
		end.status = "FAILED";
		break;
	case MAIL_LATER:
		end.counts = true;
		end.wait_ms = next_wait_ms(mail->attempts);
		if (mail->attempts + 1 >= MAIL_TRIES)
			end.status = "FAILED";
		break;
	case MAIL_AWAY:
		end.wait_ms = AWAY_WAIT_MS;
		if (clock_now_ms() - mail->notice.created_ms > KEEP_MS)
			end.status = "FAILED";
		break;
	case MAIL_STOPPED:
		break;
	}
	return end;
}

static void count(const struct notification_end *end)
{
	metric_add(METRIC_MAIL_SENT, strcmp(end->status, "SENT") == 0);
	metric_add(METRIC_MAIL_FAILED, strcmp(end->status, "FAILED") == 0);
	metric_add(METRIC_MAIL_LATER, strcmp(end->status, "PENDING") == 0);
}

/* What the member wants counts when it is sent, not only when it was made. */
static bool is_unwanted(const struct notification_mail *mail)
{
	return mail->is_gone || (mail->opt_out && !notification_is_essential(&mail->notice));
}

static enum fault send_one(struct ctx *ctx, const struct notification_mail *mail)
{
	static const struct notification_end skipped = { .status = "SKIPPED" };
	if (is_unwanted(mail))
		return notification_store_end(ctx, mail, &skipped);
	struct mail_answer answer = send(ctx, mail);
	POINT("mail-sent");
	struct notification_end end = judge(mail, &answer);
	enum fault fault = notification_store_end(ctx, mail, &end);
	if (fault)
		return fault;
	count(&end);
	if (answer.result != MAIL_AWAY)
		return FAULT_NONE;
	ctx->log_detail = answer.error;
	return FAULT_MAIL_AWAY;
}

enum fault notification_send(struct ctx *ctx, size_t limit, size_t *ret_done)
{
	struct notification_mail *mails;
	size_t done = 0, found = 0;
	int64_t begun_us = clock_monotonic_us();
	*ret_done = 0;
	if (*conf_text(CONF_SMTP_URL) == '\0')
		return FAULT_NONE;
	enum fault fault = notification_store_due(ctx, limit,
		BATCH_MS + conf_integer(CONF_SMTP_TIMEOUT_MS) + SPARE_MS, &mails, &found);
	if (fault)
		return fault;
	while (!fault && done < found && !stop_asked()
		&& clock_monotonic_us() - begun_us < BATCH_MS * 1000LL)
		fault = send_one(ctx, &mails[done++]);
	enum fault released = notification_store_release(ctx, mails + done, found - done);
	*ret_done = done;
	return fault ? fault : released;
}
