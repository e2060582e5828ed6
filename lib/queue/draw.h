/* The lobby's draw. Each place i of a lobby of N gets ticket draw_ticket(seed, i, N), a permutation
 * anybody can compute: the swap-or-not shuffle (Hoang, Morris, Rogaway 2012) with 90 rounds of
 * SHA-256, bit for bit compute_shuffled_index of the Ethereum consensus specification.
 *
 * The operator is bound by the commitment, published before the first join, to a secret s0 it
 * picked; it can't foresee the transcript, and the members don't know s0: nobody can aim. */
#ifndef CM_QUEUE_DRAW_H
#define CM_QUEUE_DRAW_H

#include <stdint.h>

enum { DRAW_BYTES = 32, DRAW_BEACON_BYTES = 1024 };

/* What goes into the seed: everything but s0 is public from the start, s0 after the draw. */
struct draw_input {
	const unsigned char *s0; /* DRAW_BYTES */
	const char *transcript;  /* hexadecimal text as Redis keeps it; "" when nobody joined */
	int64_t participants;    /* N */
	const char *beacon;      /* "" when none was named; shorter than DRAW_BEACON_BYTES */
};

/* SHA-256("cq/commit/1" || s0) */
void draw_commitment(const unsigned char s0[DRAW_BYTES], unsigned char commitment[DRAW_BYTES]);
/* SHA-256("cq/seed/1" || s0 || transcript || N as 8 bytes little-endian || beacon) */
void draw_seed(const struct draw_input *input, unsigned char seed[DRAW_BYTES]);
/* compute_shuffled_index of the specification; rounds <= 255, 0 <= index < count < 2^40. */
int64_t draw_shuffle(const unsigned char seed[DRAW_BYTES], int64_t index, int64_t count,
	unsigned rounds);
/* The ticket of place index: 90 rounds. */
int64_t draw_ticket(const unsigned char seed[DRAW_BYTES], int64_t index, int64_t participants);

#endif
