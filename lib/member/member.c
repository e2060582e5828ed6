#include "member/member.h"

#include <string.h>

#include "base/banned.h"
#include "member/member_store.h"

enum { LOCAL_MAXIMUM = 64, LABEL_MAXIMUM = 63 };

const char *member_role_name(enum role role)
{
	return role == ROLE_ADMIN ? "ROLE_ADMIN" : "ROLE_USER";
}

enum role member_role_parse(const char *name)
{
	if (strcmp(name, "ROLE_ADMIN") == 0)
		return ROLE_ADMIN;
	return strcmp(name, "ROLE_USER") == 0 ? ROLE_USER : ROLE_NONE;
}

static bool is_label(const char *label, size_t length)
{
	if (length < 1 || length > LABEL_MAXIMUM || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)label[i], lower = byte | 0x20;
		bool letter = (lower >= 'a' && lower <= 'z') || byte >= 0x80;
		if (!letter && !(byte >= '0' && byte <= '9') && byte != '-')
			return false;
	}
	return true;
}

/* At least two labels. */
static bool is_host(const char *host)
{
	int labels = 0;
	for (;;) {
		size_t length = strcspn(host, ".");
		if (!is_label(host, length))
			return false;
		labels++;
		if (!host[length])
			return labels > 1;
		host += length + 1;
	}
}

bool member_email_is_valid(const char *email)
{
	const char *at = strchr(email, '@');
	size_t local = at ? (size_t)(at - email) : 0;
	if (local < 1 || local > LOCAL_MAXIMUM || strlen(email) > MEMBER_EMAIL_MAXIMUM)
		return false;
	if (email[0] == '.' || at[-1] == '.')
		return false;
	for (const char *byte = email; byte < at; byte++)
		if ((unsigned char)*byte <= ' ' || strchr("\"(),:;<>[\\]", *byte))
			return false;
	return is_host(at + 1);
}

bool member_name_is_valid(const char *name)
{
	return name[strspn(name, " \t")] != '\0';
}

enum fault member_get(struct ctx *ctx, struct member_id id, struct member *ret_member)
{
	return member_store_get(ctx, id, ret_member);
}

enum fault member_rename(struct ctx *ctx, struct member_id id, const char *name)
{
	if (!member_name_is_valid(name))
		return ctx_field_error(ctx, "name", "format");
	return member_store_rename(ctx, id, name);
}

enum fault member_delete(struct ctx *ctx, struct member_id id)
{
	return member_store_delete(ctx, id);
}
