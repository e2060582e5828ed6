#include "base/point.h"

#ifdef CM_POINTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "base/banned.h"

static int die_by_chance(long one_in)
{
	static unsigned state;
	if (!state)
		state = (unsigned)clock_monotonic_us() * 2654435761u + (unsigned)getpid();
	state = state * 1103515245u + 12345u;
	return one_in > 0 && (state >> 16) % (unsigned)one_in == 0;
}

/* Told before, because nobody can tell afterwards: in the file CM_POINT_LOG names. */
static void die(const char *name)
{
	const char *path = getenv("CM_POINT_LOG");
	int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
	if (file >= 0)
		dprintf(file, "%s %s %ld\n", name, program_invocation_short_name, (long)getpid());
	raise(SIGKILL);
}

/* Whoever can take the order away is the one it was meant for. */
static int is_ordered(const char *folder, const char *name)
{
	char path[512];
	int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
	return length > 0 && (size_t)length < sizeof(path) && unlink(path) == 0;
}

void point_reached(const char *name)
{
	static long passed;
	const char *wanted = getenv("CM_POINT");
	if (!wanted || !*wanted)
		return;
	if (*wanted == '@' || *wanted == '?') {
		if (*wanted == '@' ? is_ordered(wanted + 1, name)
			: die_by_chance(strtol(wanted + 2, NULL, 10)))
			die(name);
		return;
	}
	size_t length = strcspn(wanted, ":");
	long nth = wanted[length] ? strtol(wanted + length + 1, NULL, 10) : 1;
	if (strncmp(wanted, "*", length) != 0
		&& (strlen(name) != length || strncmp(wanted, name, length) != 0))
		return;
	if (++passed == nth)
		die(name);
}

#else

/* ISO C wants a declaration in every file. */
extern const char point_none;
const char point_none = 0;

#endif
