/* The fixed part of a concert's seat map: what a front end draws once. Layout order is the order of
 * the seat states' letters. */
#ifndef CM_CONCERT_SEAT_MAP_H
#define CM_CONCERT_SEAT_MAP_H

#include "concert/concert.h"

struct seat_map_query {
	struct concert_id concert;
	int64_t known_version; /* of the caller's copy, 0: none */
	bool drafts;           /* drafts may be shown */
};

struct seat_map_row {
	const char *section, *label;
	const char *seats; /* JSON: "[id,number,gradeId,x,y],..." */
};

struct seat_map {
	struct concert_id concert;
	int64_t layout_version, seat_count;
	bool draft;
	const char *grades;         /* JSON: [{"id","name","price"}] */
	struct seat_map_row *rows;  /* none when the caller's copy is still good */
	size_t row_count;
};

/* Fault: CONCERT_NOT_FOUND. */
enum fault seat_map_get(struct ctx *ctx, const struct seat_map_query *query,
	struct seat_map **ret_map);

#endif
