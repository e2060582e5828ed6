#include "event/wake.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/conf.h"

#include "base/banned.h"

static bool make_address(const char *name, struct sockaddr_un *ret_address)
{
	const char *dir = conf_text(CONF_WAKE_DIR);
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*dir)
		return false;
	int length = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s/%s.wake",
		dir, name);
	return length > 0 && (size_t)length < sizeof(ret_address->sun_path);
}

void event_wake(const char *name)
{
	static int out = -1;
	struct sockaddr_un address;
	if (!make_address(name, &address))
		return;
	if (out < 0)
		out = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (out >= 0 && sendto(out, "", 1, MSG_NOSIGNAL, (const struct sockaddr *)&address,
		sizeof(address)) < 0)
		errno = 0; /* nobody listens, or it has enough of them: it polls */
}

static void wake_relay(struct ctx *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	event_wake("relay");
}

void event_wake_after(struct ctx *ctx)
{
	ctx_after(ctx, wake_relay, NULL);
}

int event_wake_open(const char *name)
{
	struct sockaddr_un address;
	if (!make_address(name, &address))
		return -1;
	int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -1;
	unlink(address.sun_path);
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(listener);
		return -1;
	}
	return listener;
}

void event_wake_drain(int socket)
{
	char byte[16];
	while (recv(socket, byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
}
