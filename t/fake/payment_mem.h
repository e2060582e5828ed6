/* payment_store.h, a gateway and what payments tell, in memory: what a test wants to be answered,
 * and what was asked. */
#ifndef CM_T_FAKE_PAYMENT_MEM_H
#define CM_T_FAKE_PAYMENT_MEM_H

#include "payment/payment_store.h"

enum { PAYMENT_CALLS = 128, PAYMENT_HELD_MS = 500000 };

struct payment_memory {
	/* the store's answers */
	enum fault begin_fault, settle_fault, refund_fault;
	int settle_faults; /* so many settles fail with settle_fault; -1: all */
	const char *begin_code, *begin_status; /* a replayed row has a status */
	bool is_replayed;
	const char *settled_before; /* how somebody else settled it; NULL: nobody did */
	struct payment_due due[4];
	size_t charges_due, refunds_due; /* due[] holds charges, then refunds */
	struct payment_paid paid[PAYMENT_CALLS];
	size_t paid_count;
	bool is_cancelled;

	/* the gateway's answers */
	enum gateway_outcome outcome;
	const char *gateway_code;

	/* what was asked for */
	int begins, settles, confirms, queries, refunds, went_on;
	struct gateway_charge charge;
	struct gateway_refund refund;
	enum gateway_outcome settled[PAYMENT_CALLS], refunded[PAYMENT_CALLS];
	bool refund_is_final;
	int refunds_settled, refunds_begun;
	int turns_ended;
	int64_t turns_before_ms;
	int seats_told;
	char letter;
};

extern struct payment_memory payment_memory;

#endif
