/* payment_store.h, reservation_store.h and ticket_store.h on PostgreSQL, each with no more rights
 * than its program has; and what the schema itself refuses. On an instance with demo data. */
#include "store.h"

#include "payment/payment_store.h"
#include "reservation/reservation_store.h"
#include "ticket/ticket_store.h"

PG_STATEMENT(test_free_seats,
	"select id from cm.seat where concert_id = 805 and state = 'AVAILABLE' order by id limit $1");
PG_STATEMENT(test_seats_of,
	"select string_agg(s.state, ' ') from cm.reservation_seat l join cm.seat s on s.id = l.seat_id"
	" where l.reservation_id = $1");
PG_STATEMENT(test_audit,
	"select string_agg(case when refund_id is null then '' else 'refund ' end || from_status || '>'"
	" || to_status || ' ' || regexp_replace(who, '[0-9]+', 'ID') || ' ' || why, ', ' order by id)"
	" from cm.payment_audit"
	" where payment_id = $1 and at > now() - interval '1 hour' and at <= clock_timestamp()");

enum { SEATS = 2 };

static const struct idempotency no_key;
static int64_t seats[SEATS];
static struct reservation_id reservation;
static struct payment_row begun, settled;

/* The role of a program, for what follows; NULL: the owner of the schema. */
static void be(const char *role)
{
	pg_free(ctx.pg);
	ctx.pg = role ? pg_new(conf_text(CONF_DATABASE_URL), role) : pg_new(admin_url(), NULL);
}

static void do_sql(const char *text)
{
	struct pg *owner = pg_new(admin_url(), NULL);
	ck_assert_int_eq(pg_connect(&ctx, owner), FAULT_NONE);
	ck_assert_msg(pg_execute(&ctx, owner, text) == FAULT_NONE, "%s: %s", text, ctx.log_detail);
	pg_free(owner);
}

static const char *ask(const struct pg_statement *statement, int64_t id)
{
	struct pg_rows rows;
	struct pg *owner = pg_new(admin_url(), NULL);
	ck_assert_int_eq(pg_query_on(&ctx, owner, &rows, statement, "i", id), FAULT_NONE);
	const char *text = arena_strdup(ctx.arena, pg_text(&rows, 0, 0));
	pg_free(owner);
	return text;
}

/* Two seats for a member nobody knows yet. */
static void hold(void)
{
	static int64_t members;
	struct pg_rows rows;
	struct hold_outcome outcome;
	ctx.member.value = ctx.now_ms * 100 + members++ % 100;
	be("cm_reservation");
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_free_seats, "i", (int64_t)SEATS), FAULT_NONE);
	for (int i = 0; i < SEATS; i++)
		seats[i] = pg_integer(&rows, i, 0);
	struct hold_request request = { .concert = { 805 }, .seats = seats, .seat_count = SEATS };
	ck_assert_int_eq(reservation_store_hold(&ctx, &request, &outcome), FAULT_NONE);
	ck_assert_int_eq(outcome.code, HOLD_HELD);
	reservation = outcome.reservation.id;
}

static const char *begin(const struct idempotency *idempotency)
{
	struct payment_order order = { .reservation = reservation, .script = "success",
		.idempotency = *idempotency };
	be("cm_payment");
	ck_assert_msg(payment_store_begin(&ctx, &order, "sandbox", &begun) == FAULT_NONE, "%s",
		ctx.log_detail);
	return begun.code;
}

static const char *settle(enum gateway_outcome outcome)
{
	struct gateway_answer answer = { .outcome = outcome, .key = "key", .code = "declined" };
	ck_assert_msg(payment_store_settle(&ctx, begun.payment.id, &answer, &settled) == FAULT_NONE,
		"%s", ctx.log_detail);
	return settled.code;
}

static void pay(void)
{
	hold();
	ck_assert_str_eq(begin(&no_key), "OK");
	ck_assert_str_eq(settle(GATEWAY_SUCCESS), "PAID");
}

static enum cancel_code cancel(void)
{
	struct cancel_outcome outcome;
	be("cm_reservation");
	ck_assert_int_eq(reservation_store_cancel(&ctx, reservation, &no_key, &outcome), FAULT_NONE);
	return outcome.code;
}

