/* Port of the queue: what the domain asks of Redis (queue_redis.c) and PostgreSQL (queue_pg.c). */
#ifndef CM_QUEUE_QUEUE_STORE_H
#define CM_QUEUE_QUEUE_STORE_H

#include "queue/draw.h"
#include "queue/queue.h"

/* As queue.lua numbers them. */
enum queue_code { QUEUE_CODE_NONE, QUEUE_CODE_LOBBY, QUEUE_CODE_WAITING, QUEUE_CODE_LATE,
	QUEUE_CODE_ADMITTED, QUEUE_CODE_EXPIRED, QUEUE_CODE_CLOSED, QUEUE_CODE_SOLD_OUT,
	QUEUE_CODE_RESOLVE, QUEUE_CODE_EPOCH, QUEUE_CODE_UNCONFIGURED, QUEUE_CODE_NOT_OPEN,
	QUEUE_CODE_REBUILD, QUEUE_CODE_NO_GATE, QUEUE_CODE_CONFLICT, QUEUE_CODE_REFUSED };

/* The scripts' answer about one member; see the head of queue.lua. */
struct queue_answer {
	enum queue_code code;
	enum queue_phase phase;
	int64_t epoch, number, ahead, serving, ceiling, speed_milli, lease_left_ms, lease_end_ms,
		now_ms, open_ms, lobby, claim_delay_ms, waited_ms; /* -1 no claim */
	bool created;
};

enum queue_verb { QUEUE_VERB_JOIN, QUEUE_VERB_STATUS, QUEUE_VERB_RELEASE, QUEUE_VERB_RESTORE };

struct queue_question {
	enum queue_verb verb;
	struct member_id member;
	int64_t epoch; /* -1: any, but settings must be stored; 0: any */
	int64_t drawn; /* ticket of a lobby index, -1 none */
	const char *tag;                    /* join */
	const char *why;                    /* release */
	int64_t claimed_before_ms;          /* release: only an older turn; 0 any */
	int64_t number, kind, lease_end_ms; /* restore */
};

enum { QUEUE_MESSAGE_BYTES = 2048, QUEUE_TRANSCRIPT_BYTES = 64,
	QUEUE_BEACON_BYTES = DRAW_BEACON_BYTES, /* 200 characters */
	QUEUE_GAPS_BYTES = 2048 /* of 64 gaps */ };

/* All of PostgreSQL's knowledge of one queue; holds no pointers, so a process may keep it. */
struct queue_record {
	struct concert_id concert;
	bool cancelled, gate, paused;
	int64_t rate_per_second, capacity, lobby_ms, open_ms, close_ms, epoch,
		version; /* of the concert */
	char message[QUEUE_MESSAGE_BYTES];
	int64_t values[QUEUE_SETTING_COUNT];
	int64_t free, held;
	bool has_draw, drawn;
	unsigned char s0[DRAW_BYTES], commitment[DRAW_BYTES], seed[DRAW_BYTES];
	int64_t participants;
	char transcript[QUEUE_TRANSCRIPT_BYTES];
	/* With a source the draw waits for the beacon; 0: not yet. */
	char beacon[QUEUE_BEACON_BYTES], beacon_source[QUEUE_BEACON_BYTES];
	int64_t committed_ms, beacon_named_ms, beacon_ms, drawn_ms;
	int64_t checkpoint_tail, checkpoint_serving, checkpoint_lobby; /* tail 0: none */
	char checkpoint_gaps[QUEUE_GAPS_BYTES]; /* "from-to from-to ..." */
	bool makes_summary; /* asked for the public summary */
};

/* Redis. Faults: REDIS_AWAY, INTERNAL. */
enum fault queue_ask(struct ctx *ctx, struct concert_id concert,
	const struct queue_question *question, struct queue_answer *ret_answer);
/* record NULL: the settings stay. *ret_code is QUEUE_CODE_NONE or why not. */
enum fault queue_tick(struct ctx *ctx, struct concert_id concert,
	const struct queue_record *record, struct queue_summary *ret_summary,
	enum queue_code *ret_code);
/* INTERNAL when Redis has another lobby than was drawn. */
enum fault queue_reveal(struct ctx *ctx, const struct queue_record *record);
/* Takes the times of the state along with a clock that was set back. */
enum fault queue_rebase(struct ctx *ctx, const struct queue_record *record);
enum { QUEUE_CALLS_PAGE = 5000 };
/* *ret_code is QUEUE_CODE_NONE or why there is nothing to read. */
enum fault queue_read_calls(struct ctx *ctx, struct concert_id concert, int64_t from,
	struct queue_calls *ret_calls, enum queue_code *ret_code);
/* Unlinks what an old epoch left, a part a call; *next is 0 at the end. */
enum fault queue_sweep(struct ctx *ctx, struct concert_id concert, int64_t epoch, int64_t *next);

/* PostgreSQL. Faults: CONCERT_NOT_FOUND and those of pg.h. */
enum fault queue_record_load(struct ctx *ctx, struct concert_id concert,
	struct queue_record *ret_record);
enum fault queue_record_change(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change);
/* Makes the draw of the record's epoch if it is missing; reads it back into record. */
enum fault queue_draw_commit(struct ctx *ctx, struct queue_record *record);
/* Stores seed, transcript and participants once; reads back what is stored. */
enum fault queue_draw_save(struct ctx *ctx, struct queue_record *record);
/* Once each, before the draw; *ret_stored false: too late, or (give) no source was named. */
enum fault queue_beacon_name(struct ctx *ctx, struct concert_id concert, const char *source,
	bool *ret_stored);
enum fault queue_beacon_give(struct ctx *ctx, struct concert_id concert, const char *value,
	bool *ret_stored);
enum fault queue_checkpoint_save(struct ctx *ctx, struct concert_id concert,
	const struct queue_summary *summary);
enum fault queue_member_created(struct ctx *ctx, int64_t *ret_created_ms);
/* When ctx->member last bought of the concert, also if it was given back since; 0 never. */
enum fault queue_member_paid(struct ctx *ctx, struct concert_id concert, int64_t *ret_paid_ms);

#endif
