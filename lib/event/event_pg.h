/* Reading event rows; shared by the adapters of this folder that use PostgreSQL. */
#ifndef CM_EVENT_EVENT_PG_H
#define CM_EVENT_EVENT_PG_H

#include "event/event.h"
#include "pg/pg.h"

/* The columns read_event wants, of a row o of cm.outbox. */
#define EVENT_COLUMNS "o.id, " PG_MS("o.created_at") ", o.topic, o.key, o.trace, o.payload::text," \
	" o.payload ->> 'reservationId', o.payload ->> 'memberId', o.payload ->> 'concertId'"
enum { EVENT_COLUMN_COUNT = 9 };

void event_read(const struct pg_rows *rows, int row, struct event *ret_event);

#endif