static enum refund_code refund(int64_t amount, int64_t fee)
{
	struct refund_quote quote = { true, amount, fee };
	struct refund_outcome outcome;
	be("cm_reservation");
	ck_assert_int_eq(reservation_store_refund(&ctx, reservation, &quote, &no_key, &outcome),
		FAULT_NONE);
	return outcome.code;
}

/* The refund of the reservation that the sweeper is to make; 0: none. */
static int64_t refund_due(int *ret_attempts)
{
	struct payment_due_list list;
	int64_t id = 0;
	be("cm_sweeper");
	ck_assert_int_eq(payment_store_refunds_due(&ctx, 1000, &list), FAULT_NONE);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].payment.value == begun.payment.id.value) {
			id = list.items[i].refund_id;
			*ret_attempts = list.items[i].attempts;
		}
	return id;
}

static const char *refund_settle(int64_t id, enum gateway_outcome outcome, bool is_final)
{
	struct gateway_answer answer = { .outcome = outcome, .key = "key", .code = "code" };
	const char *code;
	ck_assert_msg(payment_store_refund_settle(&ctx, id, &answer, is_final, &code) == FAULT_NONE,
		"%s", ctx.log_detail);
	return code;
}

START_TEST(a_success_sells_the_seats_once)
{
	struct payment payment;
	hold();
	ck_assert_str_eq(begin(&no_key), "OK");
	ck_assert_str_eq(begun.payment.status, "PENDING");
	ck_assert_str_eq(begun.order_id, arena_printf(ctx.arena, "cm-%010lld",
		(long long)reservation.value));
	int64_t id = begun.payment.id.value, amount = begun.payment.amount;
	ck_assert_str_eq(begin(&no_key), "IN_FLIGHT");
	ck_assert_int_eq(begun.payment.id.value, id);
	ck_assert_int_eq(cancel(), CANCEL_PAYING);
	do_sql(arena_printf(ctx.arena, "update cm.reservation set expires_at = now() - interval '1 day'"
		" where id = %lld", (long long)reservation.value));
	be("cm_sweeper");
	const struct expired_seat *expired;
	size_t count;
	ck_assert_int_eq(reservation_store_expire(&ctx, 1000, &expired, &count), FAULT_NONE);
	be("cm_payment");
	ck_assert_str_eq(settle(GATEWAY_UNKNOWN), "UNKNOWN");
	ck_assert_uint_eq(settled.position_count, 0);
	ck_assert_str_eq(settle(GATEWAY_SUCCESS), "PAID");
	ck_assert_str_eq(settled.payment.reservation_status, "PAID");
	ck_assert_uint_eq(settled.position_count, SEATS);
	ck_assert_str_eq(ask(&test_seats_of, reservation.value), "SOLD SOLD");
	ck_assert_str_eq(settle(GATEWAY_SUCCESS), "ALREADY");
	ck_assert_str_eq(settle(GATEWAY_DECLINED), "ALREADY");
	ck_assert_str_eq(settled.payment.status, "SUCCESS");
	ck_assert_str_eq(begin(&no_key), "ALREADY_PAID");
	ck_assert_int_eq(begun.payment.id.value, id);
	ck_assert_int_eq(payment_store_get(&ctx, begun.payment.id, &payment), FAULT_NONE);
	ck_assert_int_eq(payment.amount, amount);
	ctx.member.value++;
	ck_assert_int_eq(payment_store_get(&ctx, begun.payment.id, &payment),
		FAULT_PAYMENT_NOT_FOUND);
	ck_assert_str_eq(begin(&no_key), "NOT_FOUND");
	ck_assert_int_eq(cancel(), CANCEL_NOT_FOUND);
	ck_assert_int_eq(refund(amount, 0), REFUND_NOT_FOUND);
}
END_TEST

