/* Port: password hashing. Adapter: password_argon2.c (RFC 9106: argon2id, version 19, 16 bytes of
 * salt, 32 of hash, parallelism 1, memory and passes from CM_ARGON2_...; encoded as a PHC
 * string). */
#ifndef CM_AUTH_PASSWORD_H
#define CM_AUTH_PASSWORD_H

#include "base/ctx.h"

/* Costs what the settings say: about 25 ms and 19 MiB by default. Fault: INTERNAL. */
enum fault password_hash(struct ctx *ctx, const char *password, const char **ret_hash);

/* Compares in constant time. A hash that is NULL or no hash at all is never good, but costs as much
 * as a good one. *ret_outdated: good, but made with other settings than today's.
 * Fault: INTERNAL. */
enum fault password_verify(struct ctx *ctx, const char *password, const char *hash, bool *ret_good,
	bool *ret_outdated);

#endif
