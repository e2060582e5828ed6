#include "organiser.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/clock.h"
#include "concert/organise.h"
#include "concert/report.h"
#include "concert/seat_map.h"
#include "concert/seat_state.h"
#include "concert_body.h"
#include "concert_reply.h"
#include "http/json.h"
#include "queue/queue_follow.h"

/* A body of 64 KiB has no room for more. */
enum { SEATS_AT_ONCE = 8000 };

static struct concert_id path_id(const struct req *req)
{
	return (struct concert_id){ req->ids[0] };
}

/* The version inside If-Match: "7-..." as GET gave it, or "7". Absent or *: 0, any. */
static enum fault read_if_match(const struct req *req, int64_t *ret_version)
{
	const char *text = req->if_match;
	*ret_version = 0;
	if (!text || strcmp(text, "*") == 0)
		return FAULT_NONE;
	if (*text != '"' || text[1] < '1' || text[1] > '9')
		return FAULT_VERSION_MISMATCH;
	char *end;
	long version = strtol(text + 1, &end, 10);
	if ((*end != '"' && *end != '-') || version > INT32_MAX)
		return FAULT_VERSION_MISMATCH;
	*ret_version = version;
	return FAULT_NONE;
}

static void write_changed(struct res *res, const struct concert *concert)
{
	reply_concert_detail(&res->body, concert);
	reply_etag(res, concert->version, NULL);
}

/* PATCH /concert/{id} */
enum fault organiser_change(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct concert_change change;
	struct concert *concert;
	int64_t version;
	enum fault fault = read_if_match(req, &version);
	if (fault || (fault = body_concert_change(ctx, req, &change)))
		return fault;
	if ((fault = concert_change(ctx, path_id(req), version, &change, &concert)))
		return fault;
	queue_follow_now(ctx, concert->id);
	write_changed(res, concert);
	return FAULT_NONE;
}

/* DELETE /concert/{id} */
enum fault organiser_cancel(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct concert *concert;
	int64_t version;
	enum fault fault = read_if_match(req, &version);
	if (fault || (fault = concert_cancel(ctx, path_id(req), version, &concert)))
		return fault;
	queue_follow_now(ctx, concert->id);
	write_changed(res, concert);
	return FAULT_NONE;
}

struct block_body {
	struct id_list block, unblock;
};

static const struct field block_fields[] = {
	{ "block", FIELD_ID_LIST, offsetof(struct block_body, block), false, 1, SEATS_AT_ONCE, NULL },
	{ "unblock", FIELD_ID_LIST, offsetof(struct block_body, unblock), false, 1, SEATS_AT_ONCE,
		NULL },
};

