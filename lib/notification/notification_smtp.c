/* Mail by libcurl: RFC 5322 with UTF-8 as base64 (RFC 2045, 2047). */
#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "base/conf.h"
#include "base/str.h"
#include "notification/notification_store.h"

#include "base/banned.h"

struct upload {
	const char *bytes;
	size_t length;
};

static void add_base64(struct strbuf *out, const char *text, size_t line)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = strlen(text);
	const unsigned char *bytes = (const unsigned char *)text;
	for (size_t i = 0; i < length; i += 3) {
		unsigned group = (unsigned)bytes[i] << 16
			| (unsigned)(i + 1 < length ? bytes[i + 1] : 0) << 8
			| (unsigned)(i + 2 < length ? bytes[i + 2] : 0);
		strbuf_byte(out, alphabet[group >> 18]);
		strbuf_byte(out, alphabet[group >> 12 & 63]);
		strbuf_byte(out, i + 1 < length ? alphabet[group >> 6 & 63] : '=');
		strbuf_byte(out, i + 2 < length ? alphabet[group & 63] : '=');
		if (line && (i / 3 + 1) % (line / 4) == 0)
			strbuf_text(out, "\r\n");
	}
}

/* An encoded word holds 45 bytes at most and never cuts a character. */
static void add_word(struct strbuf *out, const char *text)
{
	while (*text) {
		size_t part = strlen(text);
		if (part > 45)
			for (part = 45; ((unsigned char)text[part] & 0xc0) == 0x80; )
				part--;
		strbuf_text(out, "=?UTF-8?B?");
		add_base64(out, arena_strndup(out->arena, text, part), 0);
		strbuf_text(out, "?=");
		text += part;
		if (*text)
			strbuf_text(out, "\r\n ");
	}
}

static const char *compose(struct ctx *ctx, const struct notification_mail *mail,
	const struct notification_text *text)
{
	struct strbuf out;
	char date[64];
	struct tm now;
	time_t seconds = (time_t)(ctx->now_ms / 1000);
	localtime_r(&seconds, &now);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &now);
	strbuf_init(&out, ctx->arena);
	strbuf_printf(&out, "Date: %s\r\nFrom: <%s>\r\nTo: <%s>\r\nMessage-ID: <cm-%lld@%s>\r\n",
		date, conf_text(CONF_SMTP_FROM), mail->address, (long long)mail->notice.id,
		strchr(conf_text(CONF_SMTP_FROM), '@') ? strchr(conf_text(CONF_SMTP_FROM), '@') + 1
			: "localhost");
	strbuf_text(&out, "Auto-Submitted: auto-generated\r\nSubject: ");
	add_word(&out, text->subject);
	strbuf_printf(&out, "\r\nContent-Language: %s\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		mail->language == LANGUAGE_KO ? "ko" : "en");
	add_base64(&out, text->body, 76);
	strbuf_text(&out, "\r\n");
	return out.data;
}

static size_t give(char *buffer, size_t size, size_t count, void *arg)
{
	struct upload *upload = arg;
	size_t part = size * count < upload->length ? size * count : upload->length;
	memcpy(buffer, upload->bytes, part);
	upload->bytes += part;
	upload->length -= part;
	return part;
}

static void set_options(CURL *curl, struct upload *upload)
{
	const char *user = conf_text(CONF_SMTP_USER);
	curl_easy_setopt(curl, CURLOPT_URL, conf_text(CONF_SMTP_URL));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_USE_SSL, strcmp(conf_text(CONF_SMTP_TLS), "none") == 0
		? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	if (*conf_text(CONF_SMTP_CA_FILE))
		curl_easy_setopt(curl, CURLOPT_CAINFO, conf_text(CONF_SMTP_CA_FILE));
	if (*user) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, conf_text(CONF_SMTP_PASSWORD));
	}
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, conf_text(CONF_SMTP_FROM));
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, upload);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

/* The handle is kept: the next mail uses the same connection. */
const char *notification_smtp_send(struct ctx *ctx, const struct notification_mail *mail,
	const struct notification_text *text, bool *ret_is_final)
{
	static CURL *curl;
	struct upload upload = { .bytes = compose(ctx, mail, text) };
	long reply = 0;
	upload.length = strlen(upload.bytes);
	if (!curl)
		curl = curl_easy_init();
	if (!curl)
		return "no memory";
	curl_easy_reset(curl);
	set_options(curl, &upload);
	struct curl_slist *to = curl_slist_append(NULL, mail->address);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	curl_slist_free_all(to);
	if (code == CURLE_OK)
		return NULL;
	/* A refused login is the operator's mistake, not this mail's. */
	*ret_is_final = reply >= 550 && reply <= 554 && code != CURLE_LOGIN_DENIED;
	return arena_printf(ctx->arena, "%s (SMTP %ld)", curl_easy_strerror(code), reply);
}
