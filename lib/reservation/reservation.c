#include "reservation/reservation.h"

#include <string.h>

#include "base/conf.h"
#include "base/limits.h"
#include "base/str.h"
#include "concert/concert.h"
#include "concert/seat_state.h"
#include "queue/queue_pass.h"
#include "reservation/reservation_store.h"
#include "reservation/seat_lock.h"

#include "base/banned.h"

enum { STORE_TRIES = 6 };

static const enum fault hold_faults[HOLD_CODE_COUNT] = {
#define CODE(symbol, fault) [HOLD_##symbol] = FAULT_##fault,
	HOLD_CODES(CODE)
#undef CODE
};

static enum fault check_request(struct ctx *ctx, const struct hold_request *request)
{
	if (request->seat_count && (request->grade.value || request->count))
		return ctx_field_error(ctx, "gradeId", "conflict");
	if (request->seat_count > LIMIT_SEATS_PER_HOLD)
		return ctx_field_error(ctx, "seatIds", "length");
	for (size_t i = 0; i < request->seat_count; i++)
		for (size_t j = 0; j < i; j++)
			if (request->seats[i] == request->seats[j])
				return ctx_field_error(ctx, "seatIds", "duplicate");
	if (request->seat_count)
		return FAULT_NONE;
	if (!request->grade.value)
		return ctx_field_error(ctx, "seatId", "required");
	if (request->count < 1 || request->count > LIMIT_SEATS_PER_HOLD)
		return ctx_field_error(ctx, "count", request->count ? "range" : "required");
	return FAULT_NONE;
}

/* The first answer under the key, for requests the gate or a lock refused before the database saw
 * them; the refusal itself when the key is new. */
static enum fault replay_or(struct ctx *ctx, const struct hold_request *request,
	enum fault refusal, struct hold_outcome *ret_outcome)
{
	struct hold_outcome outcome;
	if (!request->idempotency.key)
		return refusal;
	enum fault fault = reservation_store_replay(ctx, &request->idempotency, &outcome);
	if (fault)
		return fault;
	if (outcome.code == HOLD_NONE)
		return refusal;
	*ret_outcome = outcome;
	return FAULT_NONE;
}

static void name_seats(struct ctx *ctx, const struct reserved_seat *seats, size_t count)
{
	struct strbuf extra;
	strbuf_init(&extra, ctx->arena);
	strbuf_text(&extra, "\"seats\":[");
	for (size_t i = 0; i < count; i++) {
		strbuf_text(&extra, i ? "," : "");
		seat_write_name(&extra, seats[i].id, seats[i].number);
	}
	strbuf_byte(&extra, ']');
	ctx->problem_extra = extra.data;
}

/* Asks for the locks within a small budget: whoever is just taking a seat nearly always gets it,
 * and waiting for that makes every refusal of a rush slow. Redis being away is ordinary: PostgreSQL
 * alone then decides, and nobody checks the queue. */
static enum fault take_locks(struct ctx *ctx, struct seat_lock *lock)
{
	enum fault fault = FAULT_NONE;
	for (int attempt = 0; attempt < conf_integer(CONF_SEAT_LOCK_TRIES); attempt++) {
		if (attempt)
			seat_lock_pause(attempt);
		fault = seat_lock_take(ctx, lock);
		if (fault || lock->code != SEAT_LOCK_BUSY)
			break;
	}
	if (fault) {
		lock->token = NULL;
		lock->code = SEAT_LOCK_TAKEN_BY_US; /* what an earlier call said no longer counts */
	}
	return FAULT_NONE;
}

static enum fault lock_refusal(struct ctx *ctx, const struct seat_lock *lock)
{
	struct reserved_seat busy = { .id = { lock->busy_seat } };
	switch (lock->code) {
	case SEAT_LOCK_NO_PASS:
		return FAULT_QUEUE_PASS_REQUIRED;
	case SEAT_LOCK_PASS_ENDED:
		return FAULT_QUEUE_PASS_EXPIRED;
	case SEAT_LOCK_BUSY:
		name_seats(ctx, &busy, 1);
		return FAULT_SEAT_TAKEN;
	case SEAT_LOCK_TAKEN_BY_US:
		break;
	}
	return FAULT_NONE;
}

/* A pass is for one purchase: those issued before the member bought are used. */
static enum fault check_paper(struct ctx *ctx, const struct hold_request *request,
	const struct queue_gate *gate, struct queue_paper *ret_pass)
{
	struct queue_paper pass;
	enum fault fault = queue_pass_check(ctx, request->concert, gate->epoch, request->pass, &pass);
	if (fault)
		return fault;
	if (gate->paid_ms >= pass.issued_ms)
		return FAULT_QUEUE_PASS_REQUIRED;
	*ret_pass = pass;
	return FAULT_NONE;
}

/* Without Redis nobody new is let in, but those inside carry a signed pass; who may buy which seat
 * is PostgreSQL's to say as ever. */
