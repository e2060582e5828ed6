/* The signed-in member: profile, tickets, notices. */
#include "base/banned.h"
#include "member/member.h"
#include "notification.h"
#include "profile.h"
#include "ticket.h"
#include "worker.h"

static enum fault me(struct ctx *ctx, const struct req *req, struct res *res)
{
	struct member member;
	(void)req;
	enum fault fault = member_get(ctx, ctx->member, &member);
	if (fault)
		return fault;
	profile_write(res, &member);
	return FAULT_NONE;
}

static enum fault leave(struct ctx *ctx, const struct req *req, struct res *res)
{
	(void)req;
	enum fault fault = member_delete(ctx, ctx->member);
	if (fault)
		return fault;
	res->status = 204;
	return FAULT_NONE;
}

static const struct route routes[] = {
	{ METHOD_GET, "/member/me", GUARD_MEMBER, me },
	{ METHOD_PATCH, "/member/me", GUARD_MEMBER, profile_change },
	{ METHOD_DELETE, "/member/me", GUARD_MEMBER, leave },
	TICKET_ROUTES,
	NOTIFICATION_ROUTES,
};

int main(int argc, char **argv)
{
	static const struct worker worker = { .name = "member", .routes = routes,
		.route_count = sizeof(routes) / sizeof(*routes) };
	return worker_main(argc, argv, &worker);
}
