/* Port: random secrets and their hashes. Adapter: secret_openssl.c. */
#ifndef CM_AUTH_SECRET_H
#define CM_AUTH_SECRET_H

#include "base/ctx.h"

enum { SECRET_HASH_BYTES = 32, SECRET_TEXT_LENGTH = 43 };

/* 256 random bits as base64url. Fault: INTERNAL. */
enum fault secret_new(struct ctx *ctx, const char **ret_text);
/* SHA-256: enough for a text of 256 random bits, which nobody can guess. */
void secret_hash(const char *text, unsigned char ret_hash[SECRET_HASH_BYTES]);

#endif