static enum fault check_pass(struct ctx *ctx, const struct hold_request *request)
{
	struct queue_paper pass;
	struct queue_gate gate;
	const char *mode = conf_text(CONF_QUEUE_STORE_DOWN);
	if (strcmp(mode, "open") == 0)
		return FAULT_NONE;
	enum fault fault = reservation_store_gate(ctx, request->concert, &gate);
	if (fault || !gate.epoch)
		return fault;
	if (strcmp(mode, "closed") == 0)
		return FAULT_REDIS_AWAY;
	return check_paper(ctx, request, &gate, &pass);
}

/* A refusal by the gate is looked at again: a concert may have no queue, or not exist, and Redis
 * may have lost the turn that the member's pass tells of. */
static enum fault pass_gate(struct ctx *ctx, const struct hold_request *request,
	struct seat_lock *lock)
{
	struct queue_gate gate;
	struct queue_paper pass;
	enum fault fault = take_locks(ctx, lock);
	if (fault || (lock->code != SEAT_LOCK_NO_PASS && lock->code != SEAT_LOCK_PASS_ENDED))
		return fault;
	if ((fault = reservation_store_gate(ctx, lock->concert, &gate)))
		return fault;
	bool is_lost = false;
	if (gate.epoch && (lock->code != SEAT_LOCK_NO_PASS
			|| check_paper(ctx, request, &gate, &pass)
			|| queue_turn_restore(ctx, &pass, &is_lost)))
		return FAULT_NONE;
	if (!gate.epoch || is_lost)
		lock->has_gate = false; /* lost: the pass alone counts, as without Redis */
	return take_locks(ctx, lock);
}

static enum fault call_store(struct ctx *ctx, const struct hold_request *request,
	struct hold_outcome *ret_outcome)
{
	enum fault fault = FAULT_NONE;
	/* a chosen seat has its one budget; of best neighbours others are left */
	int64_t busy_tries = request->seat_count ? conf_integer(CONF_SEAT_LOCK_TRIES) : STORE_TRIES;
	for (int attempt = 0; attempt < STORE_TRIES; attempt++) {
		if (attempt)
			seat_lock_pause(attempt);
		fault = reservation_store_hold(ctx, request, ret_outcome);
		if (fault && fault != FAULT_DATABASE_RETRY)
			return fault;
		if (!fault && (ret_outcome->code != HOLD_BUSY || attempt + 1 >= busy_tries))
			return FAULT_NONE;
	}
	return fault;
}

struct unlocking {
	struct seat_lock lock;
	const struct reservation *reservation;
};

static void unlock_after(struct ctx *ctx, void *arg)
{
	const struct unlocking *unlocking = arg;
	seat_lock_done(ctx, &unlocking->lock, unlocking->reservation);
}

/* After an unknown outcome the database may still be at work: the locks then end by themselves. */
static void unlock_later(struct ctx *ctx, const struct seat_lock *lock,
	const struct reservation *reservation, enum fault fault)
{
	if (fault == FAULT_OUTCOME_UNKNOWN)
		return;
	struct unlocking *unlocking = arena_alloc(ctx->arena, sizeof(*unlocking));
	int64_t *seats = arena_array(ctx->arena, lock->seat_count, sizeof(*seats));
	for (size_t i = 0; i < lock->seat_count; i++)
		seats[i] = lock->seats[i]; /* the caller's list may end with the handler */
	*unlocking = (struct unlocking){ .lock = *lock, .reservation = reservation };
	unlocking->lock.seats = seats;
	ctx_after(ctx, unlock_after, unlocking);
}

static enum fault outcome_fault(struct ctx *ctx, const struct hold_request *request,
	const struct hold_outcome *outcome)
{
	struct reserved_seat busy = { .id = { request->seat_count ? request->seats[0] : 0 } };
	if (outcome->code == HOLD_SEAT_TAKEN)
		name_seats(ctx, outcome->taken, outcome->taken_count);
	else if (outcome->code == HOLD_GRADE_NOT_FOUND)
		return ctx_field_error(ctx, "gradeId", "choice");
	else if (outcome->code == HOLD_BUSY && !request->seat_count)
		return FAULT_DATABASE_BUSY; /* seats are left, but everybody reaches for them */
	else if (outcome->code == HOLD_BUSY)
		name_seats(ctx, &busy, 1);
	return hold_faults[outcome->code];
}

enum fault reservation_hold(struct ctx *ctx, const struct hold_request *request,
	struct hold *ret_hold)
{
	struct seat_lock lock = { .concert = request->concert, .seats = request->seats,
		.seat_count = request->seat_count, .has_gate = true };
	struct hold_outcome outcome = { 0 };
	struct hold *hold = arena_alloc(ctx->arena, sizeof(*hold));
	enum fault fault = check_request(ctx, request);
	if (fault)
		return fault;
	if ((fault = pass_gate(ctx, request, &lock)))
		return fault;
	if (!lock.token && lock.code == SEAT_LOCK_TAKEN_BY_US && (fault = check_pass(ctx, request)))
		return fault;
	if ((fault = lock_refusal(ctx, &lock)))
		fault = replay_or(ctx, request, fault, &outcome);
	else {
		fault = call_store(ctx, request, &outcome);
		hold->reservation = outcome.reservation;
		bool held = !fault && outcome.code == HOLD_HELD && !outcome.is_replayed;
		unlock_later(ctx, &lock, held ? &hold->reservation : NULL, fault);
	}
	if (fault)
		return fault;
	ret_hold->is_replayed = outcome.is_replayed;
	if ((fault = outcome_fault(ctx, request, &outcome)))
		return fault;
	ret_hold->reservation = outcome.reservation;
	ret_hold->is_new = outcome.code == HOLD_HELD;
	return FAULT_NONE;
}

