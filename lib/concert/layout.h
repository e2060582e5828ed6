/* The seats of a new concert as its organiser writes them: grades, sections, rows with a first and
 * a last number. Layout order is the order of writing; a seat's place in it is its index. */
#ifndef CM_CONCERT_LAYOUT_H
#define CM_CONCERT_LAYOUT_H

#include "concert/concert.h"

enum { ROW_NUMBER_MAXIMUM = 100000, PRICE_MAXIMUM = 1000000000 };

struct layout_row {
	const char *label;
	int64_t from, to;
};

struct layout_section {
	const char *name; /* "" when the venue has one */
	struct layout_row *rows;
	size_t row_count;
};

struct layout_grade {
	const char *name;
	int64_t price;
	struct layout_section *sections;
	size_t section_count;
};

struct layout {
	struct layout_grade *grades;
	size_t grade_count;
};

/* What is made when no grades are given: rows A, B and C of five seats, grades VIP, R and S. */
const struct layout *layout_default(void);
/* Checks what no single field shows. Fault: BAD_INPUT naming the grade or row: none at all, rows
 * that end before they begin or overlap, a grade twice, more than LIMIT_SEATS_PER_CONCERT seats. */
enum fault layout_check(struct ctx *ctx, const struct layout *layout);
int64_t layout_seats(const struct layout *layout);
/* The JSON that cm.concert_layout takes. */
const char *layout_json(struct ctx *ctx, const struct layout *layout);

#endif
