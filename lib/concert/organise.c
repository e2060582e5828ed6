#include "concert/organise.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/str.h"
#include "concert/concert_store.h"

static void add_key(struct strbuf *out, const char *key)
{
	if (out->length > 1)
		strbuf_byte(out, ',');
	strbuf_json(out, key);
	strbuf_byte(out, ':');
}

static void add_text(struct strbuf *out, const char *key, const char *value)
{
	if (!value)
		return;
	add_key(out, key);
	strbuf_json(out, value);
}

static void add_number(struct strbuf *out, const char *key, int64_t value)
{
	if (!value)
		return;
	add_key(out, key);
	strbuf_int(out, value);
}

const char *concert_input_json(struct ctx *ctx, const struct concert_input *input)
{
	struct strbuf out;
	strbuf_init(&out, ctx->arena);
	strbuf_byte(&out, '{');
	add_text(&out, "title", input->title);
	add_text(&out, "artist", input->artist);
	add_text(&out, "place", input->place);
	add_text(&out, "description", input->description);
	add_text(&out, "status", input->status);
	add_number(&out, "dateTime", input->date_time_ms);
	add_number(&out, "openAt", input->open_at_ms);
	add_number(&out, "closeAt", input->close_at_ms);
	add_number(&out, "lobbyAt", input->lobby_at_ms);
	add_number(&out, "holdSeconds", input->hold_seconds);
	add_number(&out, "maxTickets", input->max_tickets_per_member);
	add_text(&out, "queueMode", input->queue_mode);
	add_number(&out, "ratePerSecond", input->queue_rate_per_second);
	add_number(&out, "capacity", input->queue_capacity);
	if (input->cancellation) {
		add_key(&out, "cancellation");
		strbuf_text(&out, input->cancellation);
	}
	strbuf_byte(&out, '}');
	return out.data;
}

/* Open before close, close not after the start, the lobby not after the opening. */
static enum fault check_window(struct ctx *ctx, const struct concert_input *input)
{
	int64_t open = input->open_at_ms ? input->open_at_ms : ctx->now_ms;
	int64_t close = input->close_at_ms ? input->close_at_ms : input->date_time_ms;
	enum fault fault = FAULT_NONE;
	if (input->date_time_ms <= ctx->now_ms)
		fault = ctx_field_message(ctx, "dateTime", "range", "must be in the future",
			"미래의 시각이어야 합니다");
	if (close > input->date_time_ms)
		fault = ctx_field_message(ctx, "reservationCloseAt", "conflict",
			"must not be after the start", "공연 시작보다 늦을 수 없습니다");
	if (!fault && open >= close)
		fault = ctx_field_message(ctx,
			input->open_at_ms ? "reservationOpenAt" : "reservationCloseAt", "conflict",
			"booking must open before it closes", "예매 시작은 종료보다 빨라야 합니다");
	if (input->lobby_at_ms > open)
		fault = ctx_field_message(ctx, "queue.lobbyAt", "conflict",
			"must not be after the opening", "예매 시작보다 늦을 수 없습니다");
	return fault;
}

enum fault concert_create(struct ctx *ctx, const struct concert_input *input,
	struct concert **ret_concert)
{
	struct concert_input complete = *input;
	struct concert_id id;
	if (!complete.layout)
		complete.layout = layout_default();
	enum fault fault = check_window(ctx, input);
	if (fault || (fault = layout_check(ctx, complete.layout)))
		return fault;
	if ((fault = concert_store_create(ctx, &complete, &id)))
		return fault;
	return concert_get(ctx, id, ret_concert);
}

/* The codes of the database's functions as faults; OK and ALREADY are no fault. */
static enum fault fault_of(struct ctx *ctx, const char *code)
{
	static const struct { const char *code; enum fault fault; } table[] = {
		{ "OK", FAULT_NONE }, { "ALREADY", FAULT_NONE },
		{ "STALE", FAULT_VERSION_MISMATCH }, { "CANCELLED", FAULT_CONCERT_CANCELLED },
		{ "HAS_SALES", FAULT_CONCERT_HAS_SALES }, { "NOT_FOUND", FAULT_CONCERT_NOT_FOUND },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(code, table[i].code) == 0)
			return table[i].fault;
	if (strcmp(code, "GRADE_NOT_FOUND") == 0)
		return ctx_field_message(ctx, "grades", "choice", "no such grade in this concert",
			"이 공연에 없는 등급입니다");
	return ctx_field_message(ctx, "reservationCloseAt", "conflict",
		"booking must open, then close, then the concert starts",
		"예매 시작, 예매 종료, 공연 시작 순서여야 합니다");
}

enum fault concert_change(struct ctx *ctx, struct concert_id id, int64_t version,
	const struct concert_change *change, struct concert **ret_concert)
{
	const char *code;
	if (change->input.date_time_ms && change->input.date_time_ms <= ctx->now_ms)
		return ctx_field_message(ctx, "dateTime", "range", "must be in the future",
			"미래의 시각이어야 합니다");
	enum fault fault = concert_store_change(ctx, id, version, change, &code);
	if (fault || (fault = fault_of(ctx, code)))
		return fault;
	return concert_get(ctx, id, ret_concert);
}

enum fault concert_cancel(struct ctx *ctx, struct concert_id id, int64_t version,
	struct concert **ret_concert)
{
	const char *code;
	enum fault fault = concert_store_cancel(ctx, id, version, &code);
	if (fault || (fault = fault_of(ctx, code)))
		return fault;
	return concert_get(ctx, id, ret_concert);
}

/* "seats":[{"id":665,"seatNumber":"A-1"},...] for the problem, from id \x1f number \x1e. */
static const char *name_seats(struct ctx *ctx, const char *seats)
{
	struct strbuf out;
	strbuf_init(&out, ctx->arena);
	strbuf_text(&out, "\"seats\":[");
	for (const char *at = seats; *at; at += strcspn(at, "\x1e") + 1) {
		const char *number = at + strcspn(at, "\x1f");
		number += *number != 0;
		strbuf_text(&out, at == seats ? "" : ",");
		seat_write_name(&out, (struct seat_id){ strtoll(at, NULL, 10) },
			arena_strndup(ctx->arena, number, strcspn(number, "\x1e")));
	}
	strbuf_byte(&out, ']');
	return out.data;
}

static enum fault check_lists(struct ctx *ctx, const struct seat_block *seats)
{
	if (!seats->block_count && !seats->unblock_count)
		return ctx_field_error(ctx, "block", "required");
	for (size_t i = 0; i < seats->block_count; i++)
		for (size_t j = 0; j < seats->unblock_count; j++)
			if (seats->block[i] == seats->unblock[j])
				return ctx_field_error(ctx, "unblock", "duplicate");
	return FAULT_NONE;
}

enum fault seats_block(struct ctx *ctx, struct concert_id id, const struct seat_block *seats,
	struct seat_positions *ret_positions)
{
	const char *code, *taken;
	enum fault fault = check_lists(ctx, seats);
	if (fault || (fault = concert_store_block(ctx, id, seats, &code, &taken)))
		return fault;
	if (strcmp(code, "NOT_FOUND") == 0)
		return FAULT_SEAT_NOT_FOUND;
	if (strcmp(code, "TAKEN") == 0) {
		ctx->problem_extra = name_seats(ctx, taken);
		return FAULT_SEAT_TAKEN;
	}
	return concert_store_positions(ctx, id, seats, ret_positions);
}
