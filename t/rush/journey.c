#include "rush.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { RETRY_US = 50000, WAIT_US = 500000, REPEATS_MOST = 200, ALIVE_US = 20000000 };

const char *step_name(enum step step)
{
	static const char *const names[] = { "join", "now", "poll", "states", "hold", "pay", "cancel",
		"done" };
	return names[step];
}

static int64_t one_of(int64_t count)
{
	return count > 0 ? random() % count : 0;
}

/* The number after "name": in JSON text; -1 when there is none. */
static int64_t number_after(const char *text, const char *name)
{
	char pattern[40];
	snprintf(pattern, sizeof(pattern), "\"%s\":", name);
	const char *found = text ? strstr(text, pattern) : NULL;
	if (!found)
		return -1;
	found += strlen(pattern);
	return *found == '-' || (*found >= '0' && *found <= '9') ? strtoll(found, NULL, 10) : -1;
}

static bool says(const struct answer *answer, const char *text)
{
	return answer->body && strstr(answer->body, text);
}

/* A free seat of the states last seen, else any. */
static int64_t pick_seat(const struct rush *rush)
{
	int64_t start = one_of(rush->options.seats);
	if (rush->options.one_seat)
		return rush->options.first_seat;
	for (int64_t i = 0; rush->letters && i < rush->options.seats; i++) {
		int64_t at = (start + i) % rush->options.seats;
		if (rush->letters[at] == 'A')
			return rush->options.first_seat + at;
	}
	return rush->options.first_seat + start;
}

static void pick_seats(const struct rush *rush, struct member *member)
{
	int wanted = 1 + (int)one_of(rush->options.group);
	member->attempt++;
	member->count = 0;
	for (int tries = 0; member->count < wanted && tries < 4 * wanted; tries++) {
		bool have = false;
		int64_t seat = rush->options.grade ? tries + 1 : pick_seat(rush);
		for (int i = 0; i < member->count; i++)
			have |= member->seats[i] == seat;
		if (!have)
			member->seats[member->count++] = seat;
	}
}

static void write_body(const struct rush *rush, const struct member *member, struct strbuf *body)
{
	const struct options *options = &rush->options;
	if (member->step == STEP_PAY) {
		strbuf_printf(body, "{\"reservationId\":%lld,\"isSuccess\":true}",
			(long long)member->reservation);
		return;
	}
	strbuf_printf(body, "{\"concertId\":%lld,", (long long)options->concert);
	if (options->grade) {
		strbuf_printf(body, "\"gradeId\":%lld,\"count\":%d}", (long long)options->grade,
			member->count);
		return;
	}
	strbuf_text(body, "\"seatIds\":[");
	for (int i = 0; i < member->count; i++)
		strbuf_printf(body, "%s%lld", i ? "," : "", (long long)member->seats[i]);
	strbuf_text(body, "]}");
}

static void write_line(const struct rush *rush, const struct member *member, struct strbuf *out)
{
	long long concert = (long long)rush->options.concert;
	switch (member->step) {
	case STEP_JOIN:
		strbuf_printf(out, "POST /concert/%lld/queue", concert);
		break;
	case STEP_NOW:
		strbuf_printf(out, "GET /concert/%lld/queue/now", concert);
		break;
	case STEP_POLL:
		strbuf_printf(out, "GET /concert/%lld/queue/status", concert);
		break;
	case STEP_STATES:
		strbuf_printf(out, "GET /concert/%lld/seat/status", concert);
		break;
	case STEP_HOLD:
		strbuf_text(out, "POST /reservation");
		break;
	case STEP_PAY:
		strbuf_text(out, "POST /payment");
		break;
	case STEP_CANCEL:
	case STEP_DONE:
		strbuf_printf(out, "DELETE /reservation/%lld", (long long)member->reservation);
		break;
	}
}

static void write_key(const struct rush *rush, const struct member *member, struct strbuf *out)
{
	if (member->step == STEP_HOLD)
		strbuf_printf(out, "h%lld-%lld-%d", (long long)rush->options.seed,
			(long long)member->id, member->attempt);
	else if (member->step == STEP_PAY || member->step == STEP_CANCEL)
		strbuf_printf(out, "%c-%lld", member->step == STEP_PAY ? 'p' : 'c',
			(long long)member->reservation);
}

