/* argon2_alone PROCESSES SECONDS KIB PASSES: prints how many argon2id hashes a second so many
 * processes make that do nothing else. */
#include <argon2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Hashes a second of this process. */
static double hash_for(double seconds, uint32_t kib, uint32_t passes)
{
	unsigned char hash[32];
	double start = now(), end;
	long made = 0;
	do {
		if (argon2id_hash_raw(passes, kib, 1, "secret-password", 15, "0123456789abcdef", 16,
				      hash, sizeof(hash)) != ARGON2_OK)
			exit(1);
		made++;
		end = now();
	} while (end - start < seconds);
	return (double)made / (end - start);
}

int main(int argc, char **argv)
{
	int pipes[2];
	double sum = 0, rate;
	if (argc != 5 || pipe(pipes))
		return 2;
	long processes = strtol(argv[1], NULL, 10);
	for (long i = 0; i < processes; i++)
		if (fork() == 0) {
			rate = hash_for(strtod(argv[2], NULL), (uint32_t)strtoul(argv[3], NULL, 10),
					(uint32_t)strtoul(argv[4], NULL, 10));
			_exit(write(pipes[1], &rate, sizeof(rate)) != sizeof(rate));
		}
	for (long i = 0; i < processes; i++)
		if (read(pipes[0], &rate, sizeof(rate)) == sizeof(rate))
			sum += rate;
	while (wait(NULL) > 0)
		;
	printf("%.1f\n", sum);
	return 0;
}
