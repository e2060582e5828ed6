#include "concert/report.h"

#include "base/banned.h"
#include "concert/concert_store.h"

enum { SALES_AT_ONCE = 1000 };

enum fault report_get(struct ctx *ctx, struct concert_id id, struct report **ret_report)
{
	struct report *report;
	enum fault fault = concert_store_report(ctx, id, &report);
	if (fault)
		return fault;
	if (!report)
		return FAULT_CONCERT_NOT_FOUND;
	*ret_report = report;
	return FAULT_NONE;
}

bool report_is_sound(const struct report *report)
{
	int64_t sold = 0;
	for (size_t i = 0; i < report->grade_count; i++) {
		const struct grade *grade = &report->grades[i].grade;
		if (grade->sold_seats != report->grades[i].paid_seats
			|| grade->available_seats + grade->held_seats + grade->sold_seats
				+ grade->blocked_seats != grade->total_seats)
			return false;
		sold += grade->sold_seats;
	}
	return sold == report->sold_rows;
}

enum fault report_sales(struct ctx *ctx, struct concert_id id, int64_t after_position,
	struct sale **ret_sales, size_t *ret_count)
{
	const struct sale_query query = { id, after_position, SALES_AT_ONCE };
	return concert_store_sales(ctx, &query, ret_sales, ret_count);
}
