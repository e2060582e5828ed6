#include "concert_body.h"

#include <string.h>

#include "base/banned.h"
#include "http/json.h"
#include "reservation/cancellation.h"

static const char *const statuses[] = { "PUBLISHED", "DRAFT", NULL };
static const char *const queue_modes[] = { "on", "none", NULL };

/* Objects inside the body, read after its own fields. */
struct body {
	struct concert_input input;
	const struct cJSON *grades, *queue, *cancellation;
};

#define AT(member) offsetof(struct body, member)

static const struct field concert_fields[] = {
	{ "title", FIELD_TEXT, AT(input.title), true, 1, 200, NULL },
	{ "place", FIELD_TEXT, AT(input.place), true, 1, 200, NULL },
	{ "dateTime", FIELD_TIME, AT(input.date_time_ms), true, 0, 0, NULL },
	{ "artist", FIELD_TEXT, AT(input.artist), false, 0, 200, NULL },
	{ "description", FIELD_RAW, AT(input.description), false, 0, 10000, NULL },
	{ "status", FIELD_CHOICE, AT(input.status), false, 0, 0, statuses },
	{ "reservationOpenAt", FIELD_TIME, AT(input.open_at_ms), false, 0, 0, NULL },
	{ "reservationCloseAt", FIELD_TIME, AT(input.close_at_ms), false, 0, 0, NULL },
	{ "maxTicketsPerMember", FIELD_INTEGER, AT(input.max_tickets_per_member), false, 1, 100000,
		NULL },
	{ "holdSeconds", FIELD_INTEGER, AT(input.hold_seconds), false, 1, 86400, NULL },
	{ "queue", FIELD_JSON, AT(queue), false, 0, 0, NULL },
	{ "cancellation", FIELD_JSON, AT(cancellation), false, 0, 0, NULL },
	{ "grades", FIELD_JSON, AT(grades), false, 0, 0, NULL },
};

static const struct field queue_fields[] = {
	{ "mode", FIELD_CHOICE, AT(input.queue_mode), false, 0, 0, queue_modes },
	{ "ratePerSecond", FIELD_INTEGER, AT(input.queue_rate_per_second), false, 1, 100000, NULL },
	{ "capacity", FIELD_INTEGER, AT(input.queue_capacity), false, 1, 1000000, NULL },
	{ "lobbyAt", FIELD_TIME, AT(input.lobby_at_ms), false, 0, 0, NULL },
};

static const struct field grade_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct layout_grade, name), true, 1, 50, NULL },
	{ "price", FIELD_INTEGER, offsetof(struct layout_grade, price), true, 0, PRICE_MAXIMUM, NULL },
};
static const struct field section_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct layout_section, name), false, 0, 50, NULL },
};
static const struct field row_fields[] = {
	{ "label", FIELD_TEXT, offsetof(struct layout_row, label), true, 1, 20, NULL },
	{ "from", FIELD_INTEGER, offsetof(struct layout_row, from), true, 1, ROW_NUMBER_MAXIMUM, NULL },
	{ "to", FIELD_INTEGER, offsetof(struct layout_row, to), true, 1, ROW_NUMBER_MAXIMUM, NULL },
};

/* A list inside an object: its name, its elements' fields, what its elements contain. */
struct level {
	const char *list;
	const struct field *fields;
	size_t field_count, size;
	const struct level *inner;
	size_t items_at, count_at; /* where the inner list goes in an element */
};

static const struct level row_level = { "rows", row_fields, FIELD_COUNT(row_fields),
	sizeof(struct layout_row), NULL, 0, 0 };
static const struct level section_level = { "sections", section_fields,
	FIELD_COUNT(section_fields), sizeof(struct layout_section), &row_level,
	offsetof(struct layout_section, rows), offsetof(struct layout_section, row_count) };
static const struct level grade_level = { "grades", grade_fields, FIELD_COUNT(grade_fields),
	sizeof(struct layout_grade), &section_level, offsetof(struct layout_grade, sections),
	offsetof(struct layout_grade, section_count) };

struct list {
	const struct cJSON *json;
};
static const struct field inner_sections[] = {
	{ "sections", FIELD_JSON, offsetof(struct list, json), true, 0, 0, NULL },
};
static const struct field inner_rows[] = {
	{ "rows", FIELD_JSON, offsetof(struct list, json), true, 0, 0, NULL },
};

