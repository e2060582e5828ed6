/* t/rush: many virtual members on few kept connections play whole journeys against a running
 * service (join the queue, wait as told or by the client rule, hold, pay, cancel or walk away) and
 * write down every call.
 *
 * The history has one JSON object a line: member, op, key, start and end (microseconds since 1970),
 * status (0: the connection broke, so the outcome is unknown), code of a problem, reservation,
 * seats; grade and wanted (how many neighbours) where the service chooses seats. t/verify holds it
 * against the database. */
#ifndef CM_T_RUSH_H
#define CM_T_RUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

enum { SEATS_MOST = 8, SEAT_TRIES = 3 };

struct options {
	const char *host, *port, *history;
	int64_t concert, first_member, members, first_seat, seats, grade;
	int64_t group;      /* most seats of one member */
	int64_t connections, cancel_percent, abandon_percent, tries, think, seed;
	bool queue, follow, one_seat;
};

enum step {
	STEP_JOIN, STEP_NOW, STEP_POLL, STEP_STATES, STEP_HOLD, STEP_PAY, STEP_CANCEL, STEP_DONE
};

struct member {
	char *token;
	int64_t id, reservation, seats[SEATS_MOST];
	int64_t number, asked_us, wait_us; /* of those who follow the client rule */
	int count, tries, taken, repeats, attempt;
	enum step step;
};

struct answer {
	int status; /* 0: unknown */
	const char *body;
	int64_t start_us, end_us;
};

struct rush {
	struct options options;
	struct member *members;
	struct arena *arena;
	FILE *history;
	char *letters; /* last seat states seen, NULL before */
	int64_t letters_at_us, left, counts[STEP_DONE][600];
};

/* journey.c: the request of the member's present step, complete with headers. */
void journey_request(struct rush *rush, struct member *member, struct strbuf *out);
/* Takes the answer, moves the member to its next step and returns the pause before it (us). */
int64_t journey_answer(struct rush *rush, struct member *member, const struct answer *answer);
const char *step_name(enum step step);

/* wire.c: runs until every member is done. False when the service can't be reached. */
bool wire_run(struct rush *rush);
int64_t wire_now_us(void);

#endif
