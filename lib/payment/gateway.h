/* A payment gateway as the domain sees it. One running process chooses between implementations
 * (CM_GATEWAY for new attempts, the name on record for old ones), hence a struct of functions.
 *
 * No function fails: whatever goes wrong on the way is GATEWAY_UNKNOWN, and unknown is asked again.
 * Repeating confirm or refund with the same order or refund id must charge or give back once. */
#ifndef CM_PAYMENT_GATEWAY_H
#define CM_PAYMENT_GATEWAY_H

#include "base/ctx.h"

enum gateway_outcome {
	GATEWAY_UNKNOWN,  /* time-out, 5xx, nonsense: ask again */
	GATEWAY_SUCCESS,  /* the money was taken, or given back */
	GATEWAY_DECLINED, /* final: no money was taken, and none will be for this order */
	GATEWAY_ABSENT,   /* only of query: no such order there, unless it is still on its way */
};

struct gateway_charge {
	const char *order_id; /* ours, unique per attempt; the idempotency key derives from it */
	int64_t amount;
	const char *currency;
	const char *key;      /* the gateway's own key of the payment; may be NULL */
	const char *script;   /* sandbox only; may be NULL */
};

struct gateway_refund {
	const struct gateway_charge *charge;
	int64_t id; /* ours, unique per refund */
	int64_t amount;
	int tries;  /* made before this one, whose outcome wasn't success */
	const char *reason;
};

/* Texts live in the arena. */
struct gateway_answer {
	enum gateway_outcome outcome;
	const char *key;     /* may be NULL */
	const char *code;    /* why declined or unknown; may be NULL */
	const char *message; /* the gateway's words; may be NULL */
};

struct gateway {
	const char *name;
	void (*confirm)(struct ctx *ctx, const struct gateway_charge *charge,
		struct gateway_answer *ret_answer);
	/* What became of a charge. */
	void (*query)(struct ctx *ctx, const struct gateway_charge *charge,
		struct gateway_answer *ret_answer);
	void (*refund)(struct ctx *ctx, const struct gateway_refund *refund,
		struct gateway_answer *ret_answer);
};

/* NULL when there is none of that name in this program. */
const struct gateway *gateway_find(const char *name);

extern const struct gateway gateway_sandbox;
extern const struct gateway gateway_toss;

#endif
