/* Runs a fuzz target without libFuzzer: files named as arguments, else the seeds and FUZZ_RUNS
 * (default 5000) mutations of them from a fixed seed (FUZZ_SEED), as one TAP test. With
 * -DLIBFUZZER it is libFuzzer's entry instead. */
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/conf.h"
#include "fuzz.h"

#include "base/banned.h"

enum { INPUT_MOST = 6000 };

static struct ctx ctx;
static uint64_t state = 88172645463325252u;

static void start(void)
{
	const char *error;
	if (ctx.arena)
		return;
	setenv("CM_TOKEN_KEYS", "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", 1);
	if (!conf_load(&error) || !token_keys_load(conf_text(CONF_TOKEN_KEYS), &error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	ctx_init(&ctx, arena_new(64 << 20));
}

static void run(const char *bytes, size_t length)
{
	char *copy = malloc(length + 1);
	if (!copy)
		abort();
	memcpy(copy, bytes, length);
	copy[length] = '\0';
	fuzz_one(&ctx, copy, length);
	free(copy);
	ctx_reset(&ctx);
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	start();
	run((const char *)bytes, length);
	return 0;
}
#else

static size_t pick(size_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % bound);
}

static size_t put(char *input, size_t length, const char *piece, size_t size)
{
	size_t at = pick(length + 1);
	if (length + size > INPUT_MOST)
		return length;
	memmove(input + at + size, input + at, length - at);
	memcpy(input + at, piece, size);
	return length + size;
}

static size_t cut(char *input, size_t length)
{
	if (length < 2)
		return length;
	size_t at = pick(length), size = 1 + pick(length - at);
	memmove(input + at, input + at + size, length - at - size);
	return length - size;
}

static size_t mutate(char *input, size_t length, const char *other)
{
	static const char *const pieces[] = {"\\u0000", "\xc0\x80", "\xed\xa0\x80", "\\ud800", "%00",
					     "9223372036854775808", "-0", "1e999", "\"", "{", "[",
					     "%", ".", "/", "=", "\xff", "null"};
	char byte = (char)pick(256);
	const char *piece = pieces[pick(sizeof(pieces) / sizeof(*pieces))];
	switch (pick(5)) {
	case 0:
		return put(input, length, piece, strlen(piece));
	case 1:
		return put(input, length, &byte, 1);
	case 2:
		return cut(input, length);
	case 3:
		return put(input, length, other, strlen(other));
	default:
		if (length)
			input[pick(length)] ^= (char)(1 << pick(8));
		return length;
	}
}

static void run_mutations(long runs, size_t seeds)
{
	static char input[INPUT_MOST];
	for (long i = 0; i < runs; i++) {
		const char *seed = fuzz_seeds[pick(seeds)];
		size_t length = strlen(seed) < INPUT_MOST ? strlen(seed) : INPUT_MOST;
		memcpy(input, seed, length);
		for (size_t steps = 1 + pick(6); steps; steps--)
			length = mutate(input, length, fuzz_seeds[pick(seeds)]);
		run(input, length);
	}
}

static void run_file(const char *path)
{
	static char input[1 << 20];
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	run(input, fread(input, 1, sizeof(input), file));
	fclose(file);
}

int main(int argc, char **argv)
{
	const char *runs = getenv("FUZZ_RUNS"), *seed = getenv("FUZZ_SEED");
	size_t seeds = 0;
	start();
	if (seed)
		state ^= strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15u;
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	for (; fuzz_seeds[seeds]; seeds++)
		run(fuzz_seeds[seeds], strlen(fuzz_seeds[seeds]));
	run_mutations(runs ? strtol(runs, NULL, 10) : argc > 1 ? 0 : 5000, seeds);
	printf("1..1\nok 1 - %s\n", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
	return 0;
}
#endif
