/* The queue's signed papers. A ticket is a receipt for a place: it puts the place back when Redis
 * lost it. A pass repeats a lease: it is looked at only when there is none to be seen. */
#ifndef CM_QUEUE_QUEUE_PASS_H
#define CM_QUEUE_QUEUE_PASS_H

#include "base/ctx.h"

struct queue_paper {
	struct concert_id concert;
	struct member_id member;
	int64_t epoch, number;
	int64_t kind;       /* ticket: 0 lobby index, 1 ticket number */
	int64_t issued_ms;
	int64_t expires_ms; /* pass: end of the lease */
};

enum fault queue_ticket_sign(struct ctx *ctx, const struct queue_paper *paper,
	const char **ret_ticket);
/* Faults: TOKEN_INVALID for anything that isn't ctx->member's ticket for this concert. */
enum fault queue_ticket_open(struct ctx *ctx, struct concert_id concert, const char *ticket,
	struct queue_paper *ret_paper);

enum fault queue_pass_sign(struct ctx *ctx, const struct queue_paper *paper, const char **ret_pass);
/* For the reservation side while Redis is away: is this ctx->member's running pass for the concert?
 * epoch is the queue's present one, 0 when unknown. pass may be NULL.
 * Faults: QUEUE_PASS_REQUIRED, QUEUE_PASS_EXPIRED. */
enum fault queue_pass_check(struct ctx *ctx, struct concert_id concert, int64_t epoch,
	const char *pass, struct queue_paper *ret_paper);

/* Puts a lease back that Redis lost in its last second: a checked pass whose member still has the
 * number and has not been served shows that there was one. Nothing happens otherwise.
 * *ret_lost: Redis has lost the whole queue, and nobody has begun to rebuild it. */
enum fault queue_turn_restore(struct ctx *ctx, const struct queue_paper *pass, bool *ret_lost);

/* The member's mark in the draw's transcript, under the server's key: nobody else can foresee it or
 * tell from it who joined. */
enum fault queue_member_tag(struct ctx *ctx, struct concert_id concert, const char **ret_tag);

/* Proof of work, without state: a challenge bound to member, concert and minute. */
enum fault queue_work_challenge(struct ctx *ctx, struct concert_id concert,
	const char **ret_challenge);
/* work is "challenge:nonce"; SHA-256 of the whole text must begin with bits zero bits. */
bool queue_work_valid(struct ctx *ctx, struct concert_id concert, const char *work, int64_t bits);

#endif