START_TEST(a_decline_frees_them_and_a_late_success_goes_back_in_full)
{
	int attempts = 99;
	hold();
	begin(&no_key);
	ck_assert_str_eq(settle(GATEWAY_DECLINED), "DECLINED");
	ck_assert_str_eq(settled.payment.reservation_status, "CANCELLED");
	ck_assert_uint_eq(settled.position_count, SEATS);
	ck_assert_str_eq(ask(&test_seats_of, reservation.value), "AVAILABLE AVAILABLE");
	ck_assert_str_eq(settle(GATEWAY_UNKNOWN), "ALREADY");
	ck_assert_int_eq(refund(begun.payment.amount, 0), REFUND_NOT_PAID);
	be("cm_payment");
	ck_assert_str_eq(settle(GATEWAY_SUCCESS), "REFUND");
	ck_assert_str_eq(settled.payment.status, "CANCELLED");
	ck_assert_str_eq(settle(GATEWAY_SUCCESS), "ALREADY");
	int64_t id = refund_due(&attempts);
	ck_assert_int_ne(id, 0);
	ck_assert_int_eq(attempts, 0);
	ck_assert_int_eq(refund_due(&attempts), 0); /* leased */
	ck_assert_str_eq(refund_settle(id, GATEWAY_SUCCESS, false), "REFUNDED");
	ck_assert_str_eq(refund_settle(id, GATEWAY_SUCCESS, false), "ALREADY");
	ck_assert_str_eq(refund_settle(id, GATEWAY_DECLINED, true), "ALREADY");
	be("cm_payment");
	ck_assert_str_eq(begin(&no_key), "CANCELLED");
}
END_TEST

START_TEST(a_hold_past_its_end_cannot_be_paid)
{
	hold();
	do_sql(arena_printf(ctx.arena, "update cm.reservation set expires_at = now() where id = %lld",
		(long long)reservation.value));
	ck_assert_str_eq(begin(&no_key), "EXPIRED");
	ck_assert_int_eq(begun.payment.id.value, 0);
}
END_TEST

START_TEST(a_key_keeps_the_first_answer)
{
	static const unsigned char one[IDEMPOTENCY_HASH_BYTES] = { 1 };
	static const unsigned char two[IDEMPOTENCY_HASH_BYTES] = { 2 };
	struct idempotency key = { "k", one }, other = { "k", two };
	hold();
	ck_assert_str_eq(begin(&key), "OK");
	int64_t id = begun.payment.id.value;
	ck_assert_str_eq(begin(&key), "KEY_RUNNING");
	ck_assert_str_eq(begin(&other), "KEY_REUSED");
	begun.payment.id.value = id;
	ck_assert_str_eq(settle(GATEWAY_SUCCESS), "PAID");
	ck_assert_str_eq(begin(&key), "PAID");
	ck_assert(begun.payment.replayed);
	ck_assert_int_eq(begun.payment.id.value, id);
	ctx.member.value++;
	ck_assert_str_eq(begin(&key), "NOT_FOUND"); /* another member's key is another key */
}
END_TEST

static bool is_due(void)
{
	struct payment_due_list list;
	be("cm_sweeper");
	ck_assert_int_eq(payment_store_due(&ctx, 1000, &list), FAULT_NONE);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].payment.value == begun.payment.id.value) {
			ck_assert_str_eq(list.items[i].charge.script, "success");
			ck_assert_str_eq(list.items[i].gateway, "sandbox");
			return true;
		}
	return false;
}

START_TEST(an_attempt_is_asked_about_from_its_deadline_or_a_hint_on)
{
	hold();
	begin(&no_key);
	ck_assert(!is_due());
	do_sql(arena_printf(ctx.arena, "update cm.payment set deadline_at = now() where id = %lld",
		(long long)begun.payment.id.value));
	ck_assert(is_due());
	ck_assert(!is_due()); /* leased */
	do_sql(arena_printf(ctx.arena, "update cm.payment set asked_at = now()"
		" - interval '1 minute' where id = %lld", (long long)begun.payment.id.value));
	be("cm_payment");
	ck_assert_int_eq(payment_store_hint(&ctx, "cm-9999999999"), FAULT_NONE);
	ck_assert(!is_due());
	be("cm_payment");
	ck_assert_int_eq(payment_store_hint(&ctx, begun.order_id), FAULT_NONE);
	ck_assert(is_due());
	settle(GATEWAY_SUCCESS);
	be("cm_payment");
	ck_assert_int_eq(payment_store_hint(&ctx, begun.order_id), FAULT_NONE);
	ck_assert(!is_due()); /* settled: nothing to ask */
}
END_TEST

static void issue(void)
{
	struct event event = { .id = reservation.value + INT64_C(1000000000000),
		.topic = "payment.completed", .reservation = reservation };
	be("cm_consumer");
	ck_assert_int_eq(ticket_issue(&ctx, "reservation", &event), FAULT_NONE);
	ck_assert_int_eq(ticket_issue(&ctx, "reservation", &event), FAULT_NONE);
	event.id += INT64_C(1000000000000); /* told again under another id */
	ck_assert_int_eq(ticket_issue(&ctx, "reservation", &event), FAULT_NONE);
}

