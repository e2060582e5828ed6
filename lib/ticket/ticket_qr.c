/* QR codes by libqrencode; the PNG is written here, because one of two colours needs neither
 * libpng nor compression: stored blocks, two checksums. */
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ticket/ticket.h"

#include "base/banned.h"

enum { BORDER = 4, SCALE = 6, DARK = 1 };

static void free_code(void *code)
{
	QRcode_free(code);
}

static enum fault encode(struct ctx *ctx, const char *text, const QRcode **ret_code)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	if (!code) {
		ctx->log_detail = "text too long for a QR code";
		return FAULT_INTERNAL;
	}
	arena_defer(ctx->arena, free_code, code);
	*ret_code = code;
	return FAULT_NONE;
}

enum fault ticket_qr_svg(struct ctx *ctx, const char *text, const char **ret_svg)
{
	const QRcode *code;
	struct strbuf svg;
	enum fault fault = encode(ctx, text, &code);
	if (fault)
		return fault;
	int size = code->width + 2 * BORDER;
	strbuf_init(&svg, ctx->arena);
	strbuf_printf(&svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"width=\"%d\" height=\"%d\" shape-rendering=\"crispEdges\">"
		"<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path d=\"", size, size,
		size * SCALE, size * SCALE, size, size);
	for (int y = 0; y < code->width; y++)
		for (int x = 0; x < code->width; x++)
			if (code->data[y * code->width + x] & DARK)
				strbuf_printf(&svg, "M%d %dh1v1h-1z", x + BORDER, y + BORDER);
	strbuf_text(&svg, "\"/></svg>");
	*ret_svg = svg.data;
	return FAULT_NONE;
}

static void add_number(struct strbuf *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		strbuf_byte(out, (char)(value >> shift & 0xff));
}

static uint32_t crc32_of(const char *bytes, size_t length)
{
	uint32_t crc = 0xffffffffu;
	for (size_t i = 0; i < length; i++) {
		crc ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t adler32_of(const char *bytes, size_t length)
{
	uint32_t a = 1, b = 0;
	for (size_t i = 0; i < length; i++) {
		a = (a + (unsigned char)bytes[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static void add_chunk(struct strbuf *out, const char *type, const struct strbuf *data)
{
	add_number(out, (uint32_t)data->length);
	size_t from = out->length;
	strbuf_text(out, type);
	strbuf_add(out, data->data, data->length);
	add_number(out, crc32_of(out->data + from, out->length - from));
}

/* One bit a pixel, a filter byte before each row. */
static void add_rows(struct strbuf *out, const QRcode *code)
{
	int size = (code->width + 2 * BORDER) * SCALE;
	for (int y = 0; y < size; y++) {
		int row = y / SCALE - BORDER;
		strbuf_byte(out, 0);
		for (int x = 0; x < size; x += 8) {
			unsigned byte = 0;
			for (int bit = 0; bit < 8; bit++) {
				int column = (x + bit) / SCALE - BORDER;
				bool dark = row >= 0 && row < code->width && column >= 0
					&& column < code->width
					&& (code->data[row * code->width + column] & DARK);
				byte = byte << 1 | !dark;
			}
			strbuf_byte(out, (char)byte);
		}
	}
}

/* zlib's frame around stored blocks of at most 65,535 bytes. */
static void add_stored(struct strbuf *out, const struct strbuf *raw)
{
	strbuf_add(out, "\x78\x01", 2);
	for (size_t at = 0; at < raw->length; ) {
		size_t part = raw->length - at < 65535 ? raw->length - at : 65535;
		strbuf_byte(out, at + part == raw->length);
		strbuf_byte(out, (char)(part & 0xff));
		strbuf_byte(out, (char)(part >> 8));
		strbuf_byte(out, (char)(~part & 0xff));
		strbuf_byte(out, (char)(~part >> 8 & 0xff));
		strbuf_add(out, raw->data + at, part);
		at += part;
	}
	add_number(out, adler32_of(raw->data, raw->length));
}

enum fault ticket_qr_png(struct ctx *ctx, const char *text, const unsigned char **ret_png,
	size_t *ret_length)
{
	const QRcode *code;
	struct strbuf png, head, raw, data, end;
	enum fault fault = encode(ctx, text, &code);
	if (fault)
		return fault;
	uint32_t size = (uint32_t)((code->width + 2 * BORDER) * SCALE);
	strbuf_init(&png, ctx->arena);
	strbuf_init(&head, ctx->arena);
	strbuf_init(&raw, ctx->arena);
	strbuf_init(&data, ctx->arena);
	strbuf_init(&end, ctx->arena);
	strbuf_add(&png, "\x89PNG\r\n\x1a\n", 8);
	add_number(&head, size);
	add_number(&head, size);
	strbuf_add(&head, "\x01\x00\x00\x00\x00", 5); /* one bit, grey */
	add_chunk(&png, "IHDR", &head);
	add_rows(&raw, code);
	add_stored(&data, &raw);
	add_chunk(&png, "IDAT", &data);
	add_chunk(&png, "IEND", &end);
	*ret_png = (const unsigned char *)png.data;
	*ret_length = png.length;
	return FAULT_NONE;
}