void journey_request(struct rush *rush, struct member *member, struct strbuf *out)
{
	struct strbuf body, key;
	strbuf_init(&body, rush->arena);
	strbuf_init(&key, rush->arena);
	if (member->step == STEP_HOLD && !member->count)
		pick_seats(rush, member);
	if (member->step == STEP_HOLD || member->step == STEP_PAY)
		write_body(rush, member, &body);
	write_key(rush, member, &key);
	write_line(rush, member, out);
	strbuf_printf(out, " HTTP/1.1\r\nHost: rush\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n", member->token,
		body.length);
	if (key.length)
		strbuf_printf(out, "Idempotency-Key: %s\r\n", key.data);
	strbuf_printf(out, "\r\n%s", body.length ? body.data : "");
}

/* Seats of a hold's answer, as a JSON list. */
static void write_seats(struct strbuf *out, const char *body)
{
	const char *at = body ? strstr(body, "\"seats\":[") : NULL;
	strbuf_text(out, "[");
	for (int n = 0; at && (at = strstr(at, "{\"id\":")); n++) {
		strbuf_printf(out, "%s%lld", n ? "," : "", strtoll(at + 6, NULL, 10));
		at += 6;
	}
	strbuf_text(out, "]");
}

static void write_history(struct rush *rush, const struct member *member,
	const struct answer *answer)
{
	struct strbuf line, key;
	if (member->step == STEP_STATES || member->step == STEP_POLL || member->step == STEP_NOW)
		return;
	strbuf_init(&line, rush->arena);
	strbuf_init(&key, rush->arena);
	write_key(rush, member, &key);
	strbuf_printf(&line, "{\"member\":%lld,\"op\":\"%s\",\"key\":\"%s\",\"start\":%lld,"
		"\"end\":%lld,\"status\":%d,", (long long)member->id, step_name(member->step),
		key.length ? key.data : "", (long long)answer->start_us, (long long)answer->end_us,
		answer->status);
	const char *code = answer->body ? strstr(answer->body, "\"code\":\"") : NULL;
	if (code)
		strbuf_printf(&line, "\"code\":\"%.*s\",", (int)strcspn(code + 8, "\""), code + 8);
	int64_t reservation = member->step == STEP_HOLD ? number_after(answer->body, "id")
		: member->reservation;
	if (member->step == STEP_HOLD && rush->options.grade)
		strbuf_printf(&line, "\"grade\":%lld,\"wanted\":%d,",
			(long long)rush->options.grade, member->count);
	strbuf_printf(&line, "\"reservation\":%lld,\"seats\":",
		(long long)(answer->status && answer->status < 300 ? reservation : 0));
	write_seats(&line, member->step == STEP_HOLD && answer->status < 300 ? answer->body : NULL);
	fprintf(rush->history, "%s}\n", line.data);
}

static int64_t go(struct member *member, enum step step, int64_t pause_us)
{
	member->step = step;
	member->repeats = 0;
	return pause_us;
}

static int64_t clamp(int64_t low, int64_t high, int64_t value)
{
	return value < low ? low : value > high ? high : value;
}

/* The rule of web/queue-client.js, for queues without a lobby and without gaps. */
static int64_t after_now(struct member *member, const struct answer *answer)
{
	int64_t serving = number_after(answer->body, "serving"), number = member->number;
	int64_t ceiling = number_after(answer->body, "ceiling");
	int64_t fastest = number_after(answer->body, "ceilingSpeedPerThousandSeconds");
	int64_t speed = number_after(answer->body, "speedPerThousandSeconds");
	bool near = number < serving || number < ceiling;
	bool ended = !says(answer, "\"open\"") && !says(answer, "\"paused\"")
		&& !says(answer, "\"returns\"");
	int64_t wait_ms = !near ? clamp(3000, 60000, (number - ceiling) * 500000 / fastest)
		: speed > 0 ? clamp(1000, 2000, (number - serving) * 250000 / speed) : 2000;
	member->wait_us = wait_ms * (850 + one_of(301));
	if (ended || number < serving || (near && answer->end_us - member->asked_us >= ALIVE_US))
		return go(member, STEP_POLL, 0);
	return go(member, STEP_NOW, member->wait_us);
}

