#include "base/point.h"

#ifdef CM_POINTS

#include <signal.h>
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

void point_reached(const char *name)
{
	static long passed;
	const char *wanted = getenv("CM_POINT");
	if (!wanted || !*wanted)
		return;
	if (*wanted == '?') {
		if (die_by_chance(strtol(wanted + 2, NULL, 10)))
			raise(SIGKILL);
		return;
	}
	size_t length = strcspn(wanted, ":");
	long nth = wanted[length] ? strtol(wanted + length + 1, NULL, 10) : 1;
	if (strncmp(wanted, "*", length) != 0
		&& (strlen(name) != length || strncmp(wanted, name, length) != 0))
		return;
	if (++passed == nth)
		raise(SIGKILL);
}

#else

/* ISO C wants a declaration in every file. */
extern const char point_none;
const char point_none = 0;

#endif
