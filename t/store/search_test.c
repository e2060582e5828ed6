/* What a keyword finds among real titles, and that it is found by index among 100,000 others.
 * All in one transaction that is rolled back. */
#include "store.h"

#include "concert/concert_store.h"

#define FIRST INT64_C(900000000)

/* The plans of the very statements that are run, as the pool plans them. */
PG_STATEMENT(test_explain_search, "explain execute concert_list_by_keyword(null, null, null, "
	"false, null, null, 21, '재즈', false, -1)");
PG_STATEMENT(test_explain_list, "explain execute concert_list_by_date("
	"3786912000000, null, null, false, null, null, 21)");
PG_STATEMENT(test_explain_after, "explain execute concert_list_by_date("
	"null, null, 'PUBLISHED', false, 3786912000000, 5, 21)");
PG_STATEMENT(test_explain_find, "explain execute concert_find(802)");
PG_STATEMENT(test_explain_seat, "explain execute concert_find_seat(665)");

/* title, artist, place, description; the numbers in the queries count from 1 */
static const char titles[] =
	"insert into cm.concert (id, title, artist, place, description, date_time, "
	"reservation_open_at, reservation_close_at) "
	"select 900000000 + n, t[1], t[2], t[3], t[4], "
	"timestamptz '2090-01-01 00:00:00+09' + n * interval '1 day', now(), "
	"timestamptz '2090-01-01 00:00:00+09' from (values "
	"(1, array['봄날의재즈콘서트', '서울 재즈 쿼텟', '예술의전당 콘서트홀', '봄밤의 스탠더드']), "
	"(2, array['아이유 콘서트 〈The Golden Hour〉', '아이유 (IU)', '잠실 올림픽주경기장', '']), "
	"(3, array['임영웅 콘서트 IM HERO - 고척', '임영웅', '고척스카이돔', '']), "
	"(4, array['뮤지컬 〈오페라의 유령〉', '조승우, 최재림', '샤롯데씨어터', '']), "
	"(5, array['조용필&위대한탄생 콘서트 - 서울', '조용필', 'KSPO DOME', '']), "
	"(6, array['2026 서울재즈페스티벌', 'Various Artists', '올림픽공원', 'Seoul Jazz Festival']), "
	"(7, array['BTS WORLD TOUR ''ARIRANG''', '방탄소년단', '고양종합운동장', '']), "
	"(8, array['국립발레단 〈호두까기인형〉', '국립발레단', '예술의전당 오페라극장', '차이콥스키']), "
	"(9, array['베토벤 교향곡 9번 ''합창''', '서울시립교향악단', '롯데콘서트홀', '']), "
	"(10, array['조성진 피아노 리사이틀', '조성진', '예술의전당 콘서트홀', 'Chopin, Ravel']), "
	"(11, array['백예린 단독공연 [Square]', '백예린', '블루스퀘어', '']), "
	"(12, array['R&B 나잇 Vol.3', '딘, 크러쉬', '무신사 개러지', '']), "
	"(13, array['락(樂) 페스타', '국악인', '국립국악원', '']), "
	"(14, array['ＫＰＯＰ 어워즈', '여러 가수', '인스파이어 아레나', '']), "
	"(15, array[normalize('한강 불꽃 음악회', nfd), '', '여의도', '']), "
	"(16, array['봄', '볼빨간사춘기', '소극장', '']), "
	"(17, array['Café del Mar 내한공연', 'DJ', '홍대', '']), "
	"(18, array['10CM 전국투어', '십센치', '부산 벡스코', '']), "
	"(19, array['크리스마스 캐럴', '서울모테트합창단', '세종문화회관', '헨델 메시아 전곡']), "
	"(20, array['별이 빛나는 밤', '이적', '노천극장', '비가   와도\n공연합니다'])) as v (n, t)";

