#!/usr/bin/env bash
# The organiser at size: a hall in one request, wrong ones refused by name, an export that needs no memory.
. "$(dirname "$0")/lib.sh"
export CM_POOL_CONCERT_WORKERS=1
start_instance
member=$(sign_in "$USER_EMAIL" "$USER_PASSWORD")
admin=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")

# --- bad questions name their field --------------------------------------------------------------------
token=$member
while IFS='|' read -r query field code; do
	request GET "/concert?$query"
	is "$status $(json '[.errors[].field] | join(" ")') $(json '[.errors[].code] | join(" ")')" "400 $field $code" "?$query"
	isnt "$(json '.errors[0].message')" '' "says what is wrong with it"
done <<'TABLE'
limit=0|limit|range
limit=101|limit|range
limit=-1|limit|range
limit=1.5|limit|type
from=2027-02-01&to=2027-01-01|from|conflict
from=2027-13-01|from|format
status=SOLD|status|choice
TABLE
for cursor in AAAA 'AAAAAAAAAAAAAAGiEADqYQAAAAAAAAMnAAAAAAAAAAAAAAAAAAAAAA' '!!' "$(printf 'x%.0s' {1..200})"; do
	request GET "/concert?cursor=$cursor"
	problem 400 bad-cursor "a forged cursor: ${cursor:0:10}"
done

# --- halls -----------------------------------------------------------------------------------------------
token=$admin
# hall FIELDS GRADES
hall() { printf '{"title":"큰 공연","place":"경기장","dateTime":"2099-01-01T19:00"%s,"grades":%s}' "$1" "$2"; }
while IFS='|' read -r fields grades field name; do
	request POST /concert "$(hall "$fields" "$grades")"
	is "$status $(json '.errors[0].field')" "400 $field" "$name"
	isnt "$(json '.errors[0].message')" '' "and says why"
done <<'TABLE'
|[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":100001}]}]}]|grades[0].sections[0].rows[0].to|100,001 seats in one row
|[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":50000},{"label":"B","from":1,"to":50001}]}]}]|grades|100,001 seats in two
|[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":10},{"label":"A","from":10,"to":20}]}]}]|grades[0].sections[0].rows[1]|overlapping rows
|[{"name":"R","price":1,"sections":[{"name":"1","rows":[{"label":"A","from":1,"to":10}]}]},{"name":"S","price":1,"sections":[{"name":"1","rows":[{"label":"A","from":5,"to":6}]}]}]|grades[1].sections[0].rows[0]|overlapping rows of two grades
|[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":5,"to":4}]}]}]|grades[0].sections[0].rows[0]|a row that ends before it begins
|[{"name":"R","price":-1,"sections":[{"rows":[{"label":"A","from":1,"to":2}]}]}]|grades[0].price|a negative price
|[{"name":"R","price":1000000001,"sections":[{"rows":[{"label":"A","from":1,"to":2}]}]}]|grades[0].price|a price beyond all measure
,"reservationOpenAt":"2098-01-02T00:00","reservationCloseAt":"2098-01-01T00:00"|[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":2}]}]}]|reservationOpenAt|a window that closes before it opens
TABLE
is "$(sql "select count(*) from cm.concert where title = '큰 공연'")" 0 "nothing was made"
start=$(date +%s%N)
request POST /concert "$(hall '' '[{"name":"VIP","price":3,"sections":[{"name":"1F","rows":[{"label":"A","from":1,"to":30000}]}]},{"name":"R","price":2,"sections":[{"name":"2F","rows":[{"label":"A","from":1,"to":70000}]}]}]')"
is "$status $(json .totalSeats) $(json .availableSeats)" "201 100000 100000" "100,000 seats in one request"
diag "in $((($(date +%s%N) - start) / 1000000)) ms"
big=$(json .id)
request POST /concert "$(hall '' '[{"name":"R","price":2,"sections":[{"rows":[{"label":"A","from":1,"to":1000}]}]}]')"
small=$(json .id)

# --- the export ----------------------------------------------------------------------------------------------
# rows for the export alone, past the checks that tie them to payments
sql "set session_replication_role = replica;
	insert into cm.reservation (id, member_id, concert_id, amount, expires_at, seat_count, status, paid_at)
		select 1000000 + id, 1, concert_id, 2, now(), 1, 'PAID', now() from cm.seat where concert_id in ($big, $small);
	insert into cm.reservation_seat (reservation_id, seat_id, grade_id, price, position, seat_number, grade_name)
		select 1000000 + id, id, grade_id, 2, position, seat_number, 'R' from cm.seat where concert_id in ($big, $small);
	update cm.seat set state = 'SOLD', reservation_id = 1000000 + id where concert_id in ($big, $small);
	analyze" >/dev/null
worker() { pgrep -P "$(cat "$STATE/run/concert.pid")"; }
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }
# a fresh worker: making the hall took memory of its own
before=$(worker)
kill "$before"
renewed() { [ -n "$(worker)" ] && [ "$(worker)" != "$before" ]; }
await renewed
request GET "/concert/$small/report/sales"
is "$(wc -l <"$TEST_DIR/body")" 1001 "an export of 1,000 seats"
pid=$(worker)
thousand=$(peak "$pid")
request GET "/concert/$big/report/sales"
is "$(wc -l <"$TEST_DIR/body")" 100001 "an export of 100,000 seats"
is "$(sed 1d "$TEST_DIR/body" | cut -d, -f4 | sort -un | wc -l)" 100000 "each once"
is "$(worker)" "$pid" "by the same worker"
# each part looks at its own thousand seats: a plan that reads the hall for every part reads 100 halls
cmp_ok "$(sql "select idx_tup_fetch + seq_tup_read from pg_stat_user_tables where relname = 'reservation'")" -lt 2000000 \
	"and every part reads its own rows"
diag "its peak memory: $thousand kB after 1,000 seats, $(peak "$pid") kB after 100,000"
cmp_ok $(($(peak "$pid") - thousand)) -lt 1024 "which needed no more memory for them"
request GET "/concert/$big/report/sales" '' --limit-rate 4M
is "$(wc -l <"$TEST_DIR/body")" 100001 "a slow reader gets it all"
# a reader that goes away costs nothing but its own part
curl -s -H "Authorization: Bearer $admin" "$BASE_URL/concert/$big/report/sales" | head -c 20000 >"$TEST_DIR/part"
request GET "/concert/$small/report/sales"
is "$status $(worker)" "200 $pid" "one who leaves half-way disturbs nobody"
request GET "/concert/$big/report"
is "$status $(json '[.total.totalSeats, .invariants.soldBySeats] | join(" ")')" "200 100000 100000" "the report of 100,000 seats"
is "$(json '.invariants.sound')" false "says that these were never paid for (the counters know of none)"
done_testing
