#!/usr/bin/env bash
# Concerts through nginx: finding, looking at, making, changing, blocking, reporting.
. "$(dirname "$0")/lib.sh"
start_instance
member=$(sign_in "$USER_EMAIL" "$USER_PASSWORD")
admin=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
token=$member

# the customer's scenario
request GET '/concert?keyword="sample"'
is "$status $(json '.content | length') $(json '.content[0].id')" "200 1 802" 'keyword="sample" finds 802'
is "$(json '.content[0] | keys_unsorted | join(" ")')" \
	"id title artist place dateTime reservationOpenAt reservationCloseAt status minPrice maxPrice availableSeats" \
	"a list's row has the customer's fields"
request GET /concert/802
is "$status $(json .title)" "200 Sample Concert 샘플 콘서트" "GET /concert/802"
is "$(json '[.grades[].totalSeats] | add')" 200 "its grades hold all its seats"
is "$(json '[.queue.mode, .maxTicketsPerMember] | @csv')" '"on",4' "its queue and ticket limit"
request GET /seat/665
is "$status $body" '200 {"id":665,"concertId":802,"seatNumber":"A-12","seatGrade":"VIP","price":150000,"status":"AVAILABLE"}' \
	"GET /seat/665"

# what isn't there, what isn't allowed
request GET /concert/999999
problem 404 concert-not-found "an unknown concert"
request GET /seat/999999999
problem 404 seat-not-found "an unknown seat"
request GET /concert/0
problem 400 bad-input "id 0"
request GET /concert/9007199254740992
problem 400 bad-input "an id above 2^53-1"
for query in limit=0 limit=101 limit=x 'limit=1&limit=2' from=yesterday 'from=2027-02-01&to=2027-01-01' \
	status=SOLD keyword=%00 keyword=%ff; do
	request GET "/concert?$query"
	problem 400 bad-input "?$query"
done
request GET '/concert?cursor=AAAAAAAAAAAAAAGiEADqYQAAAAAAAAMnAAAAAAAAAAAAAAAAAAAAAA'
problem 400 bad-cursor "a forged cursor"
request GET '/concert?limit=1'
cursor=$(json .next)
request GET "/concert?limit=100&cursor=$cursor"
is "$(json '.content | length') $(json .next)" "4 null" "the second page is the rest"
request GET "/concert?keyword=sample&cursor=$cursor"
problem 400 bad-cursor "a cursor of another list"
request POST /concert '{"title":"x","place":"y","dateTime":"2099-01-01T19:00"}'
problem 403 admin-required "a member makes no concert"
request GET '/concert?status=DRAFT'
problem 403 admin-required "a member sees no drafts"
token=
request GET /concert/802
problem 401 token-required "no token"

# making
token=$admin
request POST /concert '{"title":"기본 좌석","place":"소극장","dateTime":"2099-01-01T19:00"}'
made=$(json .id)
is "$status $(header Location) $(json .totalSeats)" "201 /concert/$made 15" "default seats: three rows of five"
is "$(json '[.grades[].name] | join(" ")') $(json .dateTime) $(json .reservationCloseAt)" \
	"VIP R S 2099-01-01T19:00:00+09:00 2099-01-01T19:00:00+09:00" "grades, time in Seoul, closes at the start"
grades='[{"name":"R","price":1000,"sections":[{"name":"1F","rows":[{"label":"A","from":1,"to":4},{"label":"B","from":3,"to":5}]}]},{"name":"S","price":500,"sections":[{"name":"1F","rows":[{"label":"C","from":1,"to":2}]},{"rows":[{"label":"A","from":1,"to":1}]}]}]'
request POST /concert "{\"title\":\"지도\",\"place\":\"홀\",\"dateTime\":\"2099-02-01T19:00+09:00\",\"status\":\"DRAFT\",\"holdSeconds\":60,\"maxTicketsPerMember\":2,\"queue\":{\"mode\":\"none\"},\"cancellation\":{\"steps\":[{\"daysBefore\":1,\"percent\":50}]},\"grades\":$grades}"
map=$(json .id)
is "$status $(json '[.status,.totalSeats,.holdSeconds,.queue.mode,.cancellation.steps[0].percent] | join(" ")')" \
	"201 DRAFT 10 60 none 50" "everything said is kept"
