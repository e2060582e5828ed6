/* The waiting queue in front of a sale: join, status, leave, the public summary, the operator's
 * side. Order, rate and capacity are decided in Redis (lib/queue/queue.lua); PostgreSQL keeps what
 * must survive it: settings, the draw's secret, a checkpoint.
 *
 * ctx->member is the one who asks, where a member is meant. Numbers count from 0 inside and in
 * ticketNumber; position counts from 1. */
#ifndef CM_QUEUE_QUEUE_H
#define CM_QUEUE_QUEUE_H

#include "base/ctx.h"

enum queue_status { QUEUE_NOT_IN_QUEUE, QUEUE_PRE_QUEUE, QUEUE_WAITING, QUEUE_ADMITTED,
	QUEUE_EXPIRED, QUEUE_CLOSED, QUEUE_SOLD_OUT };

/* As the scripts number them. */
enum queue_phase { QUEUE_PHASE_NONE, QUEUE_PHASE_SCHEDULED, QUEUE_PHASE_LOBBY,
	QUEUE_PHASE_DRAWING, QUEUE_PHASE_OPEN, QUEUE_PHASE_PAUSED, QUEUE_PHASE_RETURNS,
	QUEUE_PHASE_SOLD_OUT, QUEUE_PHASE_DRAIN, QUEUE_PHASE_CLOSED, QUEUE_PHASE_REBUILD };

enum queue_setting {
#define SETTING(symbol, name, initial, minimum, maximum, redis, unit) QUEUE_SETTING_##symbol,
#include "queue/queue_setting.def"
#undef SETTING
	QUEUE_SETTING_COUNT
};

struct queue_setting_info {
	const char *name; /* in JSON */
	int64_t initial, minimum, maximum;
	const char *redis_name; /* "" when the scripts don't know it */
	int64_t unit;           /* Redis value = ours * unit; / -unit when negative */
};

extern const struct queue_setting_info queue_setting_table[QUEUE_SETTING_COUNT];

/* Where a member stands. */
struct queue_place {
	enum queue_status status;
	bool created;            /* by this call */
	int64_t epoch;
	int64_t number;          /* ticket; -1 none yet */
	int64_t lobby_index;     /* before the draw; -1 none */
	int64_t position;        /* upper bound of those before and oneself; 0 unknown */
	int64_t wait_s;          /* -1 unknown */
	int64_t poll_s;          /* seconds until the next call makes sense; 0 in final states */
	int64_t open_ms;         /* PRE_QUEUE: when it opens */
	int64_t now_ms;          /* Redis' clock */
	const char *ticket;      /* signed receipt: shows the place after a loss; NULL none */
	const char *pass;        /* signed, ADMITTED only */
	int64_t pass_expires_ms;
};

/* What a client may show: all optional, NULL when absent. */
struct queue_proofs {
	const char *ticket, *pass;
	const char *work; /* "challenge:nonce" */
};

/* The public summary. */
struct queue_summary {
	enum queue_phase phase;
	int64_t epoch, now_ms, serving, ceiling, notified, tail, lobby, late, leases, calls;
	int64_t free, held;                /* seats; -1 unknown */
	int64_t speed_milli, vmax_milli;   /* tickets in 1000 s; speed -1 unknown */
	int64_t open_ms, capacity, rate_milli, live_milli, clock_back_ms;
	bool seeded, checkpoint_due;
	const char *gaps, *message, *commit, *seed, *transcript, *calls_digest;
	int64_t called, claimed, noshow, passed, late_in, late_gone, expired, left, done,
		hold_expired, claim_delay_ms, restored, conflict;
	int64_t waiting;            /* upper bound: tickets not yet called or passed, without gaps */
	int64_t capacity_effective; /* capacity, or less when few seats are free */
	int64_t age_ms;             /* of the public summary before this one; -1 none */
	/* queue_observe only, -1 unknown: wait of whoever joins now; age_ms in seconds */
	int64_t last_wait_s, age_s;
};

