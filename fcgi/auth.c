/* Sign-up, sign-in, refresh, sign-out: CPU-heavy through argon2, hence a pool of its own. */
#include <stddef.h>

#include "auth/auth.h"
#include "base/banned.h"
#include "guard.h"
#include "http/json.h"
#include "profile.h"
#include "worker.h"

enum { REFRESH_TEXT = 128 };

struct sign_up {
	const char *name, *email, *password, *role;
};

static const char *const roles[] = { "ROLE_USER", "ROLE_ADMIN", NULL };

static const struct field sign_up_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct sign_up, name), true, 1, MEMBER_NAME_MAXIMUM, NULL },
	{ "email", FIELD_TEXT, offsetof(struct sign_up, email), true, 3, MEMBER_EMAIL_MAXIMUM, NULL },
	{ "password", FIELD_TEXT, offsetof(struct sign_up, password), true, 1, PASSWORD_MAXIMUM, NULL },
	{ "roleType", FIELD_CHOICE, offsetof(struct sign_up, role), false, 0, 0, roles },
};

static const struct field sign_in_fields[] = {
	{ "email", FIELD_TEXT, offsetof(struct sign_up, email), true, 1, MEMBER_EMAIL_MAXIMUM, NULL },
	{ "password", FIELD_TEXT, offsetof(struct sign_up, password), true, 1, PASSWORD_MAXIMUM, NULL },
};

struct token_body {
	const char *refresh_token;
};

static const struct field refresh_fields[] = {
	{ "refreshToken", FIELD_TEXT, offsetof(struct token_body, refresh_token), true, 1,
		REFRESH_TEXT, NULL },
};

static const struct field sign_out_fields[] = {
	{ "refreshToken", FIELD_TEXT, offsetof(struct token_body, refresh_token), false, 1,
		REFRESH_TEXT, NULL },
};

static enum fault sign_up(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct sign_up input = { .role = "ROLE_USER" };
	struct member member;
	enum fault fault = json_read(ctx, req, sign_up_fields, FIELD_COUNT(sign_up_fields), &input);
	if (fault)
		return fault;
	struct auth_sign_up wanted = { .name = input.name, .email = input.email,
		.password = input.password, .role = member_role_parse(input.role) };
	if ((fault = auth_sign_up(ctx, &wanted, &member)))
		return fault;
	res->status = 201;
	res_header(res, "Location", "/member/me");
	profile_write(res, &member);
	return FAULT_NONE;
}

static void write_session(struct res *res, const struct auth_session *session)
{
	json_open(&res->body, NULL, '{');
	json_text(&res->body, "accessToken", session->access_token);
	json_text(&res->body, "tokenType", "Bearer");
	json_integer(&res->body, "expiresIn", session->expires_in_s);
	json_text(&res->body, "refreshToken", session->refresh_token);
	json_integer(&res->body, "refreshExpiresIn", session->refresh_expires_in_s);
	json_close(&res->body, '}');
}

static enum fault sign_in(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct sign_up input = { NULL, NULL, NULL, NULL };
	struct auth_session session;
	enum fault fault = json_read(ctx, req, sign_in_fields, FIELD_COUNT(sign_in_fields), &input);
	if (fault)
		return fault;
	if ((fault = auth_sign_in(ctx, input.email, input.password, &session)))
		return fault;
	write_session(res, &session);
	return FAULT_NONE;
}

static enum fault refresh(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct token_body input = { NULL };
	struct auth_session session;
	enum fault fault = json_read(ctx, req, refresh_fields, FIELD_COUNT(refresh_fields), &input);
	if (fault)
		return fault;
	if ((fault = auth_refresh(ctx, input.refresh_token, &session)))
		return fault;
	write_session(res, &session);
	return FAULT_NONE;
}

/* Either the access token or the refresh token says which session ends. */
static enum fault sign_out(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct token_body input = { NULL };
	enum fault fault = json_read(ctx, req, sign_out_fields, FIELD_COUNT(sign_out_fields), &input);
	if (fault)
		return fault;
	if (!input.refresh_token && !ctx->member.value)
		return FAULT_TOKEN_REQUIRED;
	if ((fault = auth_sign_out(ctx, input.refresh_token, guard_session(ctx, req))))
		return fault;
	res->status = 204;
	return FAULT_NONE;
}

static const struct route routes[] = {
	{ METHOD_POST, "/member", GUARD_OPTIONAL, sign_up },
	{ METHOD_PATCH, "/member/me", GUARD_MEMBER, profile_change },
	{ METHOD_POST, "/auth/signin", GUARD_PUBLIC, sign_in },
	{ METHOD_POST, "/auth/refresh", GUARD_PUBLIC, refresh },
	{ METHOD_POST, "/auth/signout", GUARD_OPTIONAL, sign_out },
};

int main(int argc, char **argv)
{
	static const struct worker worker = { .name = "auth", .routes = routes,
		.route_count = sizeof(routes) / sizeof(*routes) };
	return worker_main(argc, argv, &worker);
}
