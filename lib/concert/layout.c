#include "concert/layout.h"

#include <string.h>

#include "base/banned.h"
#include "base/limits.h"
#include "base/str.h"

const struct layout *layout_default(void)
{
	static struct layout_row rows[] = { { "A", 1, 5 }, { "B", 1, 5 }, { "C", 1, 5 } };
	static struct layout_section sections[] = { { "", &rows[0], 1 }, { "", &rows[1], 1 },
		{ "", &rows[2], 1 } };
	static struct layout_grade grades[] = { { "VIP", 150000, &sections[0], 1 },
		{ "R", 120000, &sections[1], 1 }, { "S", 90000, &sections[2], 1 } };
	static const struct layout layout = { grades, 3 };
	return &layout;
}

/* One row of the layout with where it stands, for walking through all of them. */
struct place {
	size_t grade, section, row;
};

static const struct layout_section *section_at(const struct layout *layout, struct place at)
{
	return &layout->grades[at.grade].sections[at.section];
}

static const struct layout_row *row_at(const struct layout *layout, struct place at)
{
	return &section_at(layout, at)->rows[at.row];
}

/* Moves to the first row at or after the place; false at the end. */
static bool settle(const struct layout *layout, struct place *at)
{
	while (at->grade < layout->grade_count) {
		const struct layout_grade *grade = &layout->grades[at->grade];
		if (at->section >= grade->section_count) {
			*at = (struct place){ .grade = at->grade + 1 };
			continue;
		}
		if (at->row < grade->sections[at->section].row_count)
			return true;
		*at = (struct place){ .grade = at->grade, .section = at->section + 1 };
	}
	return false;
}

static bool advance(const struct layout *layout, struct place *at)
{
	at->row++;
	return settle(layout, at);
}

int64_t layout_seats(const struct layout *layout)
{
	int64_t seats = 0;
	struct place at = { 0 };
	for (bool more = settle(layout, &at); more; more = advance(layout, &at)) {
		const struct layout_row *row = row_at(layout, at);
		seats += row->to - row->from + 1;
	}
	return seats;
}

static enum fault row_error(struct ctx *ctx, struct place at, const char *english,
	const char *korean)
{
	return ctx_field_message(ctx, arena_printf(ctx->arena, "grades[%zu].sections[%zu].rows[%zu]",
		at.grade, at.section, at.row), "conflict", english, korean);
}

static bool overlaps(const struct layout *layout, struct place a, struct place b)
{
	const struct layout_row *one = row_at(layout, a), *other = row_at(layout, b);
	return one->from <= other->to && other->from <= one->to
		&& strcmp(one->label, other->label) == 0
		&& strcmp(section_at(layout, a)->name, section_at(layout, b)->name) == 0;
}

static enum fault check_rows(struct ctx *ctx, const struct layout *layout)
{
	struct place at = { 0 };
	for (bool more = settle(layout, &at); more; more = advance(layout, &at)) {
		const struct layout_row *row = row_at(layout, at);
		if (row->to < row->from)
			return row_error(ctx, at, "the row ends before it begins",
				"마지막 번호가 첫 번호보다 작습니다");
		struct place before = { 0 };
		settle(layout, &before);
		for (; memcmp(&before, &at, sizeof(at)) != 0; advance(layout, &before))
			if (overlaps(layout, before, at))
				return row_error(ctx, at, "seats of this row appear twice",
					"이 열의 좌석이 중복됩니다");
	}
	return FAULT_NONE;
}

static enum fault check_grades(struct ctx *ctx, const struct layout *layout)
{
	for (size_t i = 0; i < layout->grade_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(layout->grades[i].name, layout->grades[j].name) == 0)
				return ctx_field_error(ctx,
					arena_printf(ctx->arena, "grades[%zu].name", i), "duplicate");
	return FAULT_NONE;
}

enum fault layout_check(struct ctx *ctx, const struct layout *layout)
{
	enum fault fault = check_grades(ctx, layout);
	if (fault || (fault = check_rows(ctx, layout)))
		return fault;
	int64_t seats = layout_seats(layout);
	if (seats < 1 || seats > LIMIT_SEATS_PER_CONCERT)
		return ctx_field_message(ctx, "grades", "range",
			"a concert has 1 to 100,000 seats", "좌석은 1석에서 100,000석까지입니다");
	return FAULT_NONE;
}

static void add_key(struct strbuf *out, const char *key)
{
	if (!strchr("[{", out->data[out->length - 1]))
		strbuf_byte(out, ',');
	strbuf_json(out, key);
	strbuf_byte(out, ':');
}

static void add_section(struct strbuf *out, const struct layout_section *section)
{
	strbuf_byte(out, '{');
	add_key(out, "name");
	strbuf_json(out, section->name);
	add_key(out, "rows");
	strbuf_byte(out, '[');
	for (size_t i = 0; i < section->row_count; i++) {
		const struct layout_row *row = &section->rows[i];
		strbuf_text(out, i ? ",{\"label\":" : "{\"label\":");
		strbuf_json(out, row->label);
		strbuf_printf(out, ",\"from\":%lld,\"to\":%lld}", (long long)row->from,
			(long long)row->to);
	}
	strbuf_text(out, "]}");
}

const char *layout_json(struct ctx *ctx, const struct layout *layout)
{
	struct strbuf out;
	strbuf_init(&out, ctx->arena);
	strbuf_byte(&out, '[');
	for (size_t i = 0; i < layout->grade_count; i++) {
		const struct layout_grade *grade = &layout->grades[i];
		strbuf_text(&out, i ? ",{\"name\":" : "{\"name\":");
		strbuf_json(&out, grade->name);
		strbuf_printf(&out, ",\"price\":%lld,\"sections\":[", (long long)grade->price);
		for (size_t j = 0; j < grade->section_count; j++) {
			if (j)
				strbuf_byte(&out, ',');
			add_section(&out, &grade->sections[j]);
		}
		strbuf_text(&out, "]}");
	}
	strbuf_byte(&out, ']');
	return out.data;
}
