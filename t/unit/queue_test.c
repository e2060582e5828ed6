/* The queue outside its stores: the draw, the signed papers, when to come again. */
#include "unit.h"

#include "auth/token.h"
#include "queue/draw.h"
#include "queue/queue_pass.h"
#include "queue/queue_rules.h"

static const unsigned char spec_seed[DRAW_BYTES] = {
	0x4f, 0xe9, 0x1d, 0x85, 0xd6, 0xbc, 0x19, 0xb2, 0x04, 0x13, 0x65, 0x9c, 0x61, 0xf3, 0xc6, 0x90,
	0xa1, 0xc4, 0xd4, 0x8b, 0xe4, 0x1c, 0xab, 0x83, 0x63, 0xa1, 0x30, 0xce, 0xba, 0xba, 0xda, 0x97,
};

/* The Ethereum consensus specification's "minimal" test vector: 100 places, 10 rounds. */
START_TEST(draw_matches_published_vector)
{
	static const int64_t expected[100] = {
		99, 71, 51, 5, 78, 61, 12, 17, 30, 3, 59, 47, 6, 9, 1, 41, 18, 37, 55, 43, 20, 31,
		38, 79, 29, 69, 70, 54, 53, 36, 34, 62, 77, 87, 39, 96, 56, 92, 16, 82, 40, 27, 58,
		14, 68, 76, 80, 13, 28, 81, 64, 26, 19, 60, 90, 2, 98, 67, 66, 52, 46, 95, 49, 72,
		8, 21, 75, 57, 97, 83, 84, 88, 86, 7, 74, 32, 63, 85, 23, 65, 24, 91, 0, 48, 35, 15,
		44, 25, 22, 73, 93, 45, 4, 33, 89, 94, 10, 42, 11, 50,
	};
	for (int64_t i = 0; i < 100; i++)
		ck_assert_int_eq(draw_shuffle(spec_seed, i, 100, 10), expected[i]);
}
END_TEST

/* Computed by t/queue/draw.py, which was written from the specification. */
START_TEST(draw_matches_second_implementation)
{
	static const int64_t places[] = { 0, 1, 2, 500000, 1000002 };
	static const int64_t tickets[] = { 211648, 393992, 753610, 269002, 799039 };
	static const int64_t seven[] = { 3, 5, 6, 0, 1, 4, 2 };
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(draw_ticket(spec_seed, places[i], 1000003), tickets[i]);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(draw_ticket(spec_seed, i, 7), seven[i]);
	ck_assert_int_eq(draw_ticket(spec_seed, 0, 1), 0);
}
END_TEST

START_TEST(draw_is_a_bijection)
{
	static const int64_t sizes[] = { 1, 2, 3, 255, 256, 257, 1000 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		char *taken = arena_alloc(ctx.arena, (size_t)sizes[s]);
		for (int64_t i = 0; i < sizes[s]; i++) {
			int64_t ticket = draw_ticket(spec_seed, i, sizes[s]);
			ck_assert_int_ge(ticket, 0);
			ck_assert_int_lt(ticket, sizes[s]);
			ck_assert(!taken[ticket]++);
		}
	}
}
END_TEST

START_TEST(draw_seed_and_commitment)
{
	unsigned char s0[DRAW_BYTES], out[DRAW_BYTES];
	for (int i = 0; i < DRAW_BYTES; i++)
		s0[i] = (unsigned char)i;
	draw_commitment(s0, out);
	ck_assert_str_eq(str_hex(ctx.arena, out, DRAW_BYTES),
		"c05b20d0f841cf3db86ef24ff3819f4b716b4aec0923278a2f53adf392b1f42c");
	struct draw_input input = { s0, "5f44da16dfb17fd6c8bb405dbc65eded2b342af0", 1000,
		"drand 12" };
	draw_seed(&input, out);
	ck_assert_str_eq(str_hex(ctx.arena, out, DRAW_BYTES),
		"294f9d4de5e0cf8a4328727bdb4e06765c2f359aae9691cb5a31bfd1f6148ef2");
}
END_TEST

