/* The one list of what can go wrong. Fallible functions return enum fault, 0 meaning success, and
 * write their outputs (ret_..., last) only on success. */
#ifndef CM_BASE_FAULT_H
#define CM_BASE_FAULT_H

#include <stddef.h>

enum fault {
	FAULT_NONE = 0,
#define FAULT(symbol, kind, slug, english, korean) FAULT_##symbol,
#include "base/fault.def"
#undef FAULT
	FAULT_COUNT
};

enum fault_kind {
	FAULT_KIND_NONE,
	FAULT_KIND_BAD_INPUT,
	FAULT_KIND_UNAUTHENTICATED,
	FAULT_KIND_PAYMENT_REQUIRED,
	FAULT_KIND_FORBIDDEN,
	FAULT_KIND_NOT_FOUND,
	FAULT_KIND_METHOD,
	FAULT_KIND_CONFLICT,
	FAULT_KIND_GONE,
	FAULT_KIND_PRECONDITION,
	FAULT_KIND_TOO_LARGE,
	FAULT_KIND_MEDIA_TYPE,
	FAULT_KIND_UNPROCESSABLE,
	FAULT_KIND_PRECONDITION_REQUIRED,
	FAULT_KIND_TOO_MANY,
	FAULT_KIND_INTERNAL,
	FAULT_KIND_UNAVAILABLE
};

struct fault_info {
	const char *symbol;
	enum fault_kind kind;
	const char *slug; /* stable, part of the API */
	const char *english, *korean;
};

/* Never NULL; an unknown value reads as INTERNAL. */
const struct fault_info *fault_info(enum fault fault);

#endif
