#include "auth_mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "auth/fold.h"
#include "auth/password.h"
#include "auth/secret.h"
#include "auth/throttle.h"
#include "auth/token_codec.h"
#include "member/member_store.h"

#include "base/banned.h"

enum { MEMBERS = 8, TOKENS = 32, TEXT = 128 };

struct fake_auth fake_auth;

static struct {
	char email_key[TEXT], hash[TEXT];
	enum role role;
} members[MEMBERS];
static struct {
	unsigned char hash[REFRESH_HASH_BYTES];
	int64_t member;
	int family;
	bool used, revoked;
} tokens[TOKENS];
static size_t member_count, token_count;
static int family_count, secret_count;

void fake_auth_reset(void)
{
	member_count = token_count = 0;
	family_count = secret_count = 0;
	fake_auth = (struct fake_auth){ .attempts_allowed = 100 };
}

const char *fake_auth_hash(int64_t member)
{
	return member > 0 && (size_t)member <= member_count ? members[member - 1].hash : NULL;
}

int fake_auth_live(int64_t member)
{
	int live = 0;
	for (size_t i = 0; i < token_count; i++)
		live += tokens[i].member == member && !tokens[i].used && !tokens[i].revoked;
	return live;
}

static void copy(char target[TEXT], const char *text)
{
	snprintf(target, TEXT, "%s", text);
}

static void read_account(size_t i, struct auth_account *ret_account)
{
	*ret_account = (struct auth_account){ .member = { (int64_t)i + 1 }, .role = members[i].role,
		.email_key = members[i].email_key, .password_hash = members[i].hash };
}

enum fault auth_store_create(struct ctx *ctx, const char *email_key, const char *password_hash,
	struct member *member)
{
	(void)ctx;
	for (size_t i = 0; i < member_count; i++)
		if (strcmp(members[i].email_key, email_key) == 0)
			return FAULT_EMAIL_TAKEN;
	copy(members[member_count].email_key, email_key);
	copy(members[member_count].hash, password_hash);
	members[member_count].role = member->role;
	member->id.value = (int64_t)++member_count;
	member->created_ms = 1;
	return FAULT_NONE;
}

enum fault auth_store_find(struct ctx *ctx, const char *email_key, struct auth_account *ret_account)
{
	(void)ctx;
	fake_auth.found++;
	*ret_account = (struct auth_account){ .member = { 0 } };
	for (size_t i = 0; i < member_count; i++)
		if (strcmp(members[i].email_key, email_key) == 0)
			read_account(i, ret_account);
	return FAULT_NONE;
}

enum fault auth_store_get(struct ctx *ctx, struct member_id member,
	struct auth_account *ret_account)
{
	(void)ctx;
	if (!fake_auth_hash(member.value))
		return FAULT_MEMBER_NOT_FOUND;
	read_account((size_t)member.value - 1, ret_account);
	return FAULT_NONE;
}

enum fault auth_store_rehash(struct ctx *ctx, struct member_id member, const char *old_hash,
	const char *new_hash)
{
	(void)ctx;
	(void)old_hash;
	fake_auth.rehashed++;
	copy(members[member.value - 1].hash, new_hash);
	return FAULT_NONE;
}

enum fault auth_store_change_password(struct ctx *ctx, const struct auth_account *account,
	const char *new_hash, const char *kept_session)
{
	(void)ctx;
	copy(members[account->member.value - 1].hash, new_hash);
	for (size_t i = 0; i < token_count; i++)
		if (tokens[i].member == account->member.value
			&& !(kept_session && kept_session[0] - '0' == tokens[i].family))
			tokens[i].revoked = true;
	return FAULT_NONE;
}

static void add_token(int64_t member, int family, const unsigned char hash[REFRESH_HASH_BYTES])
{
	memcpy(tokens[token_count].hash, hash, REFRESH_HASH_BYTES);
	tokens[token_count].member = member;
	tokens[token_count].family = family;
	tokens[token_count].used = tokens[token_count].revoked = false;
	token_count++;
}

enum fault auth_store_session_new(struct ctx *ctx, struct member_id member,
	const unsigned char hash[REFRESH_HASH_BYTES], const char **ret_session)
{
	fake_auth.sessions++;
	add_token(member.value, ++family_count, hash);
	*ret_session = arena_printf(ctx->arena, "%d", family_count);
	return FAULT_NONE;
}

static size_t find_token(const unsigned char hash[REFRESH_HASH_BYTES])
{
	size_t i = 0;
	while (i < token_count && memcmp(tokens[i].hash, hash, REFRESH_HASH_BYTES) != 0)
		i++;
	return i;
}