static const struct concert_id concert = { 802 };

static void load_keys(void)
{
	const char *error;
	ck_assert(token_keys_load("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", &error));
	ctx.member.value = 7;
}

static const char *pass_until(int64_t expires_ms, int64_t epoch)
{
	const char *pass;
	struct queue_paper paper = { .concert = concert, .member = ctx.member, .epoch = epoch,
		.number = 12, .kind = 1, .issued_ms = 1000, .expires_ms = expires_ms };
	ck_assert_int_eq(queue_pass_sign(&ctx, &paper, &pass), FAULT_NONE);
	return pass;
}

START_TEST(pass_is_its_members_alone)
{
	struct queue_paper paper;
	load_keys();
	const char *pass = pass_until(ctx.now_ms + 5000, 3);
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 3, pass, &paper), FAULT_NONE);
	ck_assert_int_eq(paper.number, 12);
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 0, pass, &paper), FAULT_NONE);
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 4, pass, &paper), FAULT_QUEUE_PASS_REQUIRED);
	ck_assert_int_eq(queue_pass_check(&ctx, (struct concert_id) { 803 }, 3, pass, &paper),
		FAULT_QUEUE_PASS_REQUIRED);
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 3, NULL, &paper), FAULT_QUEUE_PASS_REQUIRED);
	ctx.member.value = 8;
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 3, pass, &paper), FAULT_QUEUE_PASS_REQUIRED);
}
END_TEST

START_TEST(pass_ends_and_cannot_be_altered)
{
	struct queue_paper paper;
	load_keys();
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 3, pass_until(ctx.now_ms - 1000, 3), &paper),
		FAULT_QUEUE_PASS_EXPIRED);
	const char *pass = pass_until(ctx.now_ms + 5000, 3);
	for (size_t i = 0; i < strlen(pass); i++) {
		char *altered = arena_strdup(ctx.arena, pass);
		altered[i] = altered[i] == 'A' ? 'B' : 'A';
		/* the last letter carries two unused bits */
		if (i + 1 < strlen(pass))
			ck_assert_int_ne(queue_pass_check(&ctx, concert, 3, altered, &paper), FAULT_NONE);
	}
}
END_TEST

START_TEST(ticket_is_not_a_pass)
{
	struct queue_paper paper = { .concert = concert, .member = { 7 }, .epoch = 3, .number = 12,
		.kind = 1, .issued_ms = 1000, .expires_ms = ctx.now_ms + 5000 };
	const char *ticket;
	load_keys();
	ck_assert_int_eq(queue_ticket_sign(&ctx, &paper, &ticket), FAULT_NONE);
	ck_assert_int_eq(queue_pass_check(&ctx, concert, 3, ticket, &paper), FAULT_QUEUE_PASS_REQUIRED);
	ck_assert_int_eq(queue_ticket_open(&ctx, concert, ticket, &paper), FAULT_NONE);
	ck_assert_int_eq(paper.number, 12);
	ctx.member.value = 8;
	ck_assert_int_eq(queue_ticket_open(&ctx, concert, ticket, &paper), FAULT_TOKEN_INVALID);
}
END_TEST

START_TEST(work_is_bound_and_checked)
{
	const char *challenge, *work = NULL;
	load_keys();
	ck_assert_int_eq(queue_work_challenge(&ctx, concert, &challenge), FAULT_NONE);
	for (int nonce = 0; !work; nonce++) {
		const char *text = arena_printf(ctx.arena, "%s:%d", challenge, nonce);
		if (queue_work_valid(&ctx, concert, text, 8))
			work = text;
	}
	ck_assert(!queue_work_valid(&ctx, concert, challenge, 0));
	ck_assert(!queue_work_valid(&ctx, concert, NULL, 0));
	ck_assert(!queue_work_valid(&ctx, (struct concert_id) { 1 }, work, 8));
	ctx.now_ms += 10 * 60 * 1000;
	ck_assert(!queue_work_valid(&ctx, concert, work, 8));
	ctx.now_ms -= 10 * 60 * 1000;
	ctx.member.value = 8;
	ck_assert(!queue_work_valid(&ctx, concert, work, 8));
}
END_TEST

