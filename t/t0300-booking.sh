#!/usr/bin/env bash
# Holding, history, cancelling, expiry, Idempotency-Key, best adjacent seats, bad input, over HTTP.
. "$(dirname "$0")/lib.sh"
start_instance

sql "update cm.concert set queue_mode = 'none' where id in (801, 802, 804, 805)" >/dev/null
hold() { request POST /reservation "$@"; }
state_of() { sql "select state from cm.seat where id = $1"; }

# --- one seat ------------------------------------------------------------------------------------------
member first@example.com
first=$token
hold '{"concertId":802,"seatId":665}'
is "$status" 201 "a free seat is held"
is "$(json .id)" 1 "the first reservation is 1"
is "$(header Location)" /reservation/1 "its address is told"
is "$(json '.seats[0] | "\(.id) \(.seatNumber) \(.seatGrade) \(.price)"')" "665 A-12 VIP 150000" "with seat, grade and price"
is "$(json '"\(.amount) \(.currency) \(.status)"')" "150000 KRW PENDING" "amount and status"
is "$(sql "select expires_at - created_at from cm.reservation where id = 1")" 00:10:00 "for ten minutes"
hold '{"concertId":802,"seatId":665}'
is "$status $(json .id)" "200 1" "the same hold again is the same reservation"

member second@example.com
second=$token
hold '{"concertId":802,"seatId":665}'
problem 409 seat-taken "another member is refused"
is "$(json '.seats[0].seatNumber')" A-12 "the seat is named"
request GET /reservation/1
problem 404 reservation-not-found "another's reservation isn't there"
request DELETE /reservation/1
problem 404 reservation-not-found "and can't be cancelled"
hold '{"concertId":802,"seatIds":[664,665,666]}'
problem 409 seat-taken "several seats: all or none"
is "$(state_of 664)" AVAILABLE "none was held"

# --- cancel before payment ---------------------------------------------------------------------------------
token=$first
request DELETE /reservation/1
is "$status $(json .status)" "200 CANCELLED" "cancelled"
is "$(state_of 665)" AVAILABLE "the seat is free at once"
request DELETE /reservation/1
is "$status $(json .status)" "200 CANCELLED" "twice: the same answer"
is "$(sql "select available from cm.seat_availability where grade_id =
	(select grade_id from cm.seat where id = 665)")" 60 "freed once"

# --- Idempotency-Key -----------------------------------------------------------------------------------------
hold '{"concertId":802,"seatIds":[665,666]}' -H 'Idempotency-Key: k1'
is "$status" 201 "held under a key"
answer=$body
hold '{"concertId":802,"seatIds":[665,666]}' -H 'Idempotency-Key: k1'
is "$status $(header Idempotency-Replayed)" "201 true" "the same key and body: replayed"
is "$body" "$answer" "word for word"
hold '{"concertId":802,"seatIds":[665,667]}' -H 'Idempotency-Key: k1'
problem 422 idempotency-key-reused "another body under the key"
request DELETE "/reservation/$(jq -r .id <<<"$answer")"
hold '{"concertId":802,"seatIds":[665,666]}' -H 'Idempotency-Key: k1'
is "$status $body" "201 $answer" "still the first answer after the reservation ended"

# parallel N TOKEN BODY [header]: N at once; prints counts by status
parallel() {
	local n
	for n in $(seq "$1"); do
		printf 'next\nurl = "%s/reservation"\nheader = "Authorization: Bearer %s"\n' "$BASE_URL" "$2"
		printf 'header = "Content-Type: application/json"\ndata = "%s"\nsilent\n' "${3//SEAT/$((5000 + n))}"
		printf 'output = "%s/answer-%s"\nwrite-out = "%%{http_code}\\n"\n' "$TEST_DIR" "$n"
		[ -z "${4:-}" ] || printf 'header = "%s"\n' "$4"
	done | sed 1d >"$TEST_DIR/parallel"
	curl --parallel --parallel-immediate --parallel-max "$1" -K "$TEST_DIR/parallel" 2>/dev/null | sort | uniq -c |
		awk '{printf "%s%sx%s", sep, $1, $2; sep = " "}'
}
token=$second
got=$(parallel 50 "$second" '{\"concertId\":802,\"seatIds\":[670,671]}' 'Idempotency-Key: many')
like "$got" '^[0-9]+x201( [0-9]+x409)?$' "50 at once under one key: the answer, or 409 ($got)"
is "$(cat "$TEST_DIR"/answer-* | jq -r 'select(.status == "PENDING") | .id' | sort -u | wc -l)" 1 "one reservation in all answers"
is "$(sql "select count(*) from cm.reservation_seat where seat_id = 670")" 1 "one effect"

