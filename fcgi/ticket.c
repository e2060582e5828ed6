#include "ticket.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "http/json.h"
#include "http/page.h"
#include "ticket/ticket.h"

#include "base/banned.h"

static void write_ticket(struct strbuf *out, const struct ticket *ticket)
{
	json_open(out, NULL, '{');
	json_integer(out, "id", ticket->id.value);
	json_integer(out, "reservationId", ticket->reservation.value);
	json_integer(out, "concertId", ticket->concert.value);
	json_integer(out, "seatId", ticket->seat.value);
	json_text(out, "seatNumber", ticket->seat_number);
	json_text(out, "seatGrade", ticket->grade);
	json_text(out, "status", ticket->status);
	json_text(out, "code", ticket->code);
	json_time(out, "issuedAt", ticket->issued_ms);
	json_time(out, "usedAt", ticket->used_ms);
	json_close(out, '}');
}

struct list_input {
	int64_t limit, reservation;
	const char *cursor;
};

static const struct field list_fields[] = {
	{ .name = "limit", .type = FIELD_INTEGER, .minimum = 1, .maximum = LIMIT_LIST_MAXIMUM,
		.offset = offsetof(struct list_input, limit) },
	{ .name = "cursor", .type = FIELD_TEXT, .minimum = 1, .maximum = 200,
		.offset = offsetof(struct list_input, cursor) },
	{ .name = "reservationId", .type = FIELD_ID,
		.offset = offsetof(struct list_input, reservation) },
};

enum fault ticket_list_get(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct list_input input = { .cursor = NULL };
	struct page page;
	struct ticket_list list;
	enum fault fault = query_read(ctx, req, list_fields, FIELD_COUNT(list_fields), &input);
	if (!fault)
		fault = page_read(ctx, "ticket", input.limit, input.cursor, &page);
	if (fault)
		return fault;
	struct ticket_filter filter = { .reservation = { input.reservation },
		.before_id = page.has_cursor ? page.keys[0] : 0, .limit = page.limit };
	if ((fault = ticket_list(ctx, &filter, &list)))
		return fault;
	json_open(&res->body, NULL, '{');
	json_open(&res->body, "content", '[');
	for (size_t i = 0; i < list.count; i++)
		write_ticket(&res->body, &list.items[i]);
	json_close(&res->body, ']');
	json_text(&res->body, "next", list.has_more ? page_cursor(ctx, "ticket",
		(int64_t[PAGE_KEYS]){ list.items[list.count - 1].id.value }) : NULL);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

enum fault ticket_one_get(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct ticket ticket;
	enum fault fault = ticket_get(ctx, (struct ticket_id){ req->ids[0] }, &ticket);
	if (!fault)
		write_ticket(&res->body, &ticket);
	return fault;
}

/* SVG unless the client names PNG and not SVG. */
static bool wants_png(const struct req *req)
{
	return req->accept && strstr(req->accept, "image/png")
		&& !strstr(req->accept, "image/svg");
}

enum fault ticket_qr_get(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct ticket ticket;
	const char *svg;
	const unsigned char *png;
	size_t length;
	enum fault fault = ticket_get(ctx, (struct ticket_id){ req->ids[0] }, &ticket);
	if (fault)
		return fault;
	if (!ticket.code)
		return strcmp(ticket.status, "USED") == 0 ? FAULT_TICKET_ALREADY_USED
			: FAULT_TICKET_VOID;
	res_header(res, "Vary", "Accept");
	if (wants_png(req)) {
		if ((fault = ticket_qr_png(ctx, ticket.code, &png, &length)))
			return fault;
		res->content_type = "image/png";
		strbuf_add(&res->body, png, length);
		return FAULT_NONE;
	}
	if ((fault = ticket_qr_svg(ctx, ticket.code, &svg)))
		return fault;
	res->content_type = "image/svg+xml";
	strbuf_text(&res->body, svg);
	return FAULT_NONE;
}

struct check_in_input {
	const char *code;
};

static const struct field check_in_fields[] = {
	{ .name = "code", .type = FIELD_TEXT, .required = true, .minimum = 1,
		.maximum = LIMIT_TOKEN_BYTES, .offset = offsetof(struct check_in_input, code) },
};

enum fault ticket_check_in_post(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct check_in_input input = { .code = NULL };
	struct ticket ticket;
	enum fault fault = json_read(ctx, req, check_in_fields, FIELD_COUNT(check_in_fields),
		&input);
	if (!fault)
		fault = ticket_check_in(ctx, input.code, &ticket);
	if (!fault)
		write_ticket(&res->body, &ticket);
	return fault;
}
