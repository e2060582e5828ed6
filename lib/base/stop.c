#include "base/stop.h"

#include <signal.h>

#include "base/banned.h"

bool stop_asked(void)
{
	sigset_t pending;
	sigpending(&pending);
	return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT)
		|| sigismember(&pending, SIGHUP);
}
