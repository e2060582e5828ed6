/* The reply being built. Nothing leaves before the handler returns, so a fault can still replace
 * everything. */
#ifndef CM_HTTP_RES_H
#define CM_HTTP_RES_H

#include <stdbool.h>

#include "base/ctx.h"
#include "base/str.h"

struct res_header {
	struct res_header *next;
	const char *name, *value;
};

struct res {
	struct arena *arena;
	int status;
	const char *content_type;
	const char *cache_control; /* default "no-store" */
	struct res_header *headers;
	struct strbuf body;
	/* A long answer: called after body has left, again and again, to fill it anew, until it
	 * returns false (and with nothing in body). ctx has a fresh arena in each call. */
	bool (*stream)(struct ctx *ctx, struct res *res);
	bool stream_broken; /* set by stream: the answer cannot be finished */
	void *stream_state; /* lives as long as the request */
};

void res_init(struct res *res, struct arena *arena);
/* Adds a header; the value is copied; one with control bytes is dropped. */
void res_header(struct res *res, const char *name, const char *value);
void res_header_printf(struct res *res, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Sets ETag; when If-None-Match holds it (or *), makes the reply a 304 without body and returns
 * true. etag comes with its quotes. */
bool res_not_modified(struct res *res, const char *if_none_match, const char *etag);

#endif
