/* Reading the organiser's bodies. */
#ifndef CM_FCGI_CONCERT_BODY_H
#define CM_FCGI_CONCERT_BODY_H

#include "concert/organise.h"
#include "http/req.h"

/* The body of POST /concert. Faults: those of json_read, BAD_INPUT. */
enum fault body_concert_new(struct ctx *ctx, const struct req *req,
	struct concert_input *ret_input);

/* The body of PATCH /concert/{id}: the same members but all optional; grades: [{"id","price"}]. */
enum fault body_concert_change(struct ctx *ctx, const struct req *req,
	struct concert_change *ret_change);

#endif