many=$(seq 17 -1 1 | sed 's/.*/{"daysBefore":&,"percent":1}/' | paste -sd,)
while IFS='|' read -r field value name; do
	value=${value//STEPS/$many}
	request POST /concert "{\"title\":\"x\",\"place\":\"y\",\"dateTime\":\"2099-01-01T19:00\",$value}"
	is "$status $(json '.errors[0].field')" "400 $field" "$name"
done <<'END_OF_TABLE'
reservationOpenAt|"reservationOpenAt":"2098-01-02T00:00","reservationCloseAt":"2098-01-01T00:00"|a window that closes before it opens
reservationCloseAt|"reservationCloseAt":"2099-01-02T00:00"|a window that closes after the start
grades[0].price|"grades":[{"name":"R","price":-1,"sections":[{"rows":[{"label":"A","from":1,"to":2}]}]}]|a negative price
grades[0].sections[0].rows[1]|"grades":[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":5},{"label":"A","from":5,"to":9}]}]}]|overlapping rows
grades|"grades":[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":100000},{"label":"B","from":1,"to":1}]}]}]|100,001 seats
grades[1].name|"grades":[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":1}]}]},{"name":"R","price":1,"sections":[{"rows":[{"label":"B","from":1,"to":1}]}]}]|a grade twice
grades[0].sections|"grades":[{"name":"R","price":1}]|a grade without sections
grades|"grades":[]|no grades
grades|"grades":{}|grades that are no list
queue.ratePerSecond|"queue":{"ratePerSecond":0}|a rate of 0
cancellation.steps[0]|"cancellation":{"steps":[{"daysBefore":1}]}|a step without a fee
cancellation.steps|"cancellation":{}|a ladder without steps
cancellation.steps|"cancellation":{"steps":{}}|steps that are no list
cancellation.steps|"cancellation":{"steps":[STEPS]}|more steps than are looked at
cancellation.steps[0].percent|"cancellation":{"steps":[{"daysBefore":1,"percent":101}]}|a fee above what was paid
cancellation.steps[0].percent|"cancellation":{"steps":[{"daysBefore":1,"percent":-1}]}|a negative fee
cancellation.steps[0].percent|"cancellation":{"steps":[{"daysBefore":1,"percent":1.5}]}|a fee in fractions
cancellation.steps[0].perTicket|"cancellation":{"steps":[{"daysBefore":1,"perTicket":-4000}]}|a negative fee a ticket
cancellation.steps[0].daysBefore|"cancellation":{"steps":[{"daysBefore":-1,"percent":1}]}|days after the concert
cancellation.steps[0]|"cancellation":{"steps":[{"daysBefore":1,"percent":1,"perTicket":1}]}|two fees at once
cancellation.steps[1]|"cancellation":{"steps":[{"daysBefore":1,"percent":1},{"daysBefore":1,"percent":2}]}|one day twice
cancellation.steps[1]|"cancellation":{"steps":[{"daysBefore":1,"percent":1},{"daysBefore":9,"percent":2}]}|steps that go up
cancellation.freeDaysAfterBooking|"cancellation":{"freeDaysAfterBooking":-1,"steps":[]}|negative free days
cancellation.freeOnBookingDay|"cancellation":{"freeOnBookingDay":1,"steps":[]}|a number for yes
cancellation|"cancellation":[]|a ladder that is no object
holdSeconds|"holdSeconds":1.5|a fraction
artist|"artist":5|a wrong type
END_OF_TABLE
request POST /concert '{"title":"x","place":"y","dateTime":"2020-01-01T19:00"}'
is "$status $(json '.errors[0].field')" "400 dateTime" "a start in the past"

# drafts
token=$member
request GET "/concert/$map"
problem 404 concert-not-found "a draft is hidden from members"
request GET "/concert/$map/seat"
problem 404 concert-not-found "and so is its map"
seat=$(sql "select min(id) from cm.seat where concert_id = $map")
request GET "/seat/$seat"
problem 404 seat-not-found "and its seats"
token=$admin
request GET "/concert?status=DRAFT"
is "$(json '[.content[].id] | index('"$map"') != null') $(header Cache-Control)" "true no-store" \
	"administrators list drafts, and nobody keeps that"
request GET "/concert/$map"
is "$status $(header Cache-Control)" "200 no-store" "administrators read drafts"
request PATCH "/concert/$map" '{"status":"PUBLISHED"}'
is "$status $(json .status)" "200 PUBLISHED" "publishing"

# the seat map
token=$member
request GET "/concert/$map/seat"
is "$status $(json '.seatCount') $(json '[.sections[].name] | join(",")')" "200 10 1F," "sections in layout order"
is "$(json '[.sections[].rows[].seats[][0]] | length')" 10 "every seat is in the map"
is "$(json '[.sections[].rows[].seats[][0]] | map(tostring) | join(",")')" \
	"$(sql "select string_agg(id::text, ',' order by position) from cm.seat where concert_id = $map")" "in layout order"
is "$(json '.sections[0].rows[0].seats[0] | .[1:] | map(tostring) | join(" ")')" \
	"1 $(sql "select min(grade_id) from cm.seat where concert_id = $map") -3 0" "number, grade, x, y"
etag=$(header ETag)
like "$etag" '^"map-[0-9]+-[0-9]+"$' "a strong ETag"
request GET "/concert/$map/seat" '' -H "If-None-Match: $etag"
is "$status ${#body}" "304 0" "304 for who has it"

# changing
token=$admin
request GET "/concert/$map"
etag=$(header ETag)
request PATCH "/concert/$map" '{"title":"바뀐 제목"}' -H "If-Match: $etag"
is "$status $(json .title)" "200 바뀐 제목" "changed with the right version"
request PATCH "/concert/$map" '{"title":"늦은 제목"}' -H "If-Match: $etag"
problem 412 version-mismatch "the old version is refused"
request PATCH "/concert/$map" '{"title":"x"}' -H 'If-Match: "x"'
problem 412 version-mismatch "a strange version is refused"
request PATCH "/concert/$map" "{\"grades\":[{\"id\":$(sql "select min(grade_id) from cm.seat where concert_id = $map"),\"price\":2000}]}"
is "$status $(json .maxPrice)" "200 2000" "a new price"
request GET "/concert/$map/seat"
isnt "$(header ETag)" "$etag" "and a new map"
request PATCH "/concert/$map" '{"grades":[{"id":1,"price":2000}]}'
is "$status $(json '.errors[0].field')" "400 grades" "a grade of another concert"
request PATCH "/concert/$map" '{"reservationCloseAt":"2099-03-01T00:00"}'
is "$status $(json '.errors[0].field')" "400 reservationCloseAt" "a window after the start"
request PATCH "/concert/$map" '{"reservationOpenAt":"2099-02-01T19:00"}'
is "$status" 400 "an empty window"
request PATCH /concert/999999 '{"title":"x"}'
problem 404 concert-not-found "changing what isn't there"
token=$member
request PATCH "/concert/$map" '{"title":"x"}'
problem 403 admin-required "members change nothing"
request DELETE "/concert/$map"
problem 403 admin-required "members cancel nothing"

# blocking
token=$admin
mapfile -t seats < <(sql "select id from cm.seat where concert_id = $map order by position")
request PATCH "/concert/$map/seat" "{\"block\":[${seats[0]},${seats[1]}]}"
is "$status $(json .blocked)" "200 2" "two seats blocked"
request GET "/seat/${seats[0]}"
is "$(json .status)" BLOCKED "the seat says so"
is "$(sql "select sum(available) from cm.seat_counter where concert_id = $map")" 8 "and the numbers"
request PATCH "/concert/$map/seat" "{\"unblock\":[${seats[0]}],\"block\":[${seats[1]}]}"
is "$(sql "select sum(available) from cm.seat_counter where concert_id = $map")" 9 "one is back, blocking twice changes nothing"
request PATCH "/concert/$map/seat" '{"block":[665]}'
problem 404 seat-not-found "a seat of another concert"
request PATCH "/concert/$map/seat" '{}'
is "$status $(json '.errors[0].field')" "400 block" "no seats"
request PATCH "/concert/$map/seat" "{\"block\":[${seats[0]}],\"unblock\":[${seats[0]}]}"
is "$status" 400 "both at once"
sql "select code from cm.reservation_hold(1, $map, array[${seats[5]}]::bigint[], null, null, null, null, null)" >/dev/null
request PATCH "/concert/$map/seat" "{\"block\":[${seats[0]},${seats[5]}]}"
problem 409 seat-taken "a held seat can't be blocked"
is "$(json '.seats | length') $(sql "select state from cm.seat where id = ${seats[0]}")" "1 AVAILABLE" "it is named, the other left alone"
is "$(json '.seats[0].id')" "${seats[5]}" "by its id too"
request GET "/seat/${seats[5]}"
is "$(json .status)" HELD "held"
sql "update cm.seat set held_until = now() - interval '1 second' where id = ${seats[5]}" >/dev/null
request GET "/seat/${seats[5]}"
is "$(json .status)" AVAILABLE "a hold past its end reads AVAILABLE"
request PATCH "/concert/$map" '{"dateTime":"2099-02-02T19:00"}'
problem 409 concert-has-sales "the date stays once seats are held"
request PATCH "/concert/$map" '{"status":"DRAFT"}'
problem 409 concert-has-sales "and it stays public"

# report and export
request GET "/concert/$map/report"
is "$status $(json '[.total.totalSeats,.total.heldSeats,.total.blockedSeats,.total.soldSeats,.invariants.sound] | map(tostring) | join(" ")')" \
	"200 10 1 1 0 true" "the report"
request GET "/concert/$map/report/sales"
is "$status $(header Content-Type)" "200 text/csv; charset=utf-8; header=present" "the export is CSV"
# rows for the export alone, past the checks that tie them to payments
sql "set session_replication_role = replica;
  with r as (insert into cm.reservation (id, member_id, concert_id, amount, expires_at, seat_count, status, paid_at)
    select 1000000 + id, 1, 805, 1000, now(), 1, 'PAID', now() from cm.seat where concert_id = 805 returning id)
  insert into cm.reservation_seat (reservation_id, seat_id, grade_id, price, position, seat_number, grade_name)
  select r.id, s.id, s.grade_id, 1000, s.position, '=A-1', 'V\"IP' from r join cm.seat s on s.id = r.id - 1000000;
  update cm.seat set state = 'SOLD', reservation_id = 1000000 + id where concert_id = 805" >/dev/null
request GET /concert/805/report/sales
is "$(printf '%s\n' "$body" | wc -l)" 2001 "all parts arrive"
is "$(printf '%s\n' "$body" | sort -u | wc -l)" 2001 "none twice"
like "$body" "\"'=A-1\",\"V\"\"IP\"" "formulas and quotes are harmless"
token=$member
request GET "/concert/$map/report"
problem 403 admin-required "members read no report"
request GET "/concert/$map/report/sales"
problem 403 admin-required "nor the export"

# cancelling
token=$admin
request DELETE "/concert/$map"
is "$status $(json .status)" "200 CANCELLED" "cancelled"
request DELETE "/concert/$map"
is "$status $(json .status)" "200 CANCELLED" "twice is fine"
is "$(sql "select count(*) from cm.outbox where topic = 'concert.cancelled' and key = 'concert:$map'")" 1 "told once"
request PATCH "/concert/$map" '{"title":"x"}'
problem 409 concert-cancelled "a cancelled one doesn't change"

# 100,000 seats in one request
token=$admin
request POST /concert '{"title":"큰 공연","place":"경기장","dateTime":"2099-01-01T19:00","grades":[{"name":"R","price":1,"sections":[{"rows":[{"label":"A","from":1,"to":50000},{"label":"B","from":1,"to":50000}]}]}]}'
is "$status $(json .availableSeats)" "201 100000" "100,000 seats in one request"
request GET "/concert/$(json .id)/seat"
is "$status $(json '[.sections[].rows[].seats[]] | length')" "200 100000" "and their map"

# methods
request PUT /concert/802
problem 405 method-not-allowed "PUT"
like "$(header Allow)" 'GET.*PATCH' "Allow names the others"
request HEAD /concert/802
is "$status" 200 "HEAD"
request OPTIONS /concert/802
is "$status" 204 "OPTIONS"

# statements a request: none of the reads asks row by row (a seat asks for its grade once a second)
statements() { sed -n "s/.*\"method\":\"$1\",\"route\":\"$2\".*\"status\":$3.*\"statements\":\([0-9]*\).*/\1/p" \
	"$STATE"/log/*.log | sort -n | tail -1; }
while read -r method route code most; do
	is "$(statements "$method" "$route" "$code")" "$most" "$method $route: $most statements"
done <<'END_OF_TABLE'
GET \/concert 200 1
GET \/concert\/{id} 200 1
GET \/seat\/{id} 200 2
GET \/concert\/{id}\/seat 200 1
GET \/concert\/{id}\/report 200 1
POST \/concert 201 3
PATCH \/concert\/{id} 200 3
DELETE \/concert\/{id} 200 3
PATCH \/concert\/{id}\/seat 200 2
END_OF_TABLE
done_testing
