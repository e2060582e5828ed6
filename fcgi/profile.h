/* A member as JSON, and PATCH /member/me. That row is in two pools: nginx sends it to auth, where
 * argon2 may take its time, and the member pool has it so that Allow tells the truth there. */
#ifndef CM_FCGI_PROFILE_H
#define CM_FCGI_PROFILE_H

#include "http/route.h"
#include "member/member.h"

void profile_write(struct res *res, const struct member *member);
handler profile_change;

#endif
