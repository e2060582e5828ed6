/* The rules of lib/payment on its ports in memory: no driver is linked. */
#include "unit.h"

#include "fake/payment_mem.h"

#include "base/banned.h"

static const struct payment_order order = { .reservation = { 7 }, .gateway_key = "pk",
	.script = "success" };
static struct payment payment;

static enum fault pay(enum gateway_outcome outcome)
{
	conf_set(CONF_GATEWAY, "sandbox");
	ctx.member.value = 3;
	payment_memory.outcome = outcome;
	return payment_pay(&ctx, &order, &payment);
}

static void forget(void)
{
	payment_memory = (struct payment_memory){ .gateway_code = "code" };
	ctx.problem_extra = NULL;
	ctx.after = NULL;
}

START_TEST(a_success_is_paid_once_and_told)
{
	forget();
	ck_assert_int_eq(pay(GATEWAY_SUCCESS), FAULT_NONE);
	ck_assert_str_eq(payment.status, "SUCCESS");
	ck_assert_str_eq(payment.reservation_status, "PAID");
	ck_assert_int_eq(payment.reservation.value, 7);
	ck_assert_int_eq(payment_memory.confirms, 1);
	ck_assert_int_eq(payment_memory.charge.amount, 300000); /* the reservation's */
	ck_assert_str_eq(payment_memory.charge.order_id, "cm-0000000007");
	ck_assert_str_eq(payment_memory.charge.key, "pk");
	ck_assert_str_eq(payment_memory.charge.script, "success");
	ck_assert_int_eq(payment_memory.seats_told, 2);
	ck_assert_int_eq(payment_memory.letter, 'S');
	ck_assert_int_eq(payment_memory.turns_ended, 0); /* not before the answer is out */
	ctx_run_after(&ctx);
	ck_assert_int_eq(payment_memory.turns_ended, 1);
	ck_assert_int_eq(payment_memory.turns_before_ms, PAYMENT_HELD_MS);
}
END_TEST

START_TEST(a_decline_names_the_attempt_and_frees_the_seats)
{
	forget();
	ck_assert_int_eq(pay(GATEWAY_DECLINED), FAULT_PAYMENT_DECLINED);
	ck_assert_str_eq(ctx.problem_extra, "\"paymentId\":5");
	ck_assert_int_eq(payment_memory.seats_told, 2);
	ck_assert_int_eq(payment_memory.letter, 'A');
	ctx_run_after(&ctx);
	ck_assert_int_eq(payment_memory.turns_ended, 0);
}
END_TEST

START_TEST(an_unknown_outcome_stays_pending)
{
	forget();
	ck_assert_int_eq(pay(GATEWAY_UNKNOWN), FAULT_NONE);
	ck_assert_str_eq(payment.status, "PENDING");
	ck_assert_int_eq(payment_memory.settled[0], GATEWAY_UNKNOWN);
	ck_assert_int_eq(payment_memory.seats_told, 0);
	ctx_run_after(&ctx);
	ck_assert_int_eq(payment_memory.turns_ended, 0);
}
END_TEST

