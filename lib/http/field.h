/* What json_read and query_read share: putting one value into the input struct, checked against
 * its row. name is the field's full name for errors. Internal to lib/http. */
#ifndef CM_HTTP_FIELD_H
#define CM_HTTP_FIELD_H

#include "http/json.h"

/* For TEXT, RAW, TIME and CHOICE. value must be valid UTF-8 and outlive the input. */
enum fault field_put_text(struct ctx *ctx, const struct field *field, const char *name,
	const char *value, void *input);
/* For ID and INTEGER. */
enum fault field_put_integer(struct ctx *ctx, const struct field *field, const char *name,
	int64_t value, void *input);
void field_put_boolean(const struct field *field, bool value, void *input);
void field_put_pointer(const struct field *field, const void *value, void *input);

#endif