static int64_t after_queue(const struct rush *rush, struct member *member,
	const struct answer *answer)
{
	int64_t poll_s = number_after(answer->body, "pollAfterSeconds");
	if (answer->status >= 400 || says(answer, "\"SOLD_OUT\"") || says(answer, "\"CLOSED\""))
		return go(member, STEP_DONE, 0);
	if (says(answer, "\"ADMITTED\""))
		return go(member, STEP_HOLD, 0);
	if (says(answer, "\"EXPIRED\"") || says(answer, "\"NOT_IN_QUEUE\""))
		return go(member, STEP_JOIN, 0);
	if (!rush->options.follow)
		return go(member, STEP_POLL, (poll_s < 1 ? 1 : poll_s) * 1000000);
	bool joined = member->step == STEP_JOIN;
	member->number = number_after(answer->body, "ticketNumber");
	member->asked_us = answer->end_us;
	return go(member, STEP_NOW, joined ? 0 : member->wait_us);
}

/* Somebody else was faster: another seat, and after some in vain first a look at the map. */
static int64_t after_refusal(struct rush *rush, struct member *member, const struct answer *answer)
{
	member->count = 0;
	if (says(answer, "queue-pass") && member->tries-- > 0)
		return go(member, rush->options.queue ? STEP_JOIN : STEP_DONE, 0);
	if (!says(answer, "seat-taken") || rush->options.one_seat || member->tries-- <= 0)
		return go(member, STEP_DONE, 0);
	if (rush->options.think)
		return go(member, STEP_STATES, rush->options.think * (500 + one_of(1001)));
	bool fresh = rush->letters && answer->end_us - rush->letters_at_us < 1000000;
	if (++member->taken < SEAT_TRIES || (fresh && member->taken % SEAT_TRIES))
		return go(member, STEP_HOLD, RETRY_US / 10);
	return go(member, STEP_STATES, RETRY_US);
}

static int64_t after_hold(struct rush *rush, struct member *member, const struct answer *answer)
{
	if (answer->status != 201 && answer->status != 200)
		return after_refusal(rush, member, answer);
	int64_t fate = one_of(100);
	member->reservation = number_after(answer->body, "id");
	if (fate < rush->options.cancel_percent)
		return go(member, STEP_CANCEL, 0);
	if (fate < rush->options.cancel_percent + rush->options.abandon_percent)
		return go(member, STEP_DONE, 0);
	return go(member, STEP_PAY, 0);
}

static int64_t after_states(struct rush *rush, struct member *member, const struct answer *answer)
{
	const char *states = answer->body ? strstr(answer->body, "\"states\":\"") : NULL;
	if (states) {
		size_t length = strcspn(states + 10, "\"");
		if (!rush->letters)
			rush->letters = calloc(1, (size_t)rush->options.seats + 1);
		if (rush->letters && length >= (size_t)rush->options.seats)
			memcpy(rush->letters, states + 10, (size_t)rush->options.seats);
		rush->letters_at_us = answer->end_us;
		if (!memchr(states + 10, 'A', length) && !memchr(states + 10, 'H', length))
			return go(member, STEP_DONE, 0);
		if (!memchr(states + 10, 'A', length))
			return go(member, STEP_STATES, WAIT_US + rush->options.think * 1000);
	}
	return go(member, STEP_HOLD, 0);
}

int64_t journey_answer(struct rush *rush, struct member *member, const struct answer *answer)
{
	rush->counts[member->step][answer->status]++;
	write_history(rush, member, answer);
	/* Unknown, busy or our own request still running: the same again, under the same key. */
	bool again = answer->status == 0 || answer->status >= 500 || answer->status == 429
		|| says(answer, "request-in-progress");
	if (again && member->repeats++ < REPEATS_MOST)
		return RETRY_US + one_of(RETRY_US);
	switch (member->step) {
	case STEP_NOW:
		return after_now(member, answer);
	case STEP_JOIN:
	case STEP_POLL:
		return after_queue(rush, member, answer);
	case STEP_STATES:
		return after_states(rush, member, answer);
	case STEP_HOLD:
		return after_hold(rush, member, answer);
	case STEP_PAY:
	case STEP_CANCEL:
	case STEP_DONE:
		break;
	}
	return go(member, STEP_DONE, 0);
}
