/* The rules of lib/reservation on its ports in memory: no driver is linked. */
#include "unit.h"

#include "fake/reservation_mem.h"

#include "base/banned.h"

static const int64_t seats[] = { 665, 666 };
static struct hold_request request;
static struct hold held;

static void forget(void)
{
	reservation_memory = (struct reservation_memory){ .hold = { .code = HOLD_HELD,
		.reservation = { .id = { 7 }, .seat_count = 2 } }, .pass_issued_ms = 1000500 };
	request = (struct hold_request){ .concert = { 802 }, .seats = seats, .seat_count = 2 };
	conf_set(CONF_SEAT_LOCK_TRIES, "3");
	conf_set(CONF_QUEUE_STORE_DOWN, "static");
	ctx.errors = NULL;
	ctx.problem_extra = NULL;
	ctx.after = NULL;
}

START_TEST(what_makes_no_sense_is_refused_before_anybody_is_asked)
{
	static const int64_t twice[] = { 5, 6, 5 };
	static int64_t many[LIMIT_SEATS_PER_HOLD + 1];
	for (size_t i = 0; i <= LIMIT_SEATS_PER_HOLD; i++)
		many[i] = (int64_t)i + 1;
	const struct { struct hold_request request; const char *field; } cases[] = {
		{ { .seats = twice, .seat_count = 3 }, "seatIds" },
		{ { .seats = many, .seat_count = LIMIT_SEATS_PER_HOLD + 1 }, "seatIds" },
		{ { .seats = seats, .seat_count = 2, .grade = { 1 } }, "gradeId" },
		{ { .seats = seats, .seat_count = 2, .count = 2 }, "gradeId" },
		{ { .count = 2 }, "seatId" },
		{ { .grade = { 1 } }, "count" },
		{ { .grade = { 1 }, .count = -1 }, "count" },
		{ { .grade = { 1 }, .count = LIMIT_SEATS_PER_HOLD + 1 }, "count" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		ck_assert_int_eq(reservation_hold(&ctx, &cases[i].request, &held), FAULT_BAD_INPUT);
		ck_assert_str_eq(ctx.errors->field, cases[i].field);
		ck_assert_int_eq(reservation_memory.locks + reservation_memory.holds, 0);
	}
}
END_TEST

START_TEST(a_hold_locks_asks_the_store_and_unlocks_when_the_answer_is_out)
{
	forget();
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_NONE);
	ck_assert(held.is_new && !held.is_replayed);
	ck_assert_int_eq(held.reservation.id.value, 7);
	ck_assert_int_eq(reservation_memory.locks, 1);
	ck_assert(reservation_memory.locked_with_gate);
	ck_assert_int_eq(reservation_memory.unlocks, 0);
	ctx_run_after(&ctx);
	ck_assert_int_eq(reservation_memory.unlocks, 1);
	ck_assert_int_eq(reservation_memory.held->id.value, 7);
}
END_TEST

/* A hold of the same seats, or one refused, doesn't lengthen a turn nor tell the seat states. */
START_TEST(only_a_new_hold_is_told)
{
	for (int replayed = 0; replayed < 2; replayed++) {
		forget();
		reservation_memory.hold.code = replayed ? HOLD_HELD : HOLD_SAME;
		reservation_memory.hold.is_replayed = replayed;
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_NONE);
		ck_assert_int_eq(held.is_replayed, replayed);
		ctx_run_after(&ctx);
		ck_assert_int_eq(reservation_memory.unlocks, 1);
		ck_assert_ptr_null(reservation_memory.held);
	}
}
END_TEST

