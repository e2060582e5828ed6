#include "store.h"

#include <poll.h>

#include "base/tx.h"

PG_STATEMENT(test_echo, "select $1::bigint, $2::text, $3::boolean, $4::bigint[], $5::bytea, "
	"$6::text[], $7::bigint");
PG_STATEMENT(test_sleep, "select pg_sleep($1::bigint)");
PG_STATEMENT(test_prepared, "select count(*) from pg_prepared_statements where not from_sql");
PG_STATEMENT(test_kill, "select pg_terminate_backend($1::bigint::int)");
PG_STATEMENT(test_self, "select pg_backend_pid()::bigint");
PG_STATEMENT(test_divide, "select 1 / $1::bigint");
PG_STATEMENT(test_count, "select count(*) from pg_class where relname = $1");

START_TEST(every_statement_of_the_library_prepares)
{
	size_t count;
	struct pg_rows rows;
	pg_statements(&count);
	ck_assert_uint_ge(count, 7);
	ck_assert_msg(pg_connect(&ctx, ctx.pg) == FAULT_NONE, "%s", ctx.log_detail);
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_prepared, ""), FAULT_NONE);
	ck_assert_int_eq(pg_integer(&rows, 0, 0), (int64_t)count);
}
END_TEST

START_TEST(parameters_of_every_type_come_back)
{
	struct pg_rows rows;
	const int64_t ids[] = { 1, ID_MAX };
	const char *const texts[] = { "a\"b", "c\\d,{}" };
	size_t length;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_echo, "itbAxTI", INT64_C(-7), "봄날", 1, ids,
		(size_t)2, "\0\xff", (size_t)2, texts, (size_t)2, INT64_C(0)), FAULT_NONE);
	ck_assert_int_eq(rows.count, 1);
	ck_assert_int_eq(pg_integer(&rows, 0, 0), -7);
	ck_assert_str_eq(pg_text(&rows, 0, 1), "봄날");
	ck_assert(pg_boolean(&rows, 0, 2));
	ck_assert_str_eq(pg_text(&rows, 0, 3), "{1,9007199254740991}");
	ck_assert_mem_eq(pg_bytes(&ctx, &rows, 0, 4, &length), "\0\xff", 2);
	ck_assert_uint_eq(length, 2);
	ck_assert_str_eq(pg_text(&rows, 0, 5), "{\"a\\\"b\",\"c\\\\d,{}\"}");
	ck_assert(pg_is_null(&rows, 0, 6));
	ck_assert_ptr_null(pg_text(&rows, 0, 6));
}
END_TEST

START_TEST(a_slow_statement_ends_at_the_client_deadline)
{
	struct pg_rows rows;
	conf_set(CONF_DATABASE_CALL_MS, "200");
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_sleep, "i", INT64_C(600)),
		FAULT_OUTCOME_UNKNOWN);
	ck_assert_int_eq(pg_socket(ctx.pg), -1);
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_self, ""), FAULT_NONE);
}
END_TEST

START_TEST(a_connection_killed_while_idle_is_replaced_unseen)
{
	struct pg_rows rows;
	struct pg *other = pg_new(admin_url(), NULL);
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_self, ""), FAULT_NONE);
	int64_t victim = pg_integer(&rows, 0, 0);
	ck_assert_int_eq(pg_query_on(&ctx, other, &rows, &test_kill, "i", victim), FAULT_NONE);
	ck_assert(pg_boolean(&rows, 0, 0));
	/* The kill is asynchronous: the closing socket says when it is done. */
	struct pollfd poller = { .fd = pg_socket(ctx.pg), .events = POLLIN };
	ck_assert_int_eq(poll(&poller, 1, -1), 1);
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_self, ""), FAULT_NONE);
	ck_assert_int_ne(pg_integer(&rows, 0, 0), victim);
	pg_free(other);
}
END_TEST

START_TEST(an_error_names_its_state_for_the_log)
{
	struct pg_rows rows;
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_divide, "i", INT64_C(0)), FAULT_INTERNAL);
	ck_assert(str_starts(ctx.log_detail, "22012 "));
}
END_TEST

START_TEST(an_unreachable_server_is_away_and_backs_off)
{
	struct pg *nowhere = pg_new("host=/nonexistent dbname=x", NULL);
	ck_assert_int_eq(pg_connect(&ctx, nowhere), FAULT_DATABASE_AWAY);
	ck_assert_int_eq(pg_connect(&ctx, nowhere), FAULT_DATABASE_AWAY);
	pg_free(nowhere);
}
END_TEST

static enum fault make_table(struct ctx *context, void *arg)
{
	int *runs = arg;
	++*runs;
	enum fault fault = pg_execute(context, context->pg, "create table cm.tx_probe (x int)");
	return fault ? fault : *runs < 3 ? FAULT_DATABASE_RETRY : FAULT_SEAT_TAKEN;
}

START_TEST(a_transaction_is_repeated_and_a_fault_rolls_back)
{
	struct pg_rows rows;
	int runs = 0;
	ck_assert_int_eq(tx_run(&ctx, "test", make_table, &runs), FAULT_SEAT_TAKEN);
	ck_assert_int_eq(runs, 3);
	ck_assert_int_eq(pg_query(&ctx, &rows, &test_count, "t", "tx_probe"), FAULT_NONE);
	ck_assert_int_eq(pg_integer(&rows, 0, 0), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { every_statement_of_the_library_prepares,
		parameters_of_every_type_come_back, a_slow_statement_ends_at_the_client_deadline,
		a_connection_killed_while_idle_is_replaced_unseen,
		an_error_names_its_state_for_the_log, an_unreachable_server_is_away_and_backs_off,
		a_transaction_is_repeated_and_a_fault_rolls_back, NULL };
	return store_main("pg", tests);
}
