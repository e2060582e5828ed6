/* Sign-up, sign-in and sessions. A session is a family of refresh tokens that descend from one
 * sign-in; each is used once, and a second use ends the family (RFC 9700, 4.14).
 * Faults of the stores (DATABASE_..., OUTCOME_UNKNOWN) come through every function. */
#ifndef CM_AUTH_AUTH_H
#define CM_AUTH_AUTH_H

#include "base/ctx.h"
#include "member/member.h"

enum { PASSWORD_MINIMUM = 8, PASSWORD_MINIMUM_DEMO = 4, PASSWORD_MAXIMUM = 128 };

struct auth_sign_up {
	const char *name, *email, *password;
	enum role role;
};

struct auth_session {
	const char *access_token, *refresh_token;
	int64_t expires_in_s, refresh_expires_in_s;
};

/* Faults: BAD_INPUT (name, email, password), EMAIL_TAKEN, ADMIN_REQUIRED (an administrator is made
 * only when ctx->role is one). */
enum fault auth_sign_up(struct ctx *ctx, const struct auth_sign_up *input,
	struct member *ret_member);

/* The same fault and the same work whether or not the address is known.
 * Faults: BAD_CREDENTIALS, SIGNIN_THROTTLED. */
enum fault auth_sign_in(struct ctx *ctx, const char *email, const char *password,
	struct auth_session *ret_session);

/* Exchanges a refresh token. Fault: REFRESH_INVALID (its family is then revoked if it was used
 * before). */
enum fault auth_refresh(struct ctx *ctx, const char *refresh_token,
	struct auth_session *ret_session);

/* Ends the session of the refresh token, or the one called session (either may be NULL). An unknown
 * one is no fault: it has ended. */
enum fault auth_sign_out(struct ctx *ctx, const char *refresh_token, const char *session);

/* Changes the password and ends all sessions but the one called session.
 * Faults: BAD_INPUT, BAD_CREDENTIALS, SIGNIN_THROTTLED, MEMBER_NOT_FOUND. */
enum fault auth_change_password(struct ctx *ctx, const char *current, const char *password,
	const char *session);

#endif
