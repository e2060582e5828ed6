#include "http/req.h"

#include <string.h>

#include "base/banned.h"

static const char *const names[] = {
	[METHOD_GET] = "GET", [METHOD_POST] = "POST", [METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_HEAD] = "HEAD",
	[METHOD_OPTIONS] = "OPTIONS", [METHOD_OTHER] = "OTHER",
};

enum method method_parse(const char *name)
{
	for (enum method method = METHOD_GET; name && method < METHOD_OTHER; method++)
		if (strcmp(name, names[method]) == 0)
			return method;
	return METHOD_OTHER;
}

const char *method_name(enum method method)
{
	return names[(unsigned)method < METHOD_OTHER ? method : METHOD_OTHER];
}

const char *req_header(const struct req *req, const char *cgi_name)
{
	return req->header ? req->header(req->header_source, cgi_name) : NULL;
}