/* The money may have been taken: what fails then is never said to have failed. */
START_TEST(a_database_that_fails_after_the_charge_leaves_it_to_the_reconciler)
{
	static const struct { enum fault fault; int faults, settles; const char *status; } cases[] = {
		{ FAULT_DATABASE_RETRY, 4, 5, "SUCCESS" }, { FAULT_DATABASE_RETRY, -1, 5, "PENDING" },
		{ FAULT_DATABASE_AWAY, -1, 1, "PENDING" }, { FAULT_OUTCOME_UNKNOWN, -1, 1, "PENDING" },
		{ FAULT_INTERNAL, -1, 1, "PENDING" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		payment_memory.settle_fault = cases[i].fault;
		payment_memory.settle_faults = cases[i].faults;
		ck_assert_int_eq(pay(GATEWAY_SUCCESS), FAULT_NONE);
		ck_assert_str_eq(payment.status, cases[i].status);
		ck_assert_int_eq(payment_memory.settles, cases[i].settles);
		ck_assert_int_eq(payment_memory.confirms, 1);
	}
}
END_TEST

START_TEST(nothing_is_charged_before_the_attempt_is_on_record)
{
	static const struct { const char *code; enum fault fault; } cases[] = {
		{ "IN_FLIGHT", FAULT_PAYMENT_IN_PROGRESS }, { "ALREADY_PAID", FAULT_ALREADY_PAID },
		{ "EXPIRED", FAULT_RESERVATION_EXPIRED }, { "CANCELLED", FAULT_RESERVATION_CANCELLED },
		{ "NOT_FOUND", FAULT_RESERVATION_NOT_FOUND }, { "KEY_RUNNING", FAULT_REQUEST_IN_PROGRESS },
		{ "KEY_REUSED", FAULT_IDEMPOTENCY_KEY_REUSED }, { "SOMETHING_NEW", FAULT_INTERNAL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		payment_memory.begin_code = cases[i].code;
		ck_assert_int_eq(pay(GATEWAY_SUCCESS), cases[i].fault);
		ck_assert_int_eq(payment_memory.confirms + payment_memory.settles, 0);
	}
	forget();
	payment_memory.begin_fault = FAULT_OUTCOME_UNKNOWN;
	ck_assert_int_eq(pay(GATEWAY_SUCCESS), FAULT_OUTCOME_UNKNOWN);
	ck_assert_int_eq(payment_memory.confirms, 0);
	conf_set(CONF_GATEWAY, "none");
	ck_assert_int_eq(payment_pay(&ctx, &order, &payment), FAULT_INTERNAL);
	ck_assert_int_eq(payment_memory.begins, 1);
}
END_TEST

START_TEST(a_repeated_request_gets_its_first_answer)
{
	static const struct { const char *code; enum fault fault; } cases[] = {
		{ "PAID", FAULT_NONE }, { "DECLINED", FAULT_PAYMENT_DECLINED },
		{ "REFUND", FAULT_RESERVATION_EXPIRED }, { "EXPIRED", FAULT_RESERVATION_EXPIRED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		payment_memory.is_replayed = true;
		payment_memory.begin_code = cases[i].code;
		payment_memory.begin_status = "SUCCESS";
		ck_assert_int_eq(pay(GATEWAY_SUCCESS), cases[i].fault);
		ck_assert_int_eq(payment_memory.confirms, 0);
	}
}
END_TEST

/* The reconciler was faster: what it found counts, not what we heard. */
START_TEST(what_another_settled_stands)
{
	static const struct { const char *status; enum fault fault; } cases[] = {
		{ "SUCCESS", FAULT_NONE }, { "FAILED", FAULT_PAYMENT_DECLINED },
		{ "CANCELLED", FAULT_RESERVATION_EXPIRED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		payment_memory.settled_before = cases[i].status;
		ck_assert_int_eq(pay(GATEWAY_SUCCESS), cases[i].fault);
		ck_assert_int_eq(payment_memory.seats_told, 0);
		if (cases[i].fault)
			ck_assert_str_eq(ctx.problem_extra, "\"paymentId\":5");
	}
}
END_TEST

static const struct payment_due charge_due = { .payment = { 5 }, .gateway = "sandbox",
	.charge = { .order_id = "cm-0000000007", .amount = 300000 } };
static const struct payment_due refund_due = { .payment = { 5 }, .gateway = "sandbox",
	.refund_id = 9, .refund_amount = 240000, .attempts = 3, .reason = "member",
	.charge = { .order_id = "cm-0000000007", .amount = 300000, .key = "pk" } };

START_TEST(the_reconciler_asks_and_never_charges)
{
	size_t done = 0;
	forget();
	payment_memory.due[0] = payment_memory.due[1] = charge_due;
	payment_memory.due[1].gateway = "of another installation";
	payment_memory.charges_due = 2;
	payment_memory.outcome = GATEWAY_SUCCESS;
	ck_assert_int_eq(payment_reconcile(&ctx, 16, &done), FAULT_NONE);
	ck_assert_uint_eq(done, 2);
	ck_assert_int_eq(payment_memory.queries, 1);
	ck_assert_int_eq(payment_memory.confirms, 0);
	ck_assert_int_eq(payment_memory.settled[0], GATEWAY_SUCCESS);
	ck_assert_int_eq(payment_memory.settled[1], GATEWAY_UNKNOWN); /* nobody there to ask */
}
END_TEST

START_TEST(one_that_fails_does_not_keep_the_others)
{
	size_t done = 99;
	forget();
	payment_memory.due[0] = payment_memory.due[1] = charge_due;
	payment_memory.charges_due = 2;
	payment_memory.settle_fault = FAULT_DATABASE_BUSY;
	payment_memory.settle_faults = 1;
	ck_assert_int_eq(payment_reconcile(&ctx, 16, &done), FAULT_DATABASE_BUSY);
	ck_assert_int_eq(payment_memory.settles, 2);
}
END_TEST

START_TEST(a_refund_ends_as_the_gateway_says)
{
	static const struct { enum gateway_outcome outcome; bool is_final; } cases[] = {
		{ GATEWAY_SUCCESS, false }, { GATEWAY_UNKNOWN, false }, { GATEWAY_DECLINED, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t done;
		forget();
		payment_memory.due[0] = refund_due;
		payment_memory.refunds_due = 1;
		payment_memory.outcome = cases[i].outcome;
		ck_assert_int_eq(payment_reconcile(&ctx, 16, &done), FAULT_NONE);
		ck_assert_uint_eq(done, 1);
		ck_assert_int_eq(payment_memory.refund.amount, 240000);
		ck_assert_int_eq(payment_memory.refund.id, 9);
		ck_assert_int_eq(payment_memory.refund.tries, 3);
		ck_assert_str_eq(payment_memory.refund.charge->key, "pk");
		ck_assert_int_eq(payment_memory.refunded[0], cases[i].outcome);
		ck_assert_int_eq(payment_memory.refund_is_final, cases[i].is_final);
	}
}
END_TEST

START_TEST(a_refund_of_nothing_bothers_no_gateway)
{
	size_t done;
	forget();
	payment_memory.due[0] = refund_due;
	payment_memory.due[0].refund_amount = 0;
	payment_memory.refunds_due = 1;
	ck_assert_int_eq(payment_reconcile(&ctx, 16, &done), FAULT_NONE);
	ck_assert_int_eq(payment_memory.refunds, 0);
	ck_assert_int_eq(payment_memory.refunded[0], GATEWAY_SUCCESS);
}
END_TEST

START_TEST(a_cancelled_concert_is_refunded_in_parts)
{
	static const struct { size_t paid; int went_on; } cases[] = { { 0, 0 }, { 49, 0 }, { 50, 1 },
		{ 120, 1 } };
	struct event event = { .topic = "concert.cancelled", .concert = { 802 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool cancelled = false;
		forget();
		payment_memory.is_cancelled = true;
		payment_memory.paid_count = cases[i].paid;
		ck_assert_int_eq(payment_refund_cancelled(&ctx, &event, &cancelled), FAULT_NONE);
		ck_assert(cancelled);
		ck_assert_int_eq(payment_memory.refunds_begun,
			cases[i].paid < 50 ? (int)cases[i].paid : 50);
		ck_assert_int_eq(payment_memory.went_on, cases[i].went_on);
		ck_assert_int_eq(payment_memory.seats_told, payment_memory.refunds_begun);
	}
}
END_TEST

START_TEST(a_payment_of_a_running_concert_gets_its_tickets)
{
	struct event event = { .topic = "payment.completed", .concert = { 802 } };
	bool cancelled = true;
	forget();
	ck_assert_int_eq(payment_refund_cancelled(&ctx, &event, &cancelled), FAULT_NONE);
	ck_assert(!cancelled);
	payment_memory.is_cancelled = true;
	payment_memory.paid_count = 1;
	payment_memory.refund_fault = FAULT_DATABASE_RETRY;
	ck_assert_int_eq(payment_refund_cancelled(&ctx, &event, &cancelled), FAULT_DATABASE_RETRY);
	ck_assert_int_eq(payment_memory.went_on, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { a_success_is_paid_once_and_told,
		a_decline_names_the_attempt_and_frees_the_seats, an_unknown_outcome_stays_pending,
		a_database_that_fails_after_the_charge_leaves_it_to_the_reconciler,
		nothing_is_charged_before_the_attempt_is_on_record,
		a_repeated_request_gets_its_first_answer, what_another_settled_stands,
		the_reconciler_asks_and_never_charges, one_that_fails_does_not_keep_the_others,
		a_refund_ends_as_the_gateway_says, a_refund_of_nothing_bothers_no_gateway,
		a_cancelled_concert_is_refunded_in_parts,
		a_payment_of_a_running_concert_gets_its_tickets, NULL };
	return unit_main("payment", tests);
}
