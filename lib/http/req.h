/* A request as the handlers see it, independent of FastCGI. All texts live in the arena. */
#ifndef CM_HTTP_REQ_H
#define CM_HTTP_REQ_H

#include <stddef.h>
#include <stdint.h>

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_HEAD,
	METHOD_OPTIONS, METHOD_OTHER };

enum { REQ_PATH_IDS = 4 };

struct req {
	enum method method;
	const char *path;            /* starts with / */
	const char *query;           /* raw, without ?, may be "" */
	const char *body;            /* NUL-terminated, may contain NUL before body_length */
	size_t body_length;
	const char *content_type;    /* headers: NULL when absent */
	const char *authorization;
	const char *idempotency_key;
	const char *if_none_match;
	const char *if_match;
	const char *accept;
	const char *accept_language;
	const char *remote_address;
	int64_t ids[REQ_PATH_IDS];   /* the {id} parts of the route's pattern, in order */
	const char *(*header)(const void *source, const char *cgi_name);
	const void *header_source;
};

enum method method_parse(const char *name);
const char *method_name(enum method method);
/* Any other header by its CGI name (HTTP_X_QUEUE_TICKET); NULL when absent. */
const char *req_header(const struct req *req, const char *cgi_name);

#endif