START_TEST(each_code_of_the_store_has_its_fault)
{
	static const struct { enum hold_code code; enum fault fault; } cases[] = {
		{ HOLD_SEAT_TAKEN, FAULT_SEAT_TAKEN }, { HOLD_SOLD_OUT, FAULT_SOLD_OUT },
		{ HOLD_LIMIT, FAULT_TICKET_LIMIT_REACHED }, { HOLD_NOT_OPEN, FAULT_BOOKING_NOT_OPEN },
		{ HOLD_CLOSED, FAULT_BOOKING_CLOSED }, { HOLD_BUSY, FAULT_SEAT_TAKEN },
		{ HOLD_CONCERT_NOT_FOUND, FAULT_CONCERT_NOT_FOUND },
		{ HOLD_SEAT_NOT_FOUND, FAULT_SEAT_NOT_FOUND },
		{ HOLD_GRADE_NOT_FOUND, FAULT_BAD_INPUT },
		{ HOLD_KEY_RUNNING, FAULT_REQUEST_IN_PROGRESS },
		{ HOLD_KEY_REUSED, FAULT_IDEMPOTENCY_KEY_REUSED },
	};
	static const struct reserved_seat taken = { .id = { 666 }, .number = "A-13" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		reservation_memory.hold = (struct hold_outcome){ .code = cases[i].code,
			.taken = &taken, .taken_count = 1 };
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), cases[i].fault);
		if (cases[i].code == HOLD_SEAT_TAKEN)
			ck_assert_str_eq(ctx.problem_extra, "\"seats\":[666:A-13]");
		if (cases[i].code == HOLD_GRADE_NOT_FOUND)
			ck_assert_str_eq(ctx.errors->field, "gradeId");
		ctx_run_after(&ctx);
		ck_assert_ptr_null(reservation_memory.held);
	}
}
END_TEST

START_TEST(a_locked_seat_is_asked_for_within_a_budget)
{
	forget();
	reservation_memory.busy_locks = 2;
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_NONE);
	ck_assert_int_eq(reservation_memory.locks, 3);
	ck_assert_int_eq(reservation_memory.pauses, 2);
	forget();
	reservation_memory.busy_locks = -1;
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_SEAT_TAKEN);
	ck_assert_str_eq(ctx.problem_extra, "\"seats\":[665:]");
	ck_assert_int_eq(reservation_memory.locks, 3);
	ck_assert_int_eq(reservation_memory.holds, 0);
}
END_TEST

/* Refused at the lock because its own first request holds it, or has held: the first answer. */
START_TEST(a_repeated_request_gets_its_first_answer_through_a_lock)
{
	forget();
	request.idempotency.key = "key";
	reservation_memory.busy_locks = -1;
	reservation_memory.replay = (struct hold_outcome){ .code = HOLD_HELD, .is_replayed = true,
		.reservation = { .id = { 9 } } };
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_NONE);
	ck_assert(held.is_replayed);
	ck_assert_int_eq(held.reservation.id.value, 9);
	reservation_memory.replay = (struct hold_outcome){ .code = HOLD_NONE };
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_SEAT_TAKEN);
	ck_assert_int_eq(reservation_memory.holds, 0);
}
END_TEST

START_TEST(the_gate_is_the_queues)
{
	static const enum seat_lock_code codes[] = { SEAT_LOCK_NO_PASS, SEAT_LOCK_PASS_ENDED };
	static const enum fault faults[] = { FAULT_QUEUE_PASS_REQUIRED, FAULT_QUEUE_PASS_EXPIRED };
	for (size_t i = 0; i < 2; i++) {
		forget();
		reservation_memory.lock_code = codes[i];
		reservation_memory.epoch = 1;
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), faults[i]);
		ck_assert_int_eq(reservation_memory.holds, 0);
		forget();
		reservation_memory.lock_code = codes[i];
		reservation_memory.epoch = 0; /* the concert has no queue */
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_NONE);
		ck_assert(!reservation_memory.locked_with_gate);
	}
}
END_TEST

START_TEST(without_redis_the_database_decides_and_a_pass_is_shown)
{
	static const struct {
		const char *mode;
		int64_t epoch;
		enum fault pass, fault;
		int holds;
	} cases[] = {
		{ "static", 1, FAULT_NONE, FAULT_NONE, 1 }, { "static", 0, FAULT_NONE, FAULT_NONE, 1 },
		{ "static", 1, FAULT_QUEUE_PASS_EXPIRED, FAULT_QUEUE_PASS_EXPIRED, 0 },
		{ "closed", 1, FAULT_NONE, FAULT_REDIS_AWAY, 0 },
		{ "closed", 0, FAULT_NONE, FAULT_NONE, 1 },
		{ "open", 1, FAULT_QUEUE_PASS_REQUIRED, FAULT_NONE, 1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		conf_set(CONF_QUEUE_STORE_DOWN, cases[i].mode);
		reservation_memory.lock_fault = FAULT_REDIS_AWAY;
		reservation_memory.pass_fault = cases[i].pass;
		reservation_memory.epoch = cases[i].epoch;
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), cases[i].fault);
		ck_assert_int_eq(reservation_memory.holds, cases[i].holds);
	}
}
END_TEST