/* PATCH /concert/{id}/seat */
enum fault organiser_block(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct block_body body = { { NULL, 0 }, { NULL, 0 } };
	enum fault fault = json_read(ctx, req, block_fields, FIELD_COUNT(block_fields), &body);
	if (fault)
		return fault;
	struct seat_block seats = { .block = body.block.ids, .block_count = body.block.count,
		.unblock = body.unblock.ids, .unblock_count = body.unblock.count };
	struct seat_positions at;
	if ((fault = seats_block(ctx, path_id(req), &seats, &at)))
		return fault;
	seat_state_changed(ctx, path_id(req), SEAT_BLOCKED, at.blocked, at.blocked_count);
	seat_state_changed(ctx, path_id(req), SEAT_AVAILABLE, at.free, at.free_count);
	json_open(&res->body, NULL, '{');
	json_integer(&res->body, "concertId", req->ids[0]);
	json_integer(&res->body, "blocked", (int64_t)seats.block_count);
	json_integer(&res->body, "unblocked", (int64_t)seats.unblock_count);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

static void write_sums(struct strbuf *out, const struct report_grade *sums)
{
	json_integer(out, "totalSeats", sums->grade.total_seats);
	json_integer(out, "availableSeats", sums->grade.available_seats);
	json_integer(out, "heldSeats", sums->grade.held_seats);
	json_integer(out, "soldSeats", sums->grade.sold_seats);
	json_integer(out, "blockedSeats", sums->grade.blocked_seats);
	json_integer(out, "returnedSeats", sums->returned_seats);
	json_integer(out, "revenue", sums->revenue);
}

static void add_sums(struct report_grade *total, const struct report_grade *more)
{
	total->grade.total_seats += more->grade.total_seats;
	total->grade.available_seats += more->grade.available_seats;
	total->grade.held_seats += more->grade.held_seats;
	total->grade.sold_seats += more->grade.sold_seats;
	total->grade.blocked_seats += more->grade.blocked_seats;
	total->returned_seats += more->returned_seats;
	total->paid_seats += more->paid_seats;
	total->revenue += more->revenue;
}

static void write_report(struct strbuf *out, const struct report *report)
{
	struct report_grade total = { .revenue = 0 };
	json_open(out, NULL, '{');
	json_integer(out, "concertId", report->concert.value);
	json_text(out, "title", report->title);
	json_text(out, "status", report->status);
	json_text(out, "currency", "KRW");
	json_open(out, "grades", '[');
	for (size_t i = 0; i < report->grade_count; i++) {
		const struct report_grade *sums = &report->grades[i];
		json_open(out, NULL, '{');
		json_integer(out, "id", sums->grade.id.value);
		json_text(out, "name", sums->grade.name);
		json_integer(out, "price", sums->grade.price);
		write_sums(out, sums);
		json_close(out, '}');
		add_sums(&total, sums);
	}
	json_close(out, ']');
	json_open(out, "total", '{');
	write_sums(out, &total);
	json_integer(out, "refunds", report->refunds);
	json_integer(out, "fees", report->fees);
	json_close(out, '}');
	json_open(out, "invariants", '{');
	json_integer(out, "soldByCounters", total.grade.sold_seats);
	json_integer(out, "soldBySeats", report->sold_rows);
	json_integer(out, "paidByReservations", total.paid_seats);
	json_boolean(out, "sound", report_is_sound(report));
	json_close(out, '}');
	json_close(out, '}');
}

/* GET /concert/{id}/report */
enum fault organiser_report(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct report *report;
	enum fault fault = report_get(ctx, path_id(req), &report);
	if (fault)
		return fault;
	write_report(&res->body, report);
	return FAULT_NONE;
}

struct export {
	struct concert_id concert;
	int64_t after_position;
};

/* A spreadsheet would run a text that starts like a formula. */
static void csv_text(struct strbuf *out, const char *text)
{
	strbuf_text(out, strchr("=+-@\t\r", *text) && *text ? ",\"'" : ",\"");
	for (; *text; text++) {
		if (*text == '"')
			strbuf_byte(out, '"');
		strbuf_byte(out, *text);
	}
	strbuf_byte(out, '"');
}

static void csv_sale(struct strbuf *out, const struct sale *sale)
{
	strbuf_int(out, sale->reservation);
	strbuf_printf(out, ",%lld,%s,%lld", (long long)sale->member, sale->status,
		(long long)sale->seat);
	csv_text(out, sale->seat_number);
	csv_text(out, sale->grade);
	strbuf_printf(out, ",%lld,%s,%s\r\n", (long long)sale->price,
		clock_format(out->arena, sale->created_ms), clock_format(out->arena, sale->paid_ms));
}

/* The next part of the export. */
static bool export_part(struct ctx *ctx, struct res *res)
{
	struct export *export = res->stream_state;
	struct sale *sales;
	size_t count;
	res->stream_broken = report_sales(ctx, export->concert, export->after_position, &sales,
		&count) != 0;
	if (res->stream_broken)
		return false;
	for (size_t i = 0; i < count; i++)
		csv_sale(&res->body, &sales[i]);
	if (count)
		export->after_position = sales[count - 1].position;
	return count > 0;
}

/* GET /concert/{id}/report/sales: every paid seat, part by part, however many. */
enum fault organiser_export(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct concert *concert;
	struct export *export = arena_alloc(ctx->arena, sizeof(*export));
	enum fault fault = concert_get(ctx, path_id(req), &concert);
	if (fault)
		return fault;
	export->concert = concert->id;
	export->after_position = -1;
	res->content_type = "text/csv; charset=utf-8; header=present";
	res_header_printf(res, "Content-Disposition", "attachment; filename=\"concert-%lld-sales.csv\"",
		(long long)concert->id.value);
	strbuf_text(&res->body, "reservationId,memberId,status,seatId,seatNumber,seatGrade,price,"
		"createdAt,paidAt\r\n");
	res->stream = export_part;
	res->stream_state = export;
	return FAULT_NONE;
}

/* The layout version in If-None-Match ("map-C-V"), so that an unchanged map isn't even built. */
static int64_t known_version(const struct req *req)
{
	char prefix[40];
	snprintf(prefix, sizeof(prefix), "\"map-%lld-", (long long)req->ids[0]);
	const char *at = req->if_none_match ? strstr(req->if_none_match, prefix) : NULL;
	char *end;
	long version = at ? strtol(at + strlen(prefix), &end, 10) : 0;
	return at && *end == '"' ? version : 0;
}

static void write_map_rows(struct strbuf *out, const struct seat_map *map)
{
	json_open(out, "sections", '[');
	for (size_t i = 0; i < map->row_count; i++) {
		const struct seat_map_row *row = &map->rows[i];
		if (!i || strcmp(row->section, map->rows[i - 1].section) != 0) {
			if (i)
				strbuf_text(out, "]}");
			json_open(out, NULL, '{');
			json_text(out, "name", row->section);
			json_open(out, "rows", '[');
		}
		json_open(out, NULL, '{');
		json_text(out, "label", row->label);
		json_open(out, "seats", '[');
		strbuf_text(out, row->seats);
		strbuf_text(out, "]}");
	}
	strbuf_text(out, map->row_count ? "]}]" : "]");
}

/* GET /concert/{id}/seat */
enum fault seat_map_show(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct seat_map_query query = { .concert = path_id(req), .known_version = known_version(req),
		.drafts = ctx->role == ROLE_ADMIN };
	struct seat_map *map;
	enum fault fault = seat_map_get(ctx, &query, &map);
	if (fault)
		return fault;
	if (!map->draft)
		res->cache_control = "max-age=10";
	if (res_not_modified(res, req->if_none_match, arena_printf(ctx->arena, "\"map-%lld-%lld\"",
		(long long)map->concert.value, (long long)map->layout_version)))
		return FAULT_NONE;
	json_open(&res->body, NULL, '{');
	json_integer(&res->body, "concertId", map->concert.value);
	json_integer(&res->body, "seatCount", map->seat_count);
	json_raw(&res->body, "grades", map->grades ? map->grades : "[]");
	write_map_rows(&res->body, map);
	json_close(&res->body, '}');
	return FAULT_NONE;
}

struct states_query {
	int64_t since;
};

static const struct field states_fields[] = {
	{ "since", FIELD_INTEGER, offsetof(struct states_query, since), false, 0, ID_MAX, NULL },
};

static void write_changes(struct strbuf *out, const struct seat_states *states)
{
	json_open(out, "changes", '[');
	for (size_t i = 0; i < states->change_count; i++)
		strbuf_printf(out, "%s[%lld,\"%c\"]", i ? "," : "",
			(long long)states->changes[i].position, states->changes[i].letter);
	json_close(out, ']');
}

/* GET /concert/{id}/seat/status */
enum fault seat_states_show(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct states_query query = { 0 };
	struct seat_states states;
	enum fault fault = query_read(ctx, req, states_fields, FIELD_COUNT(states_fields), &query);
	if (fault || (fault = seat_state_read(ctx, path_id(req), query.since, &states)))
		return fault;
	res->cache_control = "max-age=1";
	json_open(&res->body, NULL, '{');
	json_integer(&res->body, "version", states.version);
	json_time(&res->body, "at", states.at_ms);
	json_integer(&res->body, "available", states.available);
	json_integer(&res->body, "held", states.held);
	json_integer(&res->body, "sold", states.sold);
	if (states.letters)
		json_text(&res->body, "states", states.letters);
	else
		write_changes(&res->body, &states);
	json_close(&res->body, '}');
	return FAULT_NONE;
}
