#include <jwt.h>
#include <stdlib.h>

#include "auth/token_codec.h"
#include "base/banned.h"

static void free_jwt(void *jwt)
{
	jwt_free(jwt);
}

static int add_claims(jwt_t *jwt, const struct token_fields *fields)
{
	int failed = 0;
	failed |= jwt_add_grant(jwt, "iss", fields->issuer);
	failed |= jwt_add_grant(jwt, "aud", fields->audience);
	failed |= jwt_add_grant(jwt, "sub", fields->subject);
	failed |= jwt_add_grant(jwt, "role", fields->role);
	if (fields->session)
		failed |= jwt_add_grant(jwt, "sid", fields->session);
	failed |= jwt_add_grant_int(jwt, "iat", fields->issued_s);
	failed |= jwt_add_grant_int(jwt, "nbf", fields->not_before_s);
	failed |= jwt_add_grant_int(jwt, "exp", fields->expires_s);
	return failed;
}

enum fault token_codec_sign(struct ctx *ctx, const struct token_key *key,
	const struct token_fields *fields, const char **ret_token)
{
	jwt_t *jwt = NULL;
	if (jwt_new(&jwt))
		return FAULT_INTERNAL;
	arena_defer(ctx->arena, free_jwt, jwt);
	if (add_claims(jwt, fields) || jwt_add_header(jwt, "kid", key->kid)
		|| jwt_set_alg(jwt, JWT_ALG_HS256, key->bytes, (int)key->length))
		return FAULT_INTERNAL;
	char *token = jwt_encode_str(jwt);
	if (!token)
		return FAULT_INTERNAL;
	*ret_token = arena_strdup(ctx->arena, token);
	free(token);
	return FAULT_NONE;
}
