/* Faults as application/problem+json (RFC 9457). */
#ifndef CM_HTTP_PROBLEM_H
#define CM_HTTP_PROBLEM_H

#include "base/ctx.h"
#include "http/res.h"

/* The HTTP status of a fault: the one switch. */
int problem_status(enum fault fault);
/* Replaces the reply by the fault's problem; headers already set stay. */
void problem_write(struct ctx *ctx, enum fault fault, struct res *res);
/* The language an Accept-Language header asks for: ko unless en comes first. */
enum language problem_language(const char *accept_language);

#endif