/* A pass is for one purchase: what was issued before the member bought is used. */
START_TEST(a_used_pass_opens_nothing)
{
	static const struct { int64_t paid_ms; enum fault fault; } cases[] = {
		{ 1000499, FAULT_NONE }, { 1000500, FAULT_QUEUE_PASS_REQUIRED },
		{ 2000000, FAULT_QUEUE_PASS_REQUIRED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		reservation_memory.lock_fault = FAULT_REDIS_AWAY;
		reservation_memory.epoch = 1;
		reservation_memory.paid_ms = cases[i].paid_ms;
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), cases[i].fault);
		forget();
		reservation_memory.lock_code = SEAT_LOCK_NO_PASS;
		reservation_memory.epoch = 1;
		reservation_memory.paid_ms = cases[i].paid_ms;
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_QUEUE_PASS_REQUIRED);
		ck_assert_int_eq(reservation_memory.restores, cases[i].fault == FAULT_NONE);
		reservation_memory.is_queue_lost = true; /* as without Redis */
		ck_assert_int_eq(reservation_hold(&ctx, &request, &held), cases[i].fault);
		ck_assert_int_eq(reservation_memory.locked_with_gate, cases[i].fault != FAULT_NONE);
	}
}
END_TEST

START_TEST(what_may_be_repeated_is_and_what_may_have_happened_is_not)
{
	forget();
	reservation_memory.hold_fault = FAULT_DATABASE_RETRY;
	reservation_memory.failing_holds = 5;
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_NONE);
	ck_assert_int_eq(reservation_memory.holds, 6);
	forget();
	reservation_memory.hold_fault = FAULT_DATABASE_RETRY;
	reservation_memory.failing_holds = -1;
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_DATABASE_RETRY);
	ck_assert_int_eq(reservation_memory.holds, 6);
	forget();
	reservation_memory.hold_fault = FAULT_OUTCOME_UNKNOWN;
	reservation_memory.failing_holds = -1;
	ck_assert_int_eq(reservation_hold(&ctx, &request, &held), FAULT_OUTCOME_UNKNOWN);
	ck_assert_int_eq(reservation_memory.holds, 1);
	ctx_run_after(&ctx);
	ck_assert_int_eq(reservation_memory.unlocks, 0); /* the database may still be at work */
}
END_TEST

static struct cancellation cancelled;
static const struct idempotency no_key;

static enum fault cancel(void)
{
	return reservation_cancel(&ctx, (struct reservation_id){ 7 }, &no_key, &cancelled);
}

START_TEST(each_end_of_a_cancel_has_its_fault)
{
	static const struct { enum cancel_code code; enum fault fault; } cases[] = {
		{ CANCEL_CANCELLED, FAULT_NONE }, { CANCEL_ALREADY, FAULT_NONE },
		{ CANCEL_REFUNDING, FAULT_NONE }, { CANCEL_EXPIRED, FAULT_RESERVATION_EXPIRED },
		{ CANCEL_PAYING, FAULT_PAYMENT_IN_PROGRESS },
		{ CANCEL_NOT_FOUND, FAULT_RESERVATION_NOT_FOUND },
		{ CANCEL_KEY_RUNNING, FAULT_REQUEST_IN_PROGRESS },
		{ CANCEL_KEY_REUSED, FAULT_IDEMPOTENCY_KEY_REUSED },
	};
	static const struct reserved_seat freed = { .id = { 665 }, .position = 11 };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		reservation_memory.cancel = (struct cancel_outcome){ .code = cases[i].code,
			.status = "S", .seats = &freed, .seat_count = 1 };
		ck_assert_int_eq(cancel(), cases[i].fault);
		ck_assert_int_eq(reservation_memory.told_times, cases[i].code == CANCEL_CANCELLED);
		ck_assert_int_eq(reservation_memory.refunds, 0);
	}
	forget();
	reservation_memory.cancel = (struct cancel_outcome){ .code = CANCEL_CANCELLED, .status = "S" };
	reservation_memory.cancel_fault = FAULT_DATABASE_RETRY;
	reservation_memory.failing_cancels = 5;
	ck_assert_int_eq(cancel(), FAULT_NONE);
	ck_assert_int_eq(reservation_memory.cancels, 6);
}
END_TEST