enum fault reservation_get(struct ctx *ctx, struct reservation_id id,
	struct reservation *ret_reservation)
{
	return reservation_store_get(ctx, id, ret_reservation);
}

enum fault reservation_list(struct ctx *ctx, const struct reservation_filter *filter,
	struct reservation_list *ret_list)
{
	return reservation_store_list(ctx, filter, ret_list);
}

static void tell_free(struct ctx *ctx, struct concert_id concert, const struct reserved_seat *seats,
	size_t count)
{
	int64_t *positions = arena_array(ctx->arena, count, sizeof(*positions));
	for (size_t i = 0; i < count; i++)
		positions[i] = seats[i].position;
	seat_state_changed(ctx, concert, SEAT_AVAILABLE, positions, count);
}

static enum fault refund(struct ctx *ctx, struct reservation_id id,
	const struct cancel_outcome *paid, const struct idempotency *idempotency,
	struct cancellation *ret_cancellation)
{
	static const enum fault faults[REFUND_CODE_COUNT] = {
		[REFUND_NOT_FOUND] = FAULT_RESERVATION_NOT_FOUND,
		[REFUND_NOT_PAID] = FAULT_INTERNAL,
		[REFUND_TICKET_USED] = FAULT_TICKET_USED,
		[REFUND_AMOUNT] = FAULT_INTERNAL,
	};
	struct refund_outcome outcome;
	struct refund_quote quote = refund_quote(ctx->arena, &paid->ladder, &paid->refund_case);
	if (!quote.is_allowed)
		return FAULT_REFUND_CLOSED;
	enum fault fault = reservation_store_refund(ctx, id, &quote, idempotency, &outcome);
	if (fault || (fault = faults[outcome.code]))
		return fault;
	tell_free(ctx, outcome.concert, outcome.seats, outcome.seat_count);
	*ret_cancellation = (struct cancellation){ .status = outcome.status,
		.refund_amount = outcome.refund_amount, .fee = outcome.fee };
	return FAULT_NONE;
}

enum fault reservation_cancel(struct ctx *ctx, struct reservation_id id,
	const struct idempotency *idempotency, struct cancellation *ret_cancellation)
{
	static const enum fault faults[CANCEL_CODE_COUNT] = {
		[CANCEL_EXPIRED] = FAULT_RESERVATION_EXPIRED,
		[CANCEL_PAYING] = FAULT_PAYMENT_IN_PROGRESS,
		[CANCEL_NOT_FOUND] = FAULT_RESERVATION_NOT_FOUND,
		[CANCEL_KEY_RUNNING] = FAULT_REQUEST_IN_PROGRESS,
		[CANCEL_KEY_REUSED] = FAULT_IDEMPOTENCY_KEY_REUSED,
	};
	struct cancel_outcome outcome;
	enum fault fault = FAULT_DATABASE_RETRY;
	for (int attempt = 0; attempt < STORE_TRIES && fault == FAULT_DATABASE_RETRY; attempt++)
		fault = reservation_store_cancel(ctx, id, idempotency, &outcome);
	if (fault || (fault = faults[outcome.code]))
		return fault;
	if (outcome.code == CANCEL_PAID)
		return refund(ctx, id, &outcome, idempotency, ret_cancellation);
	if (outcome.code == CANCEL_CANCELLED)
		tell_free(ctx, outcome.concert, outcome.seats, outcome.seat_count);
	*ret_cancellation = (struct cancellation){ .status = outcome.status,
		.refund_amount = outcome.refund_amount, .fee = outcome.fee,
		.is_replayed = outcome.is_replayed };
	return FAULT_NONE;
}

enum fault reservation_expire(struct ctx *ctx, int64_t limit, int64_t *ret_seats)
{
	const struct expired_seat *seats;
	size_t count;
	enum fault fault = reservation_store_expire(ctx, limit, &seats, &count);
	if (fault)
		return fault;
	int64_t *positions = arena_array(ctx->arena, count, sizeof(*positions));
	for (size_t from = 0, i = 0; i < count; i++) {
		positions[i] = seats[i].position;
		if (i + 1 < count && seats[i + 1].concert.value == seats[i].concert.value)
			continue;
		seat_state_changed(ctx, seats[i].concert, SEAT_AVAILABLE, positions + from, i + 1 - from);
		from = i + 1;
	}
	*ret_seats = (int64_t)count;
	return FAULT_NONE;
}
