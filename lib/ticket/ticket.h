/* Tickets: issued by the consumer `reservation` once a reservation is paid, one a seat, void after
 * a refund, checked in once. The code on a ticket is signed (token_seal, typ "ticket"), so a
 * made-up code is refused without a look at the database; a random part that only the database
 * knows makes even a stolen signing key not enough. */
#ifndef CM_TICKET_TICKET_H
#define CM_TICKET_TICKET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ctx.h"
#include "event/event.h"

struct ticket {
	struct ticket_id id;
	struct reservation_id reservation;
	struct concert_id concert;
	struct seat_id seat;
	const char *seat_number, *grade;
	const char *status; /* ISSUED, USED or VOID */
	const char *nonce;  /* the random part; never shown */
	const char *code;   /* NULL unless the ticket is ISSUED */
	int64_t issued_ms, used_ms;
};

struct ticket_list {
	struct ticket *items; /* newest first */
	size_t count;
	bool has_more;
};

struct ticket_filter {
	struct reservation_id reservation; /* 0: any */
	int64_t before_id;                 /* 0: from the newest */
	int64_t limit;
};

/* The member's own. */
enum fault ticket_list(struct ctx *ctx, const struct ticket_filter *filter,
	struct ticket_list *ret_list);
/* Fault: TICKET_NOT_FOUND. */
enum fault ticket_get(struct ctx *ctx, struct ticket_id id, struct ticket *ret_ticket);

/* Lets the holder in, once, on behalf of the administrator ctx->member. Faults: TICKET_NOT_FOUND
 * (forged or unknown), TICKET_ALREADY_USED (ctx->problem_extra says when), TICKET_VOID. */
enum fault ticket_check_in(struct ctx *ctx, const char *code, struct ticket *ret_ticket);

/* Consumer group `reservation`: payment.completed -> CONFIRMED with its tickets. */
enum fault ticket_issue(struct ctx *ctx, const char *group, const struct event *event);

/* A text as a QR code. Fault: INTERNAL when it is too long for one. */
enum fault ticket_qr_svg(struct ctx *ctx, const char *text, const char **ret_svg);
enum fault ticket_qr_png(struct ctx *ctx, const char *text, const unsigned char **ret_png,
	size_t *ret_length);

#endif