static struct cancel_outcome paid_thirty_days_ago(void)
{
	static const struct refund_step half = { 1, 50, 0, 0 };
	const int64_t day_ms = 86400000;
	struct cancel_outcome paid = { .code = CANCEL_PAID,
		.refund_case = { .amount = 1001, .seat_count = 1, .now_ms = ctx.now_ms } };
	paid.refund_case.booked_ms = ctx.now_ms - 30 * day_ms;
	paid.refund_case.concert_ms = ctx.now_ms + 5 * day_ms;
	paid.ladder.steps[paid.ladder.step_count++] = half;
	return paid;
}

START_TEST(a_paid_one_is_refunded_by_its_concerts_ladder)
{
	static const struct { enum refund_code code; enum fault fault; } cases[] = {
		{ REFUND_OK, FAULT_NONE }, { REFUND_ALREADY, FAULT_NONE },
		{ REFUND_TICKET_USED, FAULT_TICKET_USED },
		{ REFUND_NOT_FOUND, FAULT_RESERVATION_NOT_FOUND },
		{ REFUND_AMOUNT, FAULT_INTERNAL }, { REFUND_NOT_PAID, FAULT_INTERNAL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		forget();
		reservation_memory.cancel = paid_thirty_days_ago();
		reservation_memory.refund = (struct refund_outcome){ .code = cases[i].code,
			.status = "REFUNDING", .refund_amount = 501, .fee = 500 };
		ck_assert_int_eq(cancel(), cases[i].fault);
		ck_assert_int_eq(reservation_memory.quote.refund_amount, 501);
		ck_assert_int_eq(reservation_memory.quote.fee, 500);
		if (!cases[i].fault)
			ck_assert_int_eq(cancelled.refund_amount + cancelled.fee, 1001);
	}
	forget();
	reservation_memory.cancel = (struct cancel_outcome){ .code = CANCEL_PAID };
	ck_assert_int_eq(cancel(), FAULT_REFUND_CLOSED); /* a ladder without steps */
	ck_assert_int_eq(reservation_memory.refunds, 0);
}
END_TEST

START_TEST(ended_holds_are_told_once_a_concert)
{
	static const struct expired_seat ended[] = { { { 802 }, 3 }, { { 802 }, 4 }, { { 803 }, 3 },
		{ { 805 }, 1 }, { { 805 }, 2 } };
	int64_t count;
	forget();
	reservation_memory.expired = ended;
	reservation_memory.expired_count = 5;
	ck_assert_int_eq(reservation_expire(&ctx, 100, &count), FAULT_NONE);
	ck_assert_int_eq(count, 5);
	ck_assert_int_eq(reservation_memory.told_times, 3);
	ck_assert_uint_eq(reservation_memory.told_seats, 5);
	ck_assert_int_eq(reservation_memory.letter, 'A');
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { what_makes_no_sense_is_refused_before_anybody_is_asked,
		a_hold_locks_asks_the_store_and_unlocks_when_the_answer_is_out, only_a_new_hold_is_told,
		each_code_of_the_store_has_its_fault, a_locked_seat_is_asked_for_within_a_budget,
		a_repeated_request_gets_its_first_answer_through_a_lock, the_gate_is_the_queues,
		without_redis_the_database_decides_and_a_pass_is_shown,
		a_used_pass_opens_nothing, what_may_be_repeated_is_and_what_may_have_happened_is_not,
		each_end_of_a_cancel_has_its_fault, a_paid_one_is_refunded_by_its_concerts_ladder,
		ended_holds_are_told_once_a_concert, NULL };
	return unit_main("reservation", tests);
}