# The same with cancelling it: one answer says it, and every other is that one again or 409.
held=$(cat "$TEST_DIR"/answer-* | jq -r 'select(.status == "PENDING") | .id' | head -1)
for n in $(seq 50); do
	curl -s -o "$TEST_DIR/cancel-$n" -w '%{http_code}\n' -X DELETE -H "Authorization: Bearer $second" \
		-H 'Idempotency-Key: many-cancels' "$BASE_URL/reservation/$held" >"$TEST_DIR/cancelled-$n" &
	cancels[n]=$!
done
wait "${cancels[@]}"
like "$(cat "$TEST_DIR"/cancelled-* | sort -u | tr '\n' ' ')" '^200 (409 )?$' "50 cancels at once under one key: the answer, or 409"
is "$(cat "$TEST_DIR"/cancel-* | jq -c 'select(.code == null)' | sort -u | wc -l)" 1 "all the same answer"
is "$(cat "$TEST_DIR"/cancel-* | jq -r 'select(.code != null).code' | sort -u)" "$(
	cat "$TEST_DIR"/cancelled-* | grep -q 409 && echo request-in-progress)" "and no other refusal"
is "$(sql "select count(*) from cm.reservation_audit where reservation_id = $held and to_status = 'CANCELLED'")" 1 "cancelled once"

# --- the limit of a member, against its own parallel requests -------------------------------------------------
member greedy@example.com
sql "update cm.seat set id = id + 3000 where concert_id = 805 and id between 2001 and 2060" >/dev/null
got=$(parallel 50 "$token" '{\"concertId\":805,\"seatId\":SEAT}')
is "$got" "4x201 46x409" "50 holds at once with limit 4"
is "$(sql "select sum(seat_count) from cm.reservation r join cm.member m on m.id = r.member_id
	where m.email = 'greedy@example.com' and status = 'PENDING'")" 4 "four seats, never five"

# --- best adjacent -----------------------------------------------------------------------------------------------
member group@example.com
vip=$(sql "select id from cm.seat_grade where concert_id = 804 and name = 'VIP'")
hold "{\"concertId\":804,\"gradeId\":$vip,\"count\":3}"
is "$status $(json '[.seats[].seatNumber] | join(" ")')" "201 A-7 A-8 A-9" "front row, centre, side by side"
member group2@example.com
hold "{\"concertId\":804,\"gradeId\":$vip,\"count\":4}"
is "$(json '[.seats[].seatNumber] | join(" ")')" "A-3 A-4 A-5 A-6" "beside them"
member group3@example.com
hold "{\"concertId\":804,\"gradeId\":$vip,\"count\":1}"
isnt "$(json '.seats[0].seatNumber')" A-1 "no single seat is left alone where another choice exists"
unlike "$(json '.seats[0].seatNumber')" '^A-(2|11|14)$' "on either side"
hold "{\"concertId\":804,\"gradeId\":$vip,\"count\":0}"
problem 400 bad-input "count 0"
hold "{\"concertId\":804,\"gradeId\":$vip,\"count\":4}"
problem 409 ticket-limit-reached "over the limit"
hold '{"concertId":804,"gradeId":999999,"count":2}'
problem 400 bad-input "unknown grade"
hold "{\"concertId\":801,\"gradeId\":$vip,\"count\":2}"
problem 400 bad-input "a grade of another concert"

