/* The rules of lib/ticket on its store in memory; codes are really signed. */
#include "unit.h"

#include "fake/ticket_mem.h"

#include "auth/token.h"

#include "base/banned.h"

static const char nonce[] = "0123abcd-0000-4000-8000-0123456789ab";

static void forget(void)
{
	const char *error;
	ck_assert(token_keys_load("k:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZUE=", &error));
	ticket_memory = (struct ticket_memory){ .count = 3 };
	static const char *const statuses[] = { "ISSUED", "USED", "VOID" };
	for (int i = 0; i < 3; i++)
		ticket_memory.tickets[i] = (struct ticket){ .id = { 9 - i }, .status = statuses[i],
			.nonce = nonce, .used_ms = i == 1 ? 1 : 0 };
	ctx.problem_extra = NULL;
}

static const char *sealed(const char *typ, const char *payload)
{
	const char *code;
	ck_assert_int_eq(token_seal(&ctx, typ, payload, &code), FAULT_NONE);
	return code;
}

static const char *code_of(int64_t id)
{
	return sealed("ticket", arena_printf(ctx.arena, "{\"ticket\":%lld,\"nonce\":\"%s\"}",
		(long long)id, nonce));
}

START_TEST(only_a_ticket_that_is_good_shows_its_code)
{
	struct ticket_filter filter = { .limit = 2 };
	struct ticket_list list;
	struct ticket ticket;
	forget();
	ck_assert_int_eq(ticket_list(&ctx, &filter, &list), FAULT_NONE);
	ck_assert_uint_eq(list.count, 2);
	ck_assert(list.has_more);
	ck_assert_str_eq(list.items[0].code, code_of(9));
	ck_assert_ptr_null(list.items[1].code);
	filter.limit = 3;
	ck_assert_int_eq(ticket_list(&ctx, &filter, &list), FAULT_NONE);
	ck_assert(!list.has_more);
	ck_assert_ptr_null(list.items[2].code);
	ck_assert_int_eq(ticket_get(&ctx, (struct ticket_id){ 9 }, &ticket), FAULT_NONE);
	ck_assert_str_eq(ticket.code, code_of(9));
	ck_assert_int_eq(ticket_get(&ctx, (struct ticket_id){ 1 }, &ticket), FAULT_TICKET_NOT_FOUND);
}
END_TEST

START_TEST(a_holder_is_let_in_once)
{
	struct ticket ticket;
	forget();
	const char *code = code_of(9);
	ck_assert_int_eq(ticket_check_in(&ctx, code, &ticket), FAULT_NONE);
	ck_assert_str_eq(ticket.status, "USED");
	ck_assert_int_eq(ticket_check_in(&ctx, code, &ticket), FAULT_TICKET_ALREADY_USED);
	ck_assert_ptr_nonnull(strstr(ctx.problem_extra, clock_format(ctx.arena, ctx.now_ms)));
	ck_assert_int_eq(ticket_check_in(&ctx, code_of(8), &ticket), FAULT_TICKET_ALREADY_USED);
	ck_assert_int_eq(ticket_check_in(&ctx, code_of(7), &ticket), FAULT_TICKET_VOID);
	ck_assert_int_eq(ticket_check_in(&ctx, code_of(6), &ticket), FAULT_TICKET_NOT_FOUND);
}
END_TEST

/* Whatever isn't our signature over our form of words is refused without a look at the store. */
START_TEST(made_up_codes_are_unknown)
{
	struct ticket ticket;
	const char *error;
	forget();
	const char *good = code_of(9);
	const char *const codes[] = { "", "x", "..", "a.b.c", sealed("queue-pass", "{\"ticket\":9}"),
		sealed("JWT", arena_printf(ctx.arena, "{\"ticket\":9,\"nonce\":\"%s\"}", nonce)),
		sealed("ticket", "{}"), sealed("ticket", "{\"ticket\":9}"),
		sealed("ticket", "{\"ticket\":9,\"nonce\":\"short\"}"),
		sealed("ticket", "{\"ticket\":x,\"nonce\":\"0123abcd-0000-4000-8000-0123456789ab\"}"),
		sealed("ticket", "{\"ticket\":9,\"nonce\":\"'; drop table ticket; -- 0000000000000\"}"),
		arena_printf(ctx.arena, "%s ", good), arena_printf(ctx.arena, "%.*s",
			(int)strlen(good) - 1, good), strchr(good, '.') };
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		ck_assert_msg(ticket_check_in(&ctx, codes[i], &ticket) == FAULT_TICKET_NOT_FOUND,
			"%zu: %s", i, codes[i]);
	for (size_t i = 0; good[i + 1]; i++) {
		char *altered = arena_strdup(ctx.arena, good);
		altered[i] = altered[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(ticket_check_in(&ctx, altered, &ticket), FAULT_TICKET_NOT_FOUND);
	}
	ck_assert(token_keys_load("k:QWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU=", &error));
	const char *of_another_key = code_of(9);
	forget();
	ck_assert_int_eq(ticket_check_in(&ctx, of_another_key, &ticket), FAULT_TICKET_NOT_FOUND);
	ck_assert_int_eq(ticket_memory.uses, 0);
}
END_TEST

/* A stolen signing key is not enough. */
START_TEST(a_signed_code_with_another_nonce_is_unknown)
{
	struct ticket ticket;
	forget();
	const char *code = sealed("ticket",
		"{\"ticket\":9,\"nonce\":\"00000000-0000-4000-8000-000000000000\"}");
	ck_assert_int_eq(ticket_check_in(&ctx, code, &ticket), FAULT_TICKET_NOT_FOUND);
	ck_assert_int_eq(ticket_memory.uses, 1);
	ck_assert_str_eq(ticket_memory.tickets[0].status, "ISSUED");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { only_a_ticket_that_is_good_shows_its_code,
		a_holder_is_let_in_once, made_up_codes_are_unknown,
		a_signed_code_with_another_nonce_is_unknown, NULL };
	return unit_main("ticket", tests);
}
