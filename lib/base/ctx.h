/* What one request (or one batch of a daemon) carries through all layers: its memory, its
 * identity, its language, the process' connections, and what went wrong in detail. */
#ifndef CM_BASE_CTX_H
#define CM_BASE_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/ids.h"

struct ctx;
struct pg;    /* lib/pg, used by adapters only */
struct redis; /* lib/redis, used by adapters only */
struct replica; /* lib/pg, used by lib/pg only */

enum language { LANGUAGE_KO, LANGUAGE_EN };
enum role { ROLE_NONE, ROLE_USER, ROLE_ADMIN };

/* One wrong field of the input; code is one of required, type, range, length, format, duplicate,
 * choice, conflict. */
struct field_error {
	struct field_error *next;
	const char *field, *code, *english, *korean;
};

/* Runs after the reply has left (worker) or after the batch (daemon); see ctx_after. */
struct after {
	struct after *next;
	void (*fn)(struct ctx *ctx, void *arg);
	void *arg;
};

struct ctx {
	struct arena *arena;
	const char *request_id;  /* never NULL */
	const char *traceparent; /* NULL when the caller sent none */
	enum language language;
	int64_t now_ms;          /* this host's clock, fixed at the start; never decides a sale */
	struct member_id member; /* set by the guard; 0 when anonymous */
	enum role role;
	struct pg *pg;
	struct redis *redis;
	struct replica *replica; /* NULL: the primary serves all reads */
	bool may_lag;            /* this request only reads what may be some seconds old */
	unsigned statements, scripts; /* round trips so far */
	int64_t database_us, redis_us, outside_us;
	int64_t database_call_ms;     /* deadline of a statement here; 0: CM_DATABASE_CALL_MS */
	const char *detail;           /* replaces the fault's sentence when set */
	const char *log_detail;       /* for the log only: SQLSTATE, errno text */
	struct field_error *errors;   /* of a BAD_INPUT */
	const char *problem_extra;    /* further JSON members of the problem: "\"seats\":[1]" */
	int retry_after_s;            /* for 429 and 503; 0 = default */
	struct after *after;
};

void ctx_init(struct ctx *ctx, struct arena *arena);
/* Back to a fresh request: arena reset, connections kept. */
void ctx_reset(struct ctx *ctx);

/* Notes a wrong field and returns FAULT_BAD_INPUT. code picks the sentence. */
enum fault ctx_field_error(struct ctx *ctx, const char *field, const char *code);
/* The same with an own sentence. */
enum fault ctx_field_message(struct ctx *ctx, const char *field, const char *code,
	const char *english, const char *korean);

/* fn runs once the client has its reply, in the order given; it may use the arena and the
 * connections, and its failure changes nothing that was answered. */
void ctx_after(struct ctx *ctx, void (*fn)(struct ctx *, void *), void *arg);
void ctx_run_after(struct ctx *ctx);

#endif
