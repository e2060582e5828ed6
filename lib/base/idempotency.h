/* An Idempotency-Key on its way from the request to the statement that keeps the answer. */
#ifndef CM_BASE_IDEMPOTENCY_H
#define CM_BASE_IDEMPOTENCY_H

enum { IDEMPOTENCY_HASH_BYTES = 32 };

struct idempotency {
	const char *key; /* NULL: none */
	const unsigned char *hash; /* IDEMPOTENCY_HASH_BYTES, NULL without a key */
};

#endif
