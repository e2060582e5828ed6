/* The gateway of demos and tests: it does what the order's script says.
 *
 *   success       takes the money (also when there is no script)
 *   decline       refuses it
 *   timeout       takes the money, but the answer is lost
 *   lost          the request is lost: no money, no answer
 *   late          no answer, and the first question isn't answered either: the money is taken
 *                 after it
 *   error500      takes the money and answers with an error
 *   lost500       answers with an error, and took nothing
 *   duplicate     takes the request twice: the money once
 *   slow:MS       success after MS milliseconds
 *   refund-refused  success; a refund is refused for good
 *
 * With CM_SANDBOX_DIR it keeps a ledger there, one line a movement of money, made once per order
 * and refund: what tests hold against our tables. Without, queries answer by the script alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/str.h"
#include "payment/gateway.h"

#include "base/banned.h"

static bool is_script(const struct gateway_charge *charge, const char *script)
{
	return charge->script && strcmp(charge->script, script) == 0;
}

static char *ledger_path(struct ctx *ctx, const char *name)
{
	const char *dir = conf_text(CONF_SANDBOX_DIR);
	return *dir ? arena_printf(ctx->arena, "%s/%s", dir, name) : NULL;
}

static void ledger_line(struct ctx *ctx, const char *line)
{
	int file = open(ledger_path(ctx, "ledger"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		0660);
	if (file < 0)
		return;
	if (write(file, line, strlen(line)) < 0)
		ctx->log_detail = "the sandbox's ledger is not writable";
	close(file);
}

/* Moves the money named once: the marker file is the gateway's own idempotency. */
static void move(struct ctx *ctx, const char *marker, const char *line)
{
	char *path = ledger_path(ctx, marker);
	if (!path)
		return;
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	if (file < 0)
		return;
	close(file);
	ledger_line(ctx, line);
}

static void take(struct ctx *ctx, const struct gateway_charge *charge)
{
	move(ctx, charge->order_id, arena_printf(ctx->arena, "charge %s %lld\n",
		charge->order_id, (long long)charge->amount));
}

static bool is_lost(const struct gateway_charge *charge)
{
	return is_script(charge, "lost") || is_script(charge, "lost500");
}

static void linger(const struct gateway_charge *charge)
{
	int64_t pause_ms;
	if (!charge->script || !str_starts(charge->script, "slow:")
		|| !str_to_int(charge->script + 5, &pause_ms) || pause_ms < 0
		|| pause_ms > 60000)
		return;
	struct timespec pause = { .tv_sec = pause_ms / 1000,
		.tv_nsec = pause_ms % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}

static void sandbox_confirm(struct ctx *ctx, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_SUCCESS,
		.key = arena_printf(ctx->arena, "sandbox-%s", charge->order_id) };
	linger(charge);
	if (is_script(charge, "decline")) {
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_DECLINED,
			.code = "declined", .message = "the sandbox was told to decline" };
		return;
	}
	if (!is_lost(charge) && !is_script(charge, "late"))
		take(ctx, charge);
	if (is_script(charge, "duplicate"))
		take(ctx, charge);
	if (is_script(charge, "error500") || is_script(charge, "lost500"))
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_UNKNOWN, .code = "500" };
	else if (is_lost(charge) || is_script(charge, "timeout") || is_script(charge, "late"))
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_UNKNOWN,
			.code = "timeout" };
}

static bool was_taken(struct ctx *ctx, const struct gateway_charge *charge)
{
	const char *path = ledger_path(ctx, charge->order_id);
	if (path)
		return access(path, F_OK) == 0;
	return !is_script(charge, "decline") && !is_lost(charge);
}

static void sandbox_query(struct ctx *ctx, const struct gateway_charge *charge,
	struct gateway_answer *ret_answer)
{
	if (is_script(charge, "late") && ledger_path(ctx, "") && !was_taken(ctx, charge)) {
		take(ctx, charge);
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_UNKNOWN,
			.code = "timeout" };
	} else if (was_taken(ctx, charge))
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_SUCCESS,
			.key = arena_printf(ctx->arena, "sandbox-%s", charge->order_id) };
	else
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_ABSENT,
			.code = "never-charged" };
}

static void sandbox_refund(struct ctx *ctx, const struct gateway_refund *refund,
	struct gateway_answer *ret_answer)
{
	if (is_script(refund->charge, "refund-refused")) {
		*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_DECLINED,
			.code = "refund-refused" };
		return;
	}
	move(ctx, arena_printf(ctx->arena, "refund-%lld", (long long)refund->id),
		arena_printf(ctx->arena, "refund %s %lld\n", refund->charge->order_id,
			(long long)refund->amount));
	*ret_answer = (struct gateway_answer){ .outcome = GATEWAY_SUCCESS,
		.key = arena_printf(ctx->arena, "sandbox-refund-%lld", (long long)refund->id) };
}

const struct gateway gateway_sandbox = {
	.name = "sandbox",
	.confirm = sandbox_confirm,
	.query = sandbox_query,
	.refund = sandbox_refund,
};
