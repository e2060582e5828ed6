/* The whole API of a worker as one table of rows that can print itself. */
#ifndef CM_HTTP_ROUTE_H
#define CM_HTTP_ROUTE_H

#include <stdio.h>

#include "base/ctx.h"
#include "http/req.h"
#include "http/res.h"

/* Demands of a row, checked by fcgi/guard.c before the handler. */
enum guard {
	GUARD_PUBLIC = 1,     /* no token needed */
	GUARD_MEMBER = 2,     /* signed in */
	GUARD_ADMIN = 4,      /* signed in as administrator */
	GUARD_OPTIONAL = 8,   /* a token may be there; if it is, it must be valid */
	GUARD_IDEMPOTENT = 16, /* an Idempotency-Key is understood (its syntax is checked) */
	/* No demand but a leave: the row only reads, and its answer may be a few seconds old
	 * (pg/replica.h). An administrator must see the own changes, unless it is a report. */
	GUARD_MAY_LAG = 32,
	GUARD_REPORT = 64
};

typedef enum fault handler(struct ctx *ctx, const struct req *req, struct res *res);

struct route {
	enum method method;
	const char *pattern; /* "/concert/{id}/queue": {id} is a decimal id, 1 to 2^53-1 */
	unsigned guards;
	handler *handler;
};

struct route_table {
	const struct route *rows;
	size_t count;
};

/* The row for the request; its path ids are filled in. GET rows answer HEAD too.
 * Faults: NOT_FOUND, METHOD_NOT_ALLOWED (Allow set), BAD_INPUT (id out of range).
 * OPTIONS makes the reply 204 with Allow and *ret_route NULL. */
enum fault route_find(struct ctx *ctx, struct route_table table, struct req *req, struct res *res,
	const struct route **ret_route);

/* "METHOD pattern guards" lines. */
void route_print(const struct route *routes, size_t count, FILE *out);

#endif
