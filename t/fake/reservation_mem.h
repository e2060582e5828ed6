/* reservation_store.h, seat_lock.h and what reservations ask of others, in memory: what a test
 * wants to be answered, and what was asked. */
#ifndef CM_T_FAKE_RESERVATION_MEM_H
#define CM_T_FAKE_RESERVATION_MEM_H

#include "reservation/reservation_store.h"
#include "reservation/seat_lock.h"

struct reservation_memory {
	/* the store's answers */
	struct hold_outcome hold, replay;
	enum fault hold_fault;
	int busy_holds, failing_holds; /* so many answer BUSY, or hold_fault; -1: all */
	struct cancel_outcome cancel;
	enum fault cancel_fault;
	int failing_cancels;
	struct refund_outcome refund;
	int64_t epoch, paid_ms;
	const struct expired_seat *expired;
	size_t expired_count;

	/* the lock's and the queue's */
	enum fault lock_fault, pass_fault, restore_fault;
	int64_t pass_issued_ms;
	bool is_queue_lost;
	enum seat_lock_code lock_code;
	int busy_locks; /* so many answer BUSY first */

	/* what was asked for */
	int holds, replays, cancels, refunds, locks, pauses, gates, passes, restores;
	struct refund_quote quote;
	bool locked_with_gate;
	int unlocks;
	const struct reservation *held; /* as told to the lock */
	int told_times;
	size_t told_seats;
	char letter;
};

extern struct reservation_memory reservation_memory;

#endif