/* keyword, the hits in order */
static const struct { const char *keyword, *hits; } table[] = {
	{ "재즈", "1 6" }, { "재즈콘", "1" }, { "봄날", "1" }, { "봄", "1 16" }, { "봄날의 재즈", "1" },
	{ "재즈 봄날", "1" }, { "\"봄날의 재즈\"", "" }, { "\"봄날의재즈\"", "1" },
	{ "콘서트", "1 2 3 5 9 10" }, { "콘서트홀", "1 9 10" }, { "서울", "5 6 1 9 19" },
	{ "서울 재즈", "6 1" }, { "\"서울 재즈\"", "1" }, { "서울재즈", "6" }, { "아이유", "2" },
	{ "iu", "2" }, { "golden hour", "2" }, { "\"golden hour\"", "2" }, { "\"hour golden\"", "" },
	{ "hour golden", "2" }, { "GOLDEN", "2" }, { "ＧＯＬＤＥＮ", "2" }, { "고척", "3" },
	{ "스카이돔", "3" }, { "오페라", "4 8" }, { "오페라의 유령", "4" }, { "유령 오페라", "4" },
	{ "예술의전당", "1 8 10" }, { "예술의전당 오페라", "8" }, { "조용필", "5" },
	{ "조용필&위대한탄생", "5" }, { "kspo", "5" }, { "jazz", "6" }, { "2026", "6" }, { "arirang", "7" },
	{ "방탄", "7" }, { "bts 방탄", "7" }, { "호두까기", "8" }, { "차이콥스키", "8" }, { "9번", "9" },
	{ "합창", "9 19" }, { "조성진", "10" }, { "chopin", "10" }, { "square", "11" }, { "r&b", "12" },
	{ "vol.3", "12" }, { "樂", "13" }, { "국악", "13" }, { "kpop", "14" }, { "KPOP 어워즈", "14" },
	{ "한강", "15" },
	{ "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xbc", "15" },
	{ "불꽃 음악회", "15" }, { "café", "17" }, { "내한", "17" }, { "10cm", "18" }, { "벡스코", "18" },
	{ "메시아", "19" }, { "별이 빛나는", "20" }, { "빛나", "20" }, { "비가 와도", "20" },
	{ "\"와도 공연합니다\"", "20" }, { "밤", "20 1" }, { "뮤지컬 콘서트", "" }, { "째즈", "" },
	{ "&", "" }, { "%", "" }, { "_", "" }, { "'; drop table", "" },
	{ "콘서트 없는말", "" }, { "재 즈", "1 6" },
};

static void search(const char *keyword, struct strbuf *hits)
{
	struct concert_filter filter = { .from_ms = INT64_C(3786879600000),
		.to_ms = INT64_C(3818415600000), .limit = 20 };
	struct concert *rows;
	size_t count;
	bool more;
	concert_keyword(&ctx, keyword, &filter);
	ck_assert_msg(concert_list(&ctx, &filter, &rows, &count, &more) == FAULT_NONE,
		"%s: %s", keyword, ctx.log_detail);
	strbuf_init(hits, ctx.arena);
	for (size_t i = 0; i < count; i++)
		strbuf_printf(hits, "%s%lld", i ? " " : "", (long long)(rows[i].id.value - FIRST));
}

static void run(const char *sql)
{
	ck_assert_msg(pg_execute(&ctx, ctx.pg, sql) == FAULT_NONE, "%.60s: %s", sql, ctx.log_detail);
}

START_TEST(keywords)
{
	size_t wrong = 0;
	run("begin");
	run(titles);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct strbuf hits;
		search(table[i].keyword, &hits);
		if (strcmp(hits.data, table[i].hits) == 0)
			continue;
		printf("# %s: found %s, wanted %s\n", table[i].keyword, hits.data, table[i].hits);
		wrong++;
	}
	ck_assert_uint_eq(wrong, 0);
	run("rollback");
}
END_TEST

static const char *explain(const struct pg_statement *statement)
{
	struct pg_rows rows;
	struct strbuf plan;
	ck_assert_msg(pg_query(&ctx, &rows, statement, "") == FAULT_NONE, "%s", ctx.log_detail);
	strbuf_init(&plan, ctx.arena);
	for (int i = 0; i < rows.count; i++)
		strbuf_printf(&plan, "%s\n", pg_text(&rows, i, 0));
	return plan.data;
}

/* Filler concerts get made-up terms: computing real ones for all takes minutes. */
static void fill(void)
{
	run("create or replace function cm.search_index_terms(p_text text) returns text[] "
		"language sql immutable strict parallel safe as $$ "
		"select array[substr(md5(p_text), 1, 2), substr(md5(p_text), 3, 2), '공연'] $$");
	run("insert into cm.concert (title, place, date_time, reservation_open_at, "
		"reservation_close_at) select '공연 ' || n, '극장', "
		"timestamptz '2091-01-01' + n * interval '1 minute', now(), timestamptz '2091-01-01' "
		"from generate_series(1, 100000) n");
	run("analyze cm.concert");
}

START_TEST(plans_at_100000_concerts)
{
	static const struct { const struct pg_statement *statement; const char *index; } plans[] = {
		{ &test_explain_search, "concert_search" }, { &test_explain_list, "concert_date" },
		{ &test_explain_after, "concert_date" }, { &test_explain_find, "concert_pkey" },
		{ &test_explain_seat, "seat_pkey" },
	};
	struct strbuf hits;
	conf_set(CONF_DATABASE_CALL_MS, "60000");
	run("set jit = off");
	run("set plan_cache_mode = force_generic_plan");
	run("begin");
	run(titles);
	fill();
	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		const char *plan = explain(plans[i].statement);
		ck_assert_msg(strstr(plan, plans[i].index) != NULL, "%s", plan);
		ck_assert_msg(!strstr(plan, "Seq Scan on concert") && !strstr(plan, "Seq Scan on seat"),
			"%s", plan);
	}
	search("재즈", &hits);
	ck_assert_str_eq(hits.data, "1 6");
	run("rollback");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { keywords, plans_at_100000_concerts, NULL };
	return store_main("search", tests);
}
