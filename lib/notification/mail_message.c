#include "notification/mail_message.h"

#include <string.h>
#include <time.h>

#include "base/str.h"

#include "base/banned.h"

/* Bytes of an encoded word: with "Subject: " in front its line has 73 characters. */
enum { WORD_BYTES = 39, LINE_CHARACTERS = 76 };

static void add_base64(struct strbuf *out, const char *text, size_t length, size_t line)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = (const unsigned char *)text;
	for (size_t i = 0; i < length; i += 3) {
		unsigned group = (unsigned)bytes[i] << 16
			| (unsigned)(i + 1 < length ? bytes[i + 1] : 0) << 8
			| (unsigned)(i + 2 < length ? bytes[i + 2] : 0);
		if (line && i && i / 3 % (line / 4) == 0)
			strbuf_text(out, "\r\n");
		strbuf_byte(out, alphabet[group >> 18]);
		strbuf_byte(out, alphabet[group >> 12 & 63]);
		strbuf_byte(out, i + 1 < length ? alphabet[group >> 6 & 63] : '=');
		strbuf_byte(out, i + 2 < length ? alphabet[group & 63] : '=');
	}
}

/* Encoded words, none of which cuts a character. A line's end in them would be one again for some
 * readers. */
static void add_words(struct strbuf *out, const char *given)
{
	char *clean = arena_strdup(out->arena, given);
	for (char *byte = clean; *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			*byte = ' ';
	const char *text = clean;
	while (*text) {
		size_t part = strlen(text);
		if (part > WORD_BYTES)
			for (part = WORD_BYTES; part > 1 && ((unsigned char)text[part] & 0xc0) == 0x80; )
				part--;
		strbuf_text(out, "=?UTF-8?B?");
		add_base64(out, text, part, 0);
		strbuf_text(out, "?=");
		text += part;
		if (*text)
			strbuf_text(out, "\r\n ");
	}
}

static void add_mailbox(struct strbuf *out, const char *header, const char *name,
	const char *address)
{
	strbuf_printf(out, "%s: ", header);
	if (*name) {
		add_words(out, name);
		strbuf_text(out, "\r\n ");
	}
	strbuf_printf(out, "<%s>\r\n", address);
}

/* Text in base64 has its lines ended by CRLF before it is encoded. */
static void add_body(struct strbuf *out, const char *text)
{
	struct strbuf lines;
	strbuf_init(&lines, out->arena);
	for (; *text; text++)
		if (*text == '\n')
			strbuf_text(&lines, "\r\n");
		else
			strbuf_byte(&lines, *text);
	add_base64(out, lines.data, lines.length, LINE_CHARACTERS);
	strbuf_text(out, "\r\n");
}

static void add_date(struct strbuf *out, int64_t now_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm now;
	time_t seconds = (time_t)(now_ms / 1000);
	localtime_r(&seconds, &now);
	long offset = now.tm_gmtoff / 60;
	strbuf_printf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld\r\n",
		days + 3 * now.tm_wday, now.tm_mday, months + 3 * now.tm_mon, now.tm_year + 1900,
		now.tm_hour, now.tm_min, now.tm_sec, offset < 0 ? '-' : '+',
		(offset < 0 ? -offset : offset) / 60, (offset < 0 ? -offset : offset) % 60);
}

const char *mail_message(struct arena *arena, const struct mail_message *message)
{
	struct strbuf out;
	const char *at = strchr(message->from, '@');
	strbuf_init(&out, arena);
	add_date(&out, message->now_ms);
	add_mailbox(&out, "From", message->from_name, message->from);
	add_mailbox(&out, "To", message->to_name, message->to);
	strbuf_printf(&out, "Message-ID: <cm-%lld@%s>\r\nAuto-Submitted: auto-generated\r\nSubject: ",
		(long long)message->id, at ? at + 1 : "localhost");
	add_words(&out, message->subject);
	strbuf_printf(&out, "\r\nContent-Language: %s\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		message->language);
	add_body(&out, message->body);
	return out.data;
}