/* Reads the elements of a list and the lists inside them; the depth is that of the tables. */
static enum fault read_level(struct ctx *ctx, const struct cJSON *list, const char *name,
	const struct level *level, char **ret_items)
{
	size_t count = json_array_size(list), i = 0;
	char *items = arena_array(ctx->arena, count, level->size);
	enum fault fault = FAULT_NONE, one;
	if (!json_is_array(list) || !count)
		return ctx_field_error(ctx, name, json_is_array(list) ? "length" : "type");
	for (const struct cJSON *at = json_first(list); at; at = json_next(at), i++) {
		const char *prefix = arena_printf(ctx->arena, "%s[%zu].", name, i);
		char *item = items + i * level->size;
		struct list inner = { NULL };
		if (!json_is_object(at))
			return ctx_field_error(ctx, arena_printf(ctx->arena, "%s[%zu]", name, i), "type");
		struct json_part part = { at, prefix };
		if ((one = json_read_object(ctx, part, level->fields, level->field_count, item)))
			fault = one;
		if (!level->inner)
			continue;
		if (!(one = json_read_object(ctx, part,
			level == &grade_level ? inner_sections : inner_rows, 1, &inner))) {
			size_t inner_count = json_array_size(inner.json);
			char *inner_items = NULL;
			one = read_level(ctx, inner.json, arena_printf(ctx->arena, "%s%s", prefix,
				level->inner->list), level->inner, &inner_items);
			memcpy(item + level->items_at, &inner_items, sizeof(inner_items));
			memcpy(item + level->count_at, &inner_count, sizeof(inner_count));
		}
		if (one)
			fault = one;
	}
	*ret_items = items;
	return fault;
}

static enum fault read_layout(struct ctx *ctx, const struct cJSON *grades,
	struct concert_input *input)
{
	struct layout *layout = arena_alloc(ctx->arena, sizeof(*layout));
	char *items = NULL;
	enum fault fault = read_level(ctx, grades, "grades", &grade_level, &items);
	if (fault)
		return fault;
	layout->grades = (struct layout_grade *)(void *)items;
	layout->grade_count = json_array_size(grades);
	for (size_t i = 0; i < layout->grade_count; i++)
		for (size_t j = 0; j < layout->grades[i].section_count; j++)
			if (!layout->grades[i].sections[j].name)
				layout->grades[i].sections[j].name = "";
	input->layout = layout;
	return FAULT_NONE;
}

struct ladder {
	bool free_on_booking_day;
	int64_t free_days, free_minimum;
	const struct cJSON *steps;
};
struct step {
	int64_t days_before, percent, per_ticket, max_percent;
};

#define LADDER(member) offsetof(struct ladder, member)
#define STEP(member) offsetof(struct step, member)

static const struct field ladder_fields[] = {
	{ "freeOnBookingDay", FIELD_BOOLEAN, LADDER(free_on_booking_day), false, 0, 0, NULL },
	{ "freeDaysAfterBooking", FIELD_INTEGER, LADDER(free_days), false, 0, 365, NULL },
	{ "freeMinDaysBefore", FIELD_INTEGER, LADDER(free_minimum), false, 0, 365, NULL },
	{ "steps", FIELD_JSON, LADDER(steps), true, 0, 0, NULL },
};
static const struct field step_fields[] = {
	{ "daysBefore", FIELD_INTEGER, STEP(days_before), true, 0, 3650, NULL },
	{ "percent", FIELD_INTEGER, STEP(percent), false, 0, 100, NULL },
	{ "perTicket", FIELD_INTEGER, STEP(per_ticket), false, 0, PRICE_MAXIMUM, NULL },
	{ "maxPercent", FIELD_INTEGER, STEP(max_percent), false, 0, 100, NULL },
};

static void write_step(struct strbuf *out, const struct step *step)
{
	json_open(out, NULL, '{');
	json_integer(out, "daysBefore", step->days_before);
	if (step->per_ticket >= 0) {
		json_integer(out, "perTicket", step->per_ticket);
		json_integer(out, "maxPercent", step->max_percent >= 0 ? step->max_percent : 100);
	} else {
		json_integer(out, "percent", step->percent);
	}
	json_close(out, '}');
}

