#include "profile.h"

#include <stddef.h>

#include "auth/auth.h"
#include "base/banned.h"
#include "guard.h"
#include "http/json.h"

struct change {
	const char *name, *password, *current;
};

static const struct field change_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct change, name), false, 1, MEMBER_NAME_MAXIMUM, NULL },
	{ "password", FIELD_TEXT, offsetof(struct change, password), false, 1, PASSWORD_MAXIMUM,
		NULL },
	{ "currentPassword", FIELD_TEXT, offsetof(struct change, current), false, 1,
		PASSWORD_MAXIMUM, NULL },
};

void profile_write(struct res *res, const struct member *member)
{
	json_open(&res->body, NULL, '{');
	json_integer(&res->body, "id", member->id.value);
	json_text(&res->body, "name", member->name);
	json_text(&res->body, "email", member->email);
	json_text(&res->body, "roleType", member_role_name(member->role));
	json_time(&res->body, "createdAt", member->created_ms);
	json_close(&res->body, '}');
}

enum fault profile_change(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct change change = { NULL, NULL, NULL };
	struct member member;
	enum fault fault = json_read(ctx, req, change_fields, FIELD_COUNT(change_fields), &change);
	if (fault)
		return fault;
	if (change.name && !member_name_is_valid(change.name))
		return ctx_field_error(ctx, "name", "format");
	if (change.password && !change.current)
		return ctx_field_error(ctx, "currentPassword", "required");
	if (change.password && (fault = auth_change_password(ctx, change.current, change.password,
		guard_session(ctx, req))))
		return fault;
	if (change.name && (fault = member_rename(ctx, ctx->member, change.name)))
		return fault;
	if ((fault = member_get(ctx, ctx->member, &member)))
		return fault;
	profile_write(res, &member);
	return FAULT_NONE;
}