START_TEST(poll_rule)
{
	struct queue_answer answer = { .code = QUEUE_CODE_WAITING, .phase = QUEUE_PHASE_OPEN,
		.number = 1000000, .ahead = 999990, .ceiling = 1000, .serving = 10,
		.speed_milli = 50000 };
	ck_assert_int_eq(queue_poll_s(&answer, 50), 60);
	answer.ahead = 8990; /* 8,000 behind the ceiling, which moves at most 200 a second */
	ck_assert_int_eq(queue_poll_s(&answer, 50), 20);
	answer.ahead = 1190;
	ck_assert_int_eq(queue_poll_s(&answer, 50), 5); /* the notice is twice as long */
	answer.ahead = 200;
	answer.ceiling = 100; /* before a gap: number counts those in it, ahead doesn't */
	ck_assert_int_eq(queue_poll_s(&answer, 50), 5);
	answer.ceiling = 1000;
	answer.number = 999;
	answer.ahead = 989;
	ck_assert_int_eq(queue_poll_s(&answer, 50), 5);
	answer.speed_milli = 1000;
	ck_assert_int_eq(queue_poll_s(&answer, 50), 5);
	answer.speed_milli = 50000;
	answer.ahead = 1;
	ck_assert_int_eq(queue_poll_s(&answer, 50), 2);
	answer.speed_milli = -1;
	ck_assert_int_eq(queue_poll_s(&answer, 50), 5);
	answer.code = QUEUE_CODE_ADMITTED;
	ck_assert_int_eq(queue_poll_s(&answer, 50), 0);
	answer = (struct queue_answer) { .code = QUEUE_CODE_LOBBY, .phase = QUEUE_PHASE_LOBBY,
		.open_ms = 200000 };
	ck_assert_int_eq(queue_poll_s(&answer, 50), 20);
	ck_assert_int_eq(queue_wait_s(100, 50000), 2);
	ck_assert_int_eq(queue_wait_s(101, 50000), 3);
	ck_assert_int_eq(queue_wait_s(100, -1), -1);
}
END_TEST

START_TEST(place_in_the_apis_terms)
{
	struct queue_place place;
	struct queue_answer answer = { .code = QUEUE_CODE_WAITING, .phase = QUEUE_PHASE_OPEN,
		.number = 9, .ahead = 4, .ceiling = 100, .speed_milli = 1000 };
	queue_place_from(&answer, 50, &place);
	ck_assert_int_eq(place.status, QUEUE_WAITING);
	ck_assert_int_eq(place.position, 5);
	ck_assert_int_eq(place.number, 9);
	ck_assert_int_eq(place.wait_s, 4);
	answer.code = QUEUE_CODE_LOBBY;
	queue_place_from(&answer, 50, &place);
	ck_assert_int_eq(place.status, QUEUE_PRE_QUEUE);
	ck_assert_int_eq(place.number, -1);
	ck_assert_int_eq(place.lobby_index, 9);
	ck_assert_int_eq(place.position, 0);
	ck_assert_str_eq(queue_status_name(place.status), "PRE_QUEUE");
	ck_assert_str_eq(queue_phase_name(QUEUE_PHASE_RETURNS), "returns");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		draw_matches_published_vector, draw_matches_second_implementation,
		draw_is_a_bijection, draw_seed_and_commitment, pass_is_its_members_alone,
		pass_ends_and_cannot_be_altered, ticket_is_not_a_pass, work_is_bound_and_checked,
		poll_rule, place_in_the_apis_terms, NULL,
	};
	return unit_main("queue", tests);
}
