#include "queue/draw.h"

#include <string.h>

#include "base/banned.h"
#include "queue/hash.h"

enum { ROUNDS = 90, POSITIONS_PER_HASH = 256 };

void draw_commitment(const unsigned char s0[DRAW_BYTES], unsigned char commitment[DRAW_BYTES])
{
	static const char label[] = "cq/commit/1";
	unsigned char text[sizeof label - 1 + DRAW_BYTES];
	memcpy(text, label, sizeof label - 1);
	memcpy(text + sizeof label - 1, s0, DRAW_BYTES);
	hash_sha256(text, sizeof text, commitment);
}

static void little_endian(unsigned char *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

void draw_seed(const struct draw_input *input, unsigned char seed[DRAW_BYTES])
{
	static const char label[] = "cq/seed/1";
	unsigned char text[256 + DRAW_BEACON_BYTES];
	size_t length = 0, transcript = strnlen(input->transcript, 128);
	size_t beacon = strnlen(input->beacon, DRAW_BEACON_BYTES);
	memcpy(text, label, sizeof label - 1);
	length += sizeof label - 1;
	memcpy(text + length, input->s0, DRAW_BYTES);
	length += DRAW_BYTES;
	memcpy(text + length, input->transcript, transcript);
	length += transcript;
	little_endian(text + length, (uint64_t)input->participants, 8);
	length += 8;
	memcpy(text + length, input->beacon, beacon);
	hash_sha256(text, length + beacon, seed);
}

int64_t draw_shuffle(const unsigned char seed[DRAW_BYTES], int64_t index, int64_t count,
	unsigned rounds)
{
	unsigned char text[DRAW_BYTES + 5], hash[HASH_BYTES];
	uint64_t n = (uint64_t)count, i = (uint64_t)index;
	memcpy(text, seed, DRAW_BYTES);
	for (unsigned round = 0; round < rounds; round++) {
		text[DRAW_BYTES] = (unsigned char)round;
		hash_sha256(text, DRAW_BYTES + 1, hash);
		uint64_t pivot = 0;
		for (int byte = 7; byte >= 0; byte--)
			pivot = pivot << 8 | hash[byte];
		uint64_t flip = (pivot % n + n - i) % n;
		uint64_t position = i > flip ? i : flip;
		little_endian(text + DRAW_BYTES + 1, position / POSITIONS_PER_HASH, 4);
		hash_sha256(text, sizeof text, hash);
		if (hash[position % POSITIONS_PER_HASH / 8] >> (position % 8) & 1)
			i = flip;
	}
	return (int64_t)i;
}

int64_t draw_ticket(const unsigned char seed[DRAW_BYTES], int64_t index, int64_t participants)
{
	return draw_shuffle(seed, index, participants, ROUNDS);
}
