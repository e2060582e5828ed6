/* Port of lib/auth: accounts and refresh tokens. Adapter: auth_pg.c. */
#ifndef CM_AUTH_AUTH_STORE_H
#define CM_AUTH_AUTH_STORE_H

#include "member/member.h"

enum { REFRESH_HASH_BYTES = 32 };

struct auth_account {
	struct member_id member; /* 0: there is none */
	enum role role;
	const char *email_key, *password_hash;
};

/* Fault: EMAIL_TAKEN. member's name, email and role are read, id and created_ms set. */
enum fault auth_store_create(struct ctx *ctx, const char *email_key, const char *password_hash,
	struct member *member);

enum fault auth_store_find(struct ctx *ctx, const char *email_key,
	struct auth_account *ret_account);
/* Fault: MEMBER_NOT_FOUND. */
enum fault auth_store_get(struct ctx *ctx, struct member_id member,
	struct auth_account *ret_account);
/* Replaces old_hash by new_hash; nothing happens when it has changed meanwhile. */
enum fault auth_store_rehash(struct ctx *ctx, struct member_id member, const char *old_hash,
	const char *new_hash);
/* The same, and revokes all sessions but kept_session (may be NULL).
 * Fault: BAD_CREDENTIALS when the hash has changed meanwhile. */
enum fault auth_store_change_password(struct ctx *ctx, const struct auth_account *account,
	const char *new_hash, const char *kept_session);

/* A new family with its first token; *ret_session names it. */
enum fault auth_store_session_new(struct ctx *ctx, struct member_id member,
	const unsigned char hash[REFRESH_HASH_BYTES], const char **ret_session);
/* Marks the token used and adds its successor in one statement. *ret_account is without hash; its
 * member is 0 when the token is no good. */
enum fault auth_store_session_rotate(struct ctx *ctx, const unsigned char hash[REFRESH_HASH_BYTES],
	const unsigned char next_hash[REFRESH_HASH_BYTES], struct auth_account *ret_account,
	const char **ret_session);
/* Revokes the family that the token belongs to; with used_only, only when it was used before. */
enum fault auth_store_session_revoke(struct ctx *ctx, const unsigned char hash[REFRESH_HASH_BYTES],
	bool used_only);
enum fault auth_store_session_end(struct ctx *ctx, const char *session);

#endif
