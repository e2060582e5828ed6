/* Keyset pages: ?limit= and ?cursor=, reply {"content":[...],"next":cursor|null}.
 * A cursor is PAGE_KEYS integers, signed so that a forged one is refused, base64url. */
#ifndef CM_HTTP_PAGE_H
#define CM_HTTP_PAGE_H

#include <stdbool.h>

#include "base/ctx.h"

enum { PAGE_KEYS = 3 };

struct page {
	int64_t limit; /* 1..100 */
	bool has_cursor;
	int64_t keys[PAGE_KEYS]; /* of the last row already seen */
};

/* From the text of cursor (may be NULL); limit was read by the caller's field table (0 = default).
 * kind names the list, so that a cursor of another list is refused. Fault: BAD_CURSOR. */
enum fault page_read(struct ctx *ctx, const char *kind, int64_t limit, const char *cursor,
	struct page *ret_page);
/* The cursor after a row with these keys. */
const char *page_cursor(struct ctx *ctx, const char *kind, const int64_t keys[PAGE_KEYS]);

#endif