START_TEST(a_ticket_a_seat_used_once_and_void_after_a_refund)
{
	struct ticket_filter filter = { .limit = 20 };
	struct ticket_list list;
	struct ticket ticket;
	bool used_now;
	pay();
	issue();
	be("cm_member");
	ck_assert_int_eq(ticket_store_list(&ctx, &filter, &list), FAULT_NONE);
	ck_assert_uint_eq(list.count, SEATS);
	ticket = list.items[0];
	ck_assert_str_eq(ticket.status, "ISSUED");
	ck_assert_int_eq(ticket_store_use(&ctx, ticket.id, "00000000-0000-4000-8000-000000000000",
		&ticket, &used_now), FAULT_TICKET_NOT_FOUND);
	ck_assert_int_eq(ticket_store_use(&ctx, list.items[1].id, ticket.nonce, &ticket, &used_now),
		FAULT_TICKET_NOT_FOUND); /* the nonce of the other seat's */
	ck_assert_int_eq(ticket_store_use(&ctx, ticket.id, ticket.nonce, &ticket, &used_now),
		FAULT_NONE);
	ck_assert(used_now);
	ck_assert_int_eq(ticket_store_use(&ctx, ticket.id, ticket.nonce, &ticket, &used_now),
		FAULT_NONE);
	ck_assert(!used_now);
	ck_assert_str_eq(ticket.status, "USED");
	ck_assert_int_eq(refund(begun.payment.amount, 0), REFUND_TICKET_USED);
	ctx.member.value++;
	be("cm_member");
	ck_assert_int_eq(ticket_store_get(&ctx, ticket.id, &ticket), FAULT_TICKET_NOT_FOUND);
	ck_assert_int_eq(ticket_store_list(&ctx, &filter, &list), FAULT_NONE);
	ck_assert_uint_eq(list.count, 0);
	pay();
	issue();
	ck_assert_int_eq(refund(begun.payment.amount, 0), REFUND_OK);
	be("cm_member");
	ck_assert_int_eq(ticket_store_list(&ctx, &filter, &list), FAULT_NONE);
	ck_assert_str_eq(list.items[0].status, "VOID");
	ck_assert_int_eq(ticket_store_use(&ctx, list.items[0].id, list.items[0].nonce, &ticket,
		&used_now), FAULT_NONE);
	ck_assert(!used_now);
}
END_TEST

START_TEST(a_refund_is_what_was_paid_and_once)
{
	int attempts;
	pay();
	int64_t amount = begun.payment.amount;
	ck_assert_int_eq(refund(amount, 1), REFUND_AMOUNT);
	ck_assert_int_eq(refund(amount - 1, 0), REFUND_AMOUNT);
	ck_assert_int_eq(refund(amount + 1, -1), REFUND_AMOUNT);
	ck_assert_int_eq(refund(-1, amount + 1), REFUND_AMOUNT);
	ck_assert_int_eq(cancel(), CANCEL_PAID);
	ck_assert_int_eq(refund(amount - 1000, 1000), REFUND_OK);
	ck_assert_int_eq(refund(amount, 0), REFUND_ALREADY);
	ck_assert_int_eq(cancel(), CANCEL_REFUNDING);
	ck_assert_str_eq(ask(&test_seats_of, reservation.value), "AVAILABLE AVAILABLE");
	int64_t id = refund_due(&attempts);
	ck_assert_str_eq(refund_settle(id, GATEWAY_UNKNOWN, false), "RETRY");
	do_sql(arena_printf(ctx.arena, "update cm.payment_refund set next_attempt_at = now()"
		" where id = %lld", (long long)id));
	ck_assert_int_eq(refund_due(&attempts), id);
	ck_assert_int_eq(attempts, 1);
	ck_assert_str_eq(refund_settle(id, GATEWAY_DECLINED, true), "FAILED");
	ck_assert_int_eq(refund_due(&attempts), 0);
}
END_TEST