/* Steps go down in days; each charges a share, or an amount a ticket, but not both. */
static enum fault read_steps(struct ctx *ctx, const struct cJSON *steps, struct strbuf *out)
{
	size_t i = 0;
	int64_t days = INT64_MAX;
	if (!json_is_array(steps))
		return ctx_field_error(ctx, "cancellation.steps", "type");
	if (json_array_size(steps) > REFUND_STEPS)
		return ctx_field_error(ctx, "cancellation.steps", "length");
	for (const struct cJSON *at = json_first(steps); at; at = json_next(at), i++) {
		const char *name = arena_printf(ctx->arena, "cancellation.steps[%zu]", i);
		struct step step = { .percent = -1, .per_ticket = -1, .max_percent = -1 };
		if (!json_is_object(at))
			return ctx_field_error(ctx, name, "type");
		struct json_part part = { at, arena_printf(ctx->arena, "%s.", name) };
		enum fault fault = json_read_object(ctx, part, step_fields,
			 FIELD_COUNT(step_fields), &step);
		if (fault)
			return fault;
		if ((step.percent < 0) == (step.per_ticket < 0) || step.days_before >= days)
			return ctx_field_error(ctx, name, "conflict");
		days = step.days_before;
		write_step(out, &step);
	}
	return FAULT_NONE;
}

static enum fault read_cancellation(struct ctx *ctx, const struct cJSON *json,
	struct concert_input *input)
{
	struct ladder ladder = { .free_on_booking_day = true };
	struct strbuf out;
	if (!json_is_object(json))
		return ctx_field_error(ctx, "cancellation", "type");
	enum fault fault = json_read_object(ctx, (struct json_part){ json, "cancellation." },
		ladder_fields, FIELD_COUNT(ladder_fields), &ladder);
	strbuf_init(&out, ctx->arena);
	json_open(&out, NULL, '{');
	json_boolean(&out, "freeOnBookingDay", ladder.free_on_booking_day);
	json_integer(&out, "freeDaysAfterBooking", ladder.free_days);
	json_integer(&out, "freeMinDaysBefore", ladder.free_minimum);
	json_open(&out, "steps", '[');
	if (!fault && ladder.steps)
		fault = read_steps(ctx, ladder.steps, &out);
	json_close(&out, ']');
	json_close(&out, '}');
	input->cancellation = out.data;
	return fault;
}

static enum fault read_queue(struct ctx *ctx, const struct cJSON *json, struct body *body)
{
	if (!json_is_object(json))
		return ctx_field_error(ctx, "queue", "type");
	return json_read_object(ctx, (struct json_part){ json, "queue." }, queue_fields,
		FIELD_COUNT(queue_fields), body);
}

/* What both bodies share: the settings that are objects of their own. */
static enum fault read_objects(struct ctx *ctx, struct body *body, enum fault fault)
{
	enum fault one;
	if (body->queue && (one = read_queue(ctx, body->queue, body)))
		fault = one;
	if (body->cancellation && (one = read_cancellation(ctx, body->cancellation, &body->input)))
		fault = one;
	return fault;
}

enum fault body_concert_new(struct ctx *ctx, const struct req *req,
	struct concert_input *ret_input)
{
	struct body body = { .grades = NULL };
	enum fault one, fault = json_read(ctx, req, concert_fields, FIELD_COUNT(concert_fields), &body);
	fault = read_objects(ctx, &body, fault);
	if (body.grades && (one = read_layout(ctx, body.grades, &body.input)))
		fault = one;
	*ret_input = body.input;
	return fault;
}

static const struct field price_fields[] = {
	{ "id", FIELD_ID, offsetof(struct grade_price, id), true, 0, 0, NULL },
	{ "price", FIELD_INTEGER, offsetof(struct grade_price, price), true, 0, PRICE_MAXIMUM, NULL },
};

static const struct level price_level = { "grades", price_fields, FIELD_COUNT(price_fields),
	sizeof(struct grade_price), NULL, 0, 0 };

enum fault body_concert_change(struct ctx *ctx, const struct req *req,
	struct concert_change *ret_change)
{
	struct body body = { .grades = NULL };
	struct field optional[FIELD_COUNT(concert_fields)];
	char *prices = NULL;
	memcpy(optional, concert_fields, sizeof(optional));
	for (size_t i = 0; i < FIELD_COUNT(optional); i++)
		optional[i].required = false;
	enum fault one, fault = json_read(ctx, req, optional, FIELD_COUNT(optional), &body);
	fault = read_objects(ctx, &body, fault);
	if (body.grades && (one = read_level(ctx, body.grades, "grades", &price_level, &prices)))
		fault = one;
	*ret_change = (struct concert_change){ .input = body.input,
		.prices = (struct grade_price *)(void *)prices,
		.price_count = json_array_size(body.grades) };
	return fault;
}