enum fault auth_store_session_rotate(struct ctx *ctx, const unsigned char hash[REFRESH_HASH_BYTES],
	const unsigned char next_hash[REFRESH_HASH_BYTES], struct auth_account *ret_account,
	const char **ret_session)
{
	size_t i = find_token(hash);
	*ret_account = (struct auth_account){ .member = { 0 } };
	if (i == token_count || tokens[i].used || tokens[i].revoked)
		return FAULT_NONE;
	tokens[i].used = true;
	add_token(tokens[i].member, tokens[i].family, next_hash);
	read_account((size_t)tokens[i].member - 1, ret_account);
	*ret_session = arena_printf(ctx->arena, "%d", tokens[i].family);
	return FAULT_NONE;
}

static void revoke_family(int family)
{
	for (size_t i = 0; i < token_count; i++)
		if (tokens[i].family == family)
			tokens[i].revoked = true;
}

enum fault auth_store_session_revoke(struct ctx *ctx, const unsigned char hash[REFRESH_HASH_BYTES],
	bool used_only)
{
	(void)ctx;
	size_t i = find_token(hash);
	if (i < token_count && (!used_only || tokens[i].used))
		revoke_family(tokens[i].family);
	return FAULT_NONE;
}

enum fault auth_store_session_end(struct ctx *ctx, const char *session)
{
	(void)ctx;
	revoke_family(session[0] - '0');
	return FAULT_NONE;
}

enum fault password_hash(struct ctx *ctx, const char *password, const char **ret_hash)
{
	fake_auth.hashed++;
	*ret_hash = arena_printf(ctx->arena, "hash of %s", password);
	return FAULT_NONE;
}

enum fault password_verify(struct ctx *ctx, const char *password, const char *hash, bool *ret_good,
	bool *ret_outdated)
{
	fake_auth.verified++;
	*ret_good = hash && strcmp(arena_printf(ctx->arena, "hash of %s", password), hash) == 0;
	*ret_outdated = *ret_good && fake_auth.outdated;
	return FAULT_NONE;
}

const char *fold_nfkc(struct arena *arena, const char *text)
{
	return arena_strdup(arena, text);
}

const char *fold_lower(struct arena *arena, const char *text)
{
	char *lower = arena_strdup(arena, text);
	for (char *byte = lower; *byte; byte++)
		*byte = (char)tolower((unsigned char)*byte);
	return lower;
}

enum fault secret_new(struct ctx *ctx, const char **ret_text)
{
	*ret_text = arena_printf(ctx->arena, "secret %d", ++secret_count);
	return FAULT_NONE;
}

void secret_hash(const char *text, unsigned char ret_hash[SECRET_HASH_BYTES])
{
	memset(ret_hash, 0, SECRET_HASH_BYTES);
	memcpy(ret_hash, text, strnlen(text, SECRET_HASH_BYTES));
}

enum fault throttle_attempt(struct ctx *ctx, const char *account)
{
	(void)ctx;
	(void)account;
	return ++fake_auth.attempts > fake_auth.attempts_allowed ? FAULT_SIGNIN_THROTTLED
		: FAULT_NONE;
}

void throttle_forget(struct ctx *ctx, const char *account)
{
	(void)ctx;
	(void)account;
	fake_auth.forgotten++;
	fake_auth.attempts = 0;
}

enum fault token_codec_sign(struct ctx *ctx, const struct token_key *key,
	const struct token_fields *fields, const char **ret_token)
{
	*ret_token = arena_printf(ctx->arena, "%s %s %s %s", key->kid, fields->subject,
		fields->role, fields->session);
	return FAULT_NONE;
}

enum fault token_open(struct ctx *ctx, const char *typ, const char *token,
	const char **ret_payload_json)
{
	(void)ctx;
	(void)typ;
	(void)token;
	(void)ret_payload_json;
	return FAULT_TOKEN_INVALID;
}

/* lib/member's port: its rules are linked for addresses and names only. */
enum fault member_store_get(struct ctx *ctx, struct member_id id, struct member *ret_member)
{
	(void)ctx;
	(void)id;
	(void)ret_member;
	return FAULT_MEMBER_NOT_FOUND;
}

enum fault member_store_rename(struct ctx *ctx, struct member_id id, const char *name)
{
	(void)ctx;
	(void)id;
	(void)name;
	return FAULT_MEMBER_NOT_FOUND;
}

enum fault member_store_delete(struct ctx *ctx, struct member_id id)
{
	(void)ctx;
	(void)id;
	return FAULT_MEMBER_NOT_FOUND;
}
