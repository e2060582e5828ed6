#define _GNU_SOURCE /* strcasestr */

#include "rush.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { ANSWER_BYTES = 512 * 1024, EVENTS = 256 };

struct due {
	int64_t at_us;
	int64_t member;
};

struct connection {
	int fd; /* -1: not connected */
	int64_t member; /* -1: idle */
	char *out, *in;
	size_t out_length, out_sent, in_length;
	int64_t start_us;
};

struct wire {
	struct rush *rush;
	struct addrinfo *address;
	struct due *heap; /* earliest first */
	size_t heap_size;
	struct connection *connections;
	int epoll;
};

int64_t wire_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void swap(struct due *a, struct due *b)
{
	struct due kept = *a;
	*a = *b;
	*b = kept;
}

static void push(struct wire *wire, int64_t member, int64_t at_us)
{
	size_t i = wire->heap_size++;
	wire->heap[i] = (struct due){ at_us, member };
	for (; i && wire->heap[i].at_us < wire->heap[(i - 1) / 2].at_us; i = (i - 1) / 2)
		swap(&wire->heap[i], &wire->heap[(i - 1) / 2]);
}

static int64_t pop(struct wire *wire)
{
	int64_t member = wire->heap[0].member;
	wire->heap[0] = wire->heap[--wire->heap_size];
	for (size_t i = 0, least; (least = 2 * i + 1) < wire->heap_size; i = least) {
		if (least + 1 < wire->heap_size
			&& wire->heap[least + 1].at_us < wire->heap[least].at_us)
			least++;
		if (wire->heap[i].at_us <= wire->heap[least].at_us)
			break;
		swap(&wire->heap[i], &wire->heap[least]);
	}
	return member;
}

static void watch(struct wire *wire, struct connection *connection, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = connection };
	epoll_ctl(wire->epoll, operation, connection->fd, &event);
}

static bool open_connection(struct wire *wire, struct connection *connection)
{
	int on = 1;
	connection->fd = socket(wire->address->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connection->fd < 0)
		return false;
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(connection->fd, wire->address->ai_addr, wire->address->ai_addrlen)
		&& errno != EINPROGRESS) {
		close(connection->fd);
		connection->fd = -1;
		return false;
	}
	watch(wire, connection, EPOLL_CTL_ADD, EPOLLOUT);
	return true;
}

static void close_connection(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
}

/* The member has its answer (status 0: none) and goes on, or is done. */
static void finish(struct wire *wire, struct connection *connection, int status, const char *body)
{
	struct rush *rush = wire->rush;
	int64_t index = connection->member;
	struct member *member = &rush->members[index];
	struct answer answer = { status, body, connection->start_us, wire_now_us() };
	int64_t pause_us = journey_answer(rush, member, &answer);
	connection->member = -1;
	connection->in_length = 0;
	if (member->step == STEP_DONE)
		rush->left--;
	else /* who holds a seat goes before those who haven't started */
		push(wire, index, member->step > STEP_HOLD && !pause_us ? 0 : answer.end_us + pause_us);
	arena_reset(rush->arena);
}

static void start(struct wire *wire, struct connection *connection, int64_t member)
{
	struct strbuf out;
	strbuf_init(&out, wire->rush->arena);
	journey_request(wire->rush, &wire->rush->members[member], &out);
	free(connection->out);
	connection->out = strndup(out.data, out.length);
	connection->out_length = out.length;
	connection->out_sent = 0;
	connection->in_length = 0;
	connection->member = member;
	connection->start_us = wire_now_us();
	arena_reset(wire->rush->arena);
	if (connection->fd < 0 && !open_connection(wire, connection))
		finish(wire, connection, 0, NULL);
	else
		watch(wire, connection, EPOLL_CTL_MOD, EPOLLOUT);
}

static void broken(struct wire *wire, struct connection *connection)
{
	close_connection(connection);
	if (connection->member >= 0)
		finish(wire, connection, 0, NULL);
}

