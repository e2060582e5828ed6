/* The ports of lib/auth in memory: accounts, sessions, passwords that are their own hash, and
 * counters of the work done, so that tests can compare it. */
#ifndef CM_T_FAKE_AUTH_MEM_H
#define CM_T_FAKE_AUTH_MEM_H

#include "auth/auth_store.h"

struct fake_auth {
	int verified, hashed, found, rehashed, sessions, attempts, forgotten;
	bool outdated;        /* what password_verify says of a good password */
	int attempts_allowed; /* before throttle_attempt refuses */
};

extern struct fake_auth fake_auth;

void fake_auth_reset(void);
/* The hash stored for the member; NULL when there is none. */
const char *fake_auth_hash(int64_t member);
/* Live tokens of all families of the member. */
int fake_auth_live(int64_t member);

#endif