# --- bad input -----------------------------------------------------------------------------------------------------
hold '{"concertId":801,"seatId":680}'
problem 404 seat-not-found "a seat of another concert"
hold '{"concertId":802,"seatId":999999}'
problem 404 seat-not-found "no such seat"
hold '{"concertId":999999,"seatId":680}'
problem 404 concert-not-found "no such concert"
hold '{"concertId":802,"seatIds":[680,680]}'
problem 400 bad-input "a seat twice in one request"
hold '{"concertId":802,"seatIds":[]}'
problem 400 bad-input "no seat at all"
hold '{"concertId":802}'
problem 400 bad-input "nor a wish"
hold "{\"concertId\":804,\"seatId\":1201,\"gradeId\":$vip,\"count\":1}"
problem 400 bad-input "a seat and a wish"
sql "update cm.seat set state = 'BLOCKED' where id = 681;
	select cm.seats_count(802, grade_id, -1, 0, 0, 1) from cm.seat where id = 681" >/dev/null
hold '{"concertId":802,"seatId":681}'
problem 409 seat-taken "a blocked seat"
sql "update cm.concert set reservation_open_at = now() + interval '1 hour' where id = 801" >/dev/null
hold '{"concertId":801,"seatId":560}'
problem 409 booking-not-open "not open yet"
sql "update cm.concert set reservation_open_at = now() - interval '2 hours',
	reservation_close_at = now() - interval '1 hour' where id = 801" >/dev/null
hold '{"concertId":801,"seatId":560}'
problem 409 booking-closed "closed"
hold '{"concertId":803,"seatId":1001}'
problem 403 queue-pass-required "no pass"
token=
hold '{"concertId":802,"seatId":680}'
problem 401 token-required "nobody"

# --- expiry and take-over ------------------------------------------------------------------------------------------
member late@example.com
sql "update cm.concert set hold_seconds = 1 where id = 804" >/dev/null
hold '{"concertId":804,"seatId":1250}'
is "$status" 201 "held for a second"
ended=$(json .id)
taken_over() { hold '{"concertId":804,"seatId":1250}' && [ "$status" = 201 ]; }
token=$second
hold '{"concertId":804,"seatId":1250}'
await taken_over
is "$(sql "select status from cm.reservation where id = $ended")" EXPIRED "past its end it is another's, the first is EXPIRED"
is "$(sql "select string_agg(to_status, ' ' order by id) from cm.reservation_audit where reservation_id = $ended")" \
	"PENDING EXPIRED" "which the audit tells"
swept() { [ "$(state_of 1250)" = AVAILABLE ]; }
await swept
pass "the sweeper frees what nobody wants"
cmp_ok "$(sql "select ceil(max(extract(epoch from a.at - r.expires_at))) from cm.reservation r
	join cm.reservation_audit a on a.reservation_id = r.id and a.to_status = 'EXPIRED'")" -le 5 "soon after its end"

# --- history -----------------------------------------------------------------------------------------------------------
token=$second
request GET '/reservation?limit=1'
is "$(json '.content | length')" 1 "a page of one"
next=$(json .next)
newest=$(json '.content[0].id')
request GET "/reservation?limit=1&cursor=$next"
cmp_ok "$(json '.content[0].id')" -lt "$newest" "the next page is older"
request GET '/reservation?status=EXPIRED'
is "$(json '[.content[].status] | unique | join(" ")')" EXPIRED "by status"
request GET '/reservation?concertId=804'
is "$(json '[.content[].concertId] | unique | join(" ")')" 804 "by concert"
request GET '/reservation?cursor=AAAA'
problem 400 bad-cursor "a forged cursor"
request GET '/reservation?limit=1000'
problem 400 bad-input "too long a page"
token=$first
request GET '/reservation?limit=100'
is "$(json '[.content[].id] | . == (sort | reverse)')" true "newest first"

# --- while a pool is rolled ------------------------------------------------------------------------------
is "$(sql "select code from cm.reservation_hold(1, 804, array(select id from cm.seat where concert_id = 804
	and state = 'AVAILABLE' order by id limit 1), null, null, null, null, null, null)")" HELD \
	"a worker of the build before still holds seats, with its nine arguments"

ok "the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL"
done_testing
