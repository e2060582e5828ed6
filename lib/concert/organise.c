#include "concert/organise.h"

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