static void send_more(struct wire *wire, struct connection *connection)
{
	ssize_t sent = send(connection->fd, connection->out + connection->out_sent,
		connection->out_length - connection->out_sent, MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno != EAGAIN)
			broken(wire, connection);
		return;
	}
	connection->out_sent += (size_t)sent;
	if (connection->out_sent == connection->out_length)
		watch(wire, connection, EPOLL_CTL_MOD, EPOLLIN);
}

/* Reads the answer when it is complete: every one of ours has a Content-Length or no body. */
static void look(struct wire *wire, struct connection *connection)
{
	connection->in[connection->in_length] = '\0';
	char *end = strstr(connection->in, "\r\n\r\n");
	if (!end)
		return;
	int status = (int)strtol(connection->in + 9, NULL, 10);
	const char *length = strcasestr(connection->in, "\r\ncontent-length:");
	size_t wanted = length && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0;
	if (connection->in_length < (size_t)(end + 4 - connection->in) + wanted)
		return;
	const char *closing = strcasestr(connection->in, "\r\nconnection: close");
	bool is_closing = closing && closing < end;
	finish(wire, connection, status >= 100 && status < 600 ? status : 0, end + 4);
	if (is_closing)
		close_connection(connection);
}

static void receive_more(struct wire *wire, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->in + connection->in_length,
		ANSWER_BYTES - 1 - connection->in_length, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		broken(wire, connection);
		return;
	}
	connection->in_length += (size_t)got;
	if (connection->member >= 0)
		look(wire, connection);
	else
		broken(wire, connection);
}

static void handle(struct wire *wire, const struct epoll_event *event)
{
	struct connection *connection = event->data.ptr;
	if (connection->fd < 0)
		return;
	if (event->events & EPOLLOUT && connection->member >= 0)
		send_more(wire, connection);
	else if (event->events & EPOLLIN)
		receive_more(wire, connection);
	else if (event->events & (EPOLLERR | EPOLLHUP))
		broken(wire, connection);
}

/* Gives due members to idle connections; returns how long to wait for the next one (ms). */
static int give_work(struct wire *wire)
{
	int64_t now_us = wire_now_us();
	for (int64_t i = 0; i < wire->rush->options.connections; i++) {
		if (wire->connections[i].member >= 0)
			continue;
		if (!wire->heap_size || wire->heap[0].at_us > now_us)
			break;
		start(wire, &wire->connections[i], pop(wire));
	}
	if (!wire->heap_size)
		return 1000;
	int64_t wait_us = wire->heap[0].at_us - wire_now_us();
	return wait_us < 0 ? 1 : wait_us > 1000000 ? 1000 : (int)(wait_us / 1000) + 1;
}

static bool prepare(struct wire *wire)
{
	struct options *options = &wire->rush->options;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	if (getaddrinfo(options->host, options->port, &hints, &wire->address))
		return false;
	wire->epoll = epoll_create1(EPOLL_CLOEXEC);
	wire->heap = calloc((size_t)options->members, sizeof(*wire->heap));
	wire->connections = calloc((size_t)options->connections, sizeof(*wire->connections));
	if (wire->epoll < 0 || !wire->heap || !wire->connections)
		return false;
	for (int64_t i = 0; i < options->connections; i++) {
		wire->connections[i].fd = -1;
		wire->connections[i].member = -1;
		if (!(wire->connections[i].in = malloc(ANSWER_BYTES)))
			return false;
	}
	return true;
}

bool wire_run(struct rush *rush)
{
	struct wire wire = { .rush = rush };
	struct epoll_event events[EVENTS];
	if (!prepare(&wire))
		return false;
	for (int64_t i = 0; i < rush->options.members; i++)
		push(&wire, i, 1);
	while (rush->left > 0) {
		int wait_ms = give_work(&wire);
		int count = epoll_wait(wire.epoll, events, EVENTS, wait_ms);
		for (int i = 0; i < count; i++)
			handle(&wire, &events[i]);
	}
	for (int64_t i = 0; i < rush->options.connections; i++) {
		close_connection(&wire.connections[i]);
		free(wire.connections[i].in);
		free(wire.connections[i].out);
	}
	free(wire.connections);
	free(wire.heap);
	close(wire.epoll);
	freeaddrinfo(wire.address);
	return true;
}
