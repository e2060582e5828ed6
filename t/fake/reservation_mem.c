#include "fake/reservation_mem.h"

#include "base/banned.h"
#include "base/str.h"
#include "concert/concert.h"
#include "queue/queue_pass.h"

struct reservation_memory reservation_memory;

static bool is_left(int *count)
{
	if (!*count)
		return false;
	*count -= *count > 0;
	return true;
}

enum fault reservation_store_hold(struct ctx *ctx, const struct hold_request *request,
	struct hold_outcome *ret_outcome)
{
	(void)ctx;
	(void)request;
	reservation_memory.holds++;
	if (is_left(&reservation_memory.failing_holds))
		return reservation_memory.hold_fault;
	*ret_outcome = reservation_memory.hold;
	if (is_left(&reservation_memory.busy_holds))
		*ret_outcome = (struct hold_outcome){ .code = HOLD_BUSY };
	return FAULT_NONE;
}

enum fault reservation_store_replay(struct ctx *ctx, const struct idempotency *idempotency,
	struct hold_outcome *ret_outcome)
{
	(void)ctx;
	(void)idempotency;
	reservation_memory.replays++;
	*ret_outcome = reservation_memory.replay;
	return FAULT_NONE;
}

enum fault reservation_store_get(struct ctx *ctx, struct reservation_id id,
	struct reservation *ret_reservation)
{
	(void)ctx;
	*ret_reservation = (struct reservation){ .id = id };
	return FAULT_NONE;
}

enum fault reservation_store_list(struct ctx *ctx, const struct reservation_filter *filter,
	struct reservation_list *ret_list)
{
	(void)ctx;
	(void)filter;
	*ret_list = (struct reservation_list){ .count = 0 };
	return FAULT_NONE;
}

enum fault reservation_store_cancel(struct ctx *ctx, struct reservation_id id,
	const struct idempotency *idempotency, struct cancel_outcome *ret_outcome)
{
	(void)ctx;
	(void)id;
	(void)idempotency;
	reservation_memory.cancels++;
	if (is_left(&reservation_memory.failing_cancels))
		return reservation_memory.cancel_fault;
	*ret_outcome = reservation_memory.cancel;
	return FAULT_NONE;
}

enum fault reservation_store_refund(struct ctx *ctx, struct reservation_id id,
	const struct refund_quote *quote, const struct idempotency *idempotency,
	struct refund_outcome *ret_outcome)
{
	(void)ctx;
	(void)id;
	(void)idempotency;
	reservation_memory.refunds++;
	reservation_memory.quote = *quote;
	*ret_outcome = reservation_memory.refund;
	return FAULT_NONE;
}

enum fault reservation_store_expire(struct ctx *ctx, int64_t limit,
	const struct expired_seat **ret_seats, size_t *ret_count)
{
	(void)ctx;
	(void)limit;
	*ret_seats = reservation_memory.expired;
	*ret_count = reservation_memory.expired_count;
	return FAULT_NONE;
}

enum fault reservation_store_gate(struct ctx *ctx, struct concert_id concert,
	struct queue_gate *ret_gate)
{
	(void)ctx;
	(void)concert;
	reservation_memory.gates++;
	*ret_gate = (struct queue_gate){ reservation_memory.epoch, reservation_memory.paid_ms };
	return FAULT_NONE;
}

enum fault seat_lock_take(struct ctx *ctx, struct seat_lock *lock)
{
	(void)ctx;
	reservation_memory.locks++;
	if (reservation_memory.lock_fault)
		return reservation_memory.lock_fault;
	lock->code = lock->has_gate ? reservation_memory.lock_code : SEAT_LOCK_TAKEN_BY_US;
	if (is_left(&reservation_memory.busy_locks))
		lock->code = SEAT_LOCK_BUSY;
	if (lock->code == SEAT_LOCK_BUSY)
		lock->busy_seat = lock->seats[0];
	lock->token = lock->code == SEAT_LOCK_TAKEN_BY_US ? "token" : NULL;
	reservation_memory.locked_with_gate = lock->has_gate;
	return FAULT_NONE;
}

void seat_lock_done(struct ctx *ctx, const struct seat_lock *lock,
	const struct reservation *reservation)
{
	(void)ctx;
	(void)lock;
	reservation_memory.unlocks++;
	reservation_memory.held = reservation;
}

void seat_lock_pause(int attempt)
{
	(void)attempt;
	reservation_memory.pauses++;
}

enum fault queue_pass_check(struct ctx *ctx, struct concert_id concert, int64_t epoch,
	const char *pass, struct queue_paper *ret_paper)
{
	(void)ctx;
	(void)concert;
	(void)epoch;
	(void)pass;
	*ret_paper = (struct queue_paper){ .issued_ms = reservation_memory.pass_issued_ms };
	reservation_memory.passes++;
	return reservation_memory.pass_fault;
}

enum fault queue_turn_restore(struct ctx *ctx, const struct queue_paper *pass, bool *ret_lost)
{
	(void)ctx;
	(void)pass;
	*ret_lost = reservation_memory.is_queue_lost;
	reservation_memory.restores++;
	return reservation_memory.restore_fault;
}

void seat_state_changed(struct ctx *ctx, struct concert_id concert, enum seat_letter letter,
	const int64_t *positions, size_t count)
{
	(void)ctx;
	(void)concert;
	(void)positions;
	reservation_memory.told_times++;
	reservation_memory.told_seats += count;
	reservation_memory.letter = (char)letter;
}

void seat_write_name(struct strbuf *out, struct seat_id id, const char *number)
{
	strbuf_printf(out, "%lld:%s", (long long)id.value, number ? number : "");
}