struct queue_settings {
	const char *mode; /* "on", "none" */
	int64_t rate_per_second, capacity, lobby_ms;
	bool paused;
	const char *message;
	int64_t epoch;
	int64_t values[QUEUE_SETTING_COUNT];
};

/* A change: absent members are -1 or NULL. */
struct queue_change {
	const char *mode, *message, *beacon_source, *beacon;
	int64_t rate_per_second, capacity, lobby_ms, paused;
	int64_t values[QUEUE_SETTING_COUNT];
	bool reset; /* a new epoch: everybody starts again */
	bool rebase; /* Redis' clock was set back and stays so: times in the queue go along */
};

struct queue_audit {
	int64_t epoch, participants; /* -1 until the lobby is closed */
	const char *commit, *s0, *seed, *transcript, *beacon_source, *beacon, *calls_digest;
	int64_t committed_ms, beacon_named_ms, beacon_ms, drawn_ms; /* 0: not (yet) */
};

/* A part of the log of calls. */
struct queue_calls {
	int64_t epoch, total, next; /* calls so far; where the next part begins, -1 none */
	const char *digest;         /* of all so far: x = SHA-1 in hex of "x ticket", from "" on */
	const char *tickets;        /* "ticket,ticket", in the order of the calls */
};

/* Idempotent: a member has one place. Faults: CONCERT_NOT_FOUND, QUEUE_NOT_OPEN, QUEUE_CLOSED,
 * QUEUE_SOLD_OUT, QUEUE_REBUILDING, QUEUE_WORK_REQUIRED, QUEUE_ACCOUNT_TOO_NEW, REDIS_AWAY. */
enum fault queue_join(struct ctx *ctx, struct concert_id concert,
	const struct queue_proofs *proofs, struct queue_place *ret_place);
/* Also says "I am here" for members near the front. Faults: CONCERT_NOT_FOUND, QUEUE_REBUILDING,
 * REDIS_AWAY. */
enum fault queue_get_status(struct ctx *ctx, struct concert_id concert,
	const struct queue_proofs *proofs, struct queue_place *ret_place);
enum fault queue_leave(struct ctx *ctx, struct concert_id concert);

/* The member's turn is over, paid for or not: the slot goes to the next one in the same script.
 * why: "done" (bought), "expire_hold"; "give_back" only takes a hold's extension away. before_ms:
 * when the seats were held; a turn claimed since then is another one and stays. For the domains to
 * the right; failure changes nothing that time won't. */
enum fault queue_release(struct ctx *ctx, struct concert_id concert, struct member_id member,
	const char *why, int64_t before_ms);

enum fault queue_summarize(struct ctx *ctx, struct concert_id concert,
	struct queue_summary *ret_summary);
/* The same as an operator's gauges read it: Redis alone, nothing is made, settled or stored.
 * Fault: CONCERT_NOT_FOUND when Redis knows no queue of this concert. */
enum fault queue_observe(struct ctx *ctx, struct concert_id concert,
	struct queue_summary *ret_summary);
enum fault queue_get_audit(struct ctx *ctx, struct concert_id concert,
	struct queue_audit *ret_audit);
/* The calls from the one numbered from (0 on), at most 5,000. Faults: CONCERT_NOT_FOUND,
 * REDIS_AWAY. */
enum fault queue_get_calls(struct ctx *ctx, struct concert_id concert, int64_t from,
	struct queue_calls *ret_calls);
/* Stores the change and puts it into force at once. Faults: BAD_INPUT (a beacon too early or too
 * late; nothing is stored), CONCERT_NOT_FOUND, REDIS_AWAY. */
enum fault queue_change_settings(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change, struct queue_settings *ret_settings);

const char *queue_status_name(enum queue_status status);
const char *queue_phase_name(enum queue_phase phase);

#endif