/* Who, when and why of each step. */
START_TEST(each_step_is_in_the_audit)
{
	int attempts;
	pay();
	refund(begun.payment.amount, 0);
	refund_settle(refund_due(&attempts), GATEWAY_SUCCESS, false);
	ck_assert_str_eq(ask(&test_audit, begun.payment.id.value),
		"NONE>PENDING member ID begin, PENDING>SUCCESS program payment gateway, "
		"refund NONE>PENDING member ID member, "
		"refund PENDING>SUCCESS program sweeper gateway, "
		"SUCCESS>CANCELLED program sweeper member");
	hold();
	begin(&no_key);
	be("cm_sweeper");
	settle(GATEWAY_DECLINED);
	ck_assert_str_eq(ask(&test_audit, begun.payment.id.value),
		"NONE>PENDING member ID begin, PENDING>FAILED program sweeper declined");
	pay();
	be("cm_consumer"); /* an operator cancelled the concert */
	struct payment_paid paid = { reservation, begun.payment.amount };
	ck_assert_int_eq(payment_store_refund_begin(&ctx, &paid, "concert-cancelled", &settled),
		FAULT_NONE);
	refund_settle(refund_due(&attempts), GATEWAY_DECLINED, true);
	ck_assert_str_eq(ask(&test_audit, begun.payment.id.value),
		"NONE>PENDING member ID begin, PENDING>SUCCESS program payment gateway, "
		"refund NONE>PENDING program consumer concert-cancelled, "
		"refund PENDING>FAILED program sweeper code");
}
END_TEST

/* A statement in a transaction that is rolled back, and the constraint that has to refuse it;
 * R, P, S stand for the ids of a paid reservation, its payment and its first seat. */
static const struct { const char *refused_by, *sql; } broken[] = {
	{ "reservation_seat_live", "insert into cm.reservation_seat (reservation_id, seat_id,"
		" grade_id, price, position, seat_number, grade_name) select R - 1, seat_id,"
		" grade_id, price, position, seat_number, grade_name from cm.reservation_seat"
		" where reservation_id = R" },
	{ "payment_live", "insert into cm.payment (reservation_id, member_id, amount, gateway)"
		" values (R, 1, 1, 'sandbox')" },
	{ "payment_refunded", "update cm.payment set refunded_amount = amount + 1 where id = P" },
	{ "payment_refunded", "update cm.payment set refunded_amount = -1 where id = P" },
	{ "payment_amount", "insert into cm.payment (reservation_id, member_id, amount, gateway,"
		" status) values (R, 1, -1, 'sandbox', 'FAILED')" },
	{ "payment_transition", "update cm.payment set status = 'PENDING' where id = P" },
	{ "payment_transition", "update cm.payment set status = 'FAILED' where id = P" },
	{ "payment_captured", "update cm.payment set captured_at = null where id = P" },
	{ "payment_refund_amount", "insert into cm.payment_refund (payment_id, reservation_id,"
		" member_id, amount, reason) values (P, R, 1, -1, 'x')" },
	{ "payment_refund_fee", "insert into cm.payment_refund (payment_id, reservation_id,"
		" member_id, amount, fee, reason) values (P, R, 1, 1, -1, 'x')" },
	{ "payment_refund_once", "insert into cm.payment_refund (payment_id, reservation_id,"
		" member_id, amount, reason) values (P, R, 1, 1, 'x'), (P, R, 1, 1, 'y')" },
	{ "reservation_sane", "update cm.reservation set amount = -1 where id = R" },
	{ "reservation_sane", "update cm.reservation set paid_at = null where id = R" },
	{ "reservation_sane", "update cm.reservation set seat_count = 0 where id = R" },
	{ "reservation_transition", "update cm.reservation set status = 'PENDING' where id = R" },
	{ "reservation_transition", "update cm.reservation set status = 'REFUNDED' where id = R" },
	{ "reservation_transition", "update cm.reservation set status = 'CANCELLED', paid_at = null"
		" where id = R" },
	{ "reservation_paid_is_sold", "update cm.reservation set status = 'REFUNDING' where id = R;"
		" set constraints all immediate" },
	{ "reservation_paid_is_sold", "update cm.reservation set status = 'PAID', paid_at = now()"
		" where id = R - 1; set constraints all immediate" },
	{ "seat_", "update cm.seat set reservation_id = null where id = S" },
	{ "seat_", "update cm.seat set state = 'HELD', held_until = null where id = S" },
	{ "ticket_once", "insert into cm.ticket (reservation_id, concert_id, seat_id, member_id,"
		" seat_number, grade_name) select reservation_id, concert_id, seat_id, member_id,"
		" seat_number, grade_name from cm.ticket where reservation_id = R" },
	{ "ticket_seat", "insert into cm.ticket (reservation_id, concert_id, seat_id, member_id,"
		" seat_number, grade_name) select R - 1, concert_id, seat_id, member_id,"
		" seat_number, grade_name from cm.ticket where reservation_id = R" },
	{ "ticket_used", "update cm.ticket set status = 'USED' where reservation_id = R" },
	{ "ticket_void", "update cm.ticket set status = 'VOID' where reservation_id = R" },
	{ "append-only", "update cm.payment_audit set why = 'x' where payment_id = P" },
	{ "append-only", "delete from cm.payment_audit where payment_id = P" },
	{ "append-only", "truncate cm.payment_audit" },
	{ "append-only", "update cm.reservation_audit set why = 'x' where reservation_id = R" },
	{ "append-only", "delete from cm.reservation_audit where reservation_id = R" },
};

