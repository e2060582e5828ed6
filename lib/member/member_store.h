/* Port of lib/member. Adapter: member_pg.c. */
#ifndef CM_MEMBER_MEMBER_STORE_H
#define CM_MEMBER_MEMBER_STORE_H

#include "member/member.h"

/* Fault: MEMBER_NOT_FOUND. */
enum fault member_store_get(struct ctx *ctx, struct member_id id, struct member *ret_member);
enum fault member_store_rename(struct ctx *ctx, struct member_id id, const char *name);
/* Decides and anonymises in one statement. Faults: MEMBER_NOT_FOUND, MEMBER_HAS_TICKETS. */
enum fault member_store_delete(struct ctx *ctx, struct member_id id);

#endif
