/* Mail by libcurl. */
#include <curl/curl.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/stop.h"
#include "base/str.h"
#include "notification/notification_store.h"

#include "base/banned.h"

enum { CONNECT_MS = 5000, IDLE_S = 20, ANSWER_MS = 3000 };

/* One mail on its way. */
struct delivery {
	const char *rest;
	size_t length;
	bool is_given; /* the server wanted it, and may take it at any moment now */
	int64_t told_us; /* when we found that we are to end; 0: not yet */
	char error[CURL_ERROR_SIZE];
};

static size_t give(char *buffer, size_t size, size_t count, void *arg)
{
	struct delivery *delivery = arg;
	size_t part = size * count < delivery->length ? size * count : delivery->length;
	memcpy(buffer, delivery->rest, part);
	delivery->rest += part;
	delivery->length -= part;
	delivery->is_given = true;
	return part;
}

/* libcurl asks once a second. A mail that isn't there in full is none to the server, and it comes
 * once. One that is may be taken already: its answer is worth a moment, because without it the
 * member gets the mail twice. */
static int is_to_stop(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
	curl_off_t up)
{
	struct delivery *delivery = arg;
	(void)down_total, (void)down, (void)up_total, (void)up;
	if (!stop_asked())
		return 0;
	if (!delivery->told_us)
		delivery->told_us = clock_monotonic_us();
	return delivery->length > 0
		|| clock_monotonic_us() - delivery->told_us >= ANSWER_MS * 1000LL;
}

static void set_server(CURL *curl)
{
	const char *user = conf_text(CONF_SMTP_USER);
	curl_easy_setopt(curl, CURLOPT_URL, conf_text(CONF_SMTP_URL));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_USE_SSL, strcmp(conf_text(CONF_SMTP_TLS), "none") == 0
		? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*conf_text(CONF_SMTP_CA_FILE))
		curl_easy_setopt(curl, CURLOPT_CAINFO, conf_text(CONF_SMTP_CA_FILE));
	if (*user) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, conf_text(CONF_SMTP_PASSWORD));
	}
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, conf_text(CONF_SMTP_FROM));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)conf_integer(CONF_SMTP_TIMEOUT_MS));
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)IDLE_S); /* before the server ends it */
}

static void set_mail(CURL *curl, struct delivery *delivery, const struct curl_slist *to)
{
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, delivery);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_to_stop);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, delivery);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, delivery->error);
}

/* What is refused with RCPT or later was about this mail, before that about us; 421 comes at any
 * time and says that the server is the matter. libcurl tells the commands apart by text alone. */
static enum mail_result result_of(const struct delivery *delivery, long reply)
{
	bool about_mail = delivery->is_given || str_starts(delivery->error, "RCPT ")
		|| str_starts(delivery->error, "DATA ");
	if (!about_mail || reply == 421)
		return MAIL_AWAY;
	return reply >= 500 ? MAIL_REFUSED : MAIL_LATER;
}

static struct mail_answer stopped(const struct delivery *delivery)
{
	return (struct mail_answer){ MAIL_STOPPED, delivery->length > 0
		? "stopped before the server had it" : "stopped before the server answered" };
}

/* The handle is kept: the next mail uses the same connection. */
struct mail_answer notification_smtp_send(struct ctx *ctx, const char *address,
	const char *message)
{
	static CURL *curl;
	struct delivery delivery = { .rest = message, .length = strlen(message) };
	long reply = 0;
	if (!curl && !(curl = curl_easy_init()))
		return (struct mail_answer){ MAIL_AWAY, "no memory" };
	struct curl_slist *to = curl_slist_append(NULL, address);
	curl_easy_reset(curl);
	set_server(curl);
	set_mail(curl, &delivery, to);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	curl_easy_reset(curl);
	curl_slist_free_all(to);
	if (code == CURLE_OK)
		return (struct mail_answer){ MAIL_TAKEN, NULL };
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return stopped(&delivery);
	return (struct mail_answer){ result_of(&delivery, reply), arena_printf(ctx->arena,
		"%s (SMTP %ld)", *delivery.error ? delivery.error : curl_easy_strerror(code), reply) };
}