static const char *with_ids(const char *sql)
{
	struct strbuf out;
	strbuf_init(&out, ctx.arena);
	for (const char *at = sql; *at; at++) {
		bool stands_alone = (at == sql || strchr(" (", at[-1])) && strchr(" ,;)", at[1]);
		if (stands_alone && strchr("RPS", *at))
			strbuf_printf(&out, "%lld", (long long)(*at == 'R' ? reservation.value
				: *at == 'P' ? begun.payment.id.value : seats[0]));
		else
			strbuf_byte(&out, *at);
	}
	return out.data;
}

START_TEST(the_schema_refuses_what_would_break_it)
{
	hold();
	pay(); /* R - 1 is a hold */
	issue();
	be(NULL);
	ck_assert_int_eq(pg_connect(&ctx, ctx.pg), FAULT_NONE);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		const char *sql = with_ids(broken[i].sql);
		ck_assert_int_eq(pg_execute(&ctx, ctx.pg, "begin"), FAULT_NONE);
		enum fault fault = pg_execute(&ctx, ctx.pg, sql);
		ck_assert_msg(fault && strstr(ctx.log_detail, broken[i].refused_by), "%s: %s, not %s",
			sql, fault ? ctx.log_detail : "done", broken[i].refused_by);
		ck_assert_int_eq(pg_execute(&ctx, ctx.pg, "rollback"), FAULT_NONE);
	}
}
END_TEST

/* What no program may do, whatever is sent in its name. */
START_TEST(no_program_rewrites_the_audit_or_makes_a_paid_reservation)
{
	static const char *const roles[] = { "cm_payment", "cm_reservation", "cm_sweeper",
		"cm_consumer", "cm_member", "cm_concert", "cm_ops", "cm_admin" };
	static const char *const statements[] = { "update cm.payment_audit set why = 'x'",
		"delete from cm.payment_audit", "truncate cm.payment_audit",
		"delete from cm.payment", "delete from cm.payment_refund", "delete from cm.ticket",
		"insert into cm.reservation (member_id, concert_id, amount, seat_count, expires_at,"
		" status, paid_at) values (1, 805, 0, 0, now(), 'PAID', now())" };
	for (size_t r = 0; r < sizeof(roles) / sizeof(*roles); r++) {
		be(roles[r]);
		ck_assert_int_eq(pg_connect(&ctx, ctx.pg), FAULT_NONE);
		for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
			ck_assert_msg(pg_execute(&ctx, ctx.pg, statements[i]) != FAULT_NONE,
				"%s may: %s", roles[r], statements[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { a_success_sells_the_seats_once,
		a_decline_frees_them_and_a_late_success_goes_back_in_full,
		a_hold_past_its_end_cannot_be_paid, a_key_keeps_the_first_answer,
		an_attempt_is_asked_about_from_its_deadline_or_a_hint_on,
		a_ticket_a_seat_used_once_and_void_after_a_refund, a_refund_is_what_was_paid_and_once,
		each_step_is_in_the_audit, the_schema_refuses_what_would_break_it,
		no_program_rewrites_the_audit_or_makes_a_paid_reservation, NULL };
	return store_main("payment store", tests);
}
