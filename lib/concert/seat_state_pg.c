#include "concert/seat_state_store.h"
#include "pg/pg.h"

#include "base/banned.h"

PG_STATEMENT(seat_state_letters,
	"select (select string_agg(case when state = 'HELD' and held_until <= now() then 'A'"
	" else left(state, 1) end, '' order by position) from cm.seat where concert_id = c.id)"
	" from cm.concert c where c.id = $1 and c.status <> 'DRAFT'");

enum fault seat_state_store_letters(struct ctx *ctx, struct concert_id concert,
	const char **ret_letters)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &seat_state_letters, "i", concert.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_CONCERT_NOT_FOUND;
	const char *letters = pg_text(&rows, 0, 0);
	*ret_letters = letters ? letters : "";
	return FAULT_NONE;
}
