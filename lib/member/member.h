/* A member's profile: reading, renaming, leaving. Passwords and sessions are lib/auth's. */
#ifndef CM_MEMBER_MEMBER_H
#define CM_MEMBER_MEMBER_H

#include "base/ctx.h"

enum { MEMBER_NAME_MAXIMUM = 100, MEMBER_EMAIL_MAXIMUM = 254 };

struct member {
	struct member_id id;
	const char *name, *email;
	enum role role;
	int64_t created_ms;
};

/* "ROLE_USER" or "ROLE_ADMIN", and back; another text is ROLE_NONE. */
const char *member_role_name(enum role role);
enum role member_role_parse(const char *name);

/* True for a plausible address: one @, something before it, a host name with a dot behind. */
bool member_email_is_valid(const char *email);
/* True when name is not only white space. */
bool member_name_is_valid(const char *name);

/* Fault: MEMBER_NOT_FOUND, also when the member has left. */
enum fault member_get(struct ctx *ctx, struct member_id id, struct member *ret_member);
/* Faults: BAD_INPUT (name), MEMBER_NOT_FOUND. */
enum fault member_rename(struct ctx *ctx, struct member_id id, const char *name);
/* Anonymises the member for good and ends all sessions; bookings stay for the books.
 * Faults: MEMBER_NOT_FOUND, MEMBER_HAS_TICKETS. */
enum fault member_delete(struct ctx *ctx, struct member_id id);

#endif
