/* Port: making the signed claims of an access token. Adapter: token_jwt.c. */
#ifndef CM_AUTH_TOKEN_CODEC_H
#define CM_AUTH_TOKEN_CODEC_H

#include "auth/token.h"
#include "auth/token_ring.h"

/* Claims as they stand in the token; 0 or NULL when missing or of another type. Seconds. */
struct token_fields {
	const char *issuer, *audience, *subject, *role, *session;
	int64_t issued_s, not_before_s, expires_s;
};

enum fault token_codec_sign(struct ctx *ctx, const struct token_key *key,
	const struct token_fields *fields, const char **ret_token);

#endif
