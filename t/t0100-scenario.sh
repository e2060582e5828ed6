#!/usr/bin/env bash
# The customer's own scenario, verbatim, with every answer's fields.
. "$(dirname "$0")/lib.sh"
start_instance

time='^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?\+09:00$'
number='^[0-9]+$'

request POST /member '{"name":"홍길동","email":"test@example.com","password":"1234","roleType":"ROLE_USER"}'
is "$status" 201 "sign up with the customer's sample password"
like "$(json .id)" "$number" "a new member has an id"
is "$(json .name)" 홍길동 "the name comes back"
is "$(json .email)" test@example.com "so does the address"
is "$(json .roleType)" ROLE_USER "and the role"
like "$(json .createdAt)" "$time" "createdAt is local time with its offset"
isnt "$(header Location)" "" "and there is a Location"
is "$(json 'has("password") or has("passwordHash")')" false "no password in the answer"

request POST /member '{"name":"또","email":"TEST@example.com","password":"1234","roleType":"ROLE_USER"}'
problem 409 email-taken "the same address in capitals is taken"
request POST /member '{"name":"관리","email":"boss@example.com","password":"1234","roleType":"ROLE_ADMIN"}'
problem 403 admin-required "nobody makes himself administrator"

request POST /auth/signin '{"email":"test@example.com","password":"wrong"}'
problem 401 bad-credentials "a wrong password"
request POST /auth/signin '{"email":"test@example.com","password":"1234"}'
is "$status" 200 "sign in"
is "$(json .tokenType)" Bearer "tokenType"
like "$(json .expiresIn)" "$number" "expiresIn"
like "$(json .refreshExpiresIn)" "$number" "refreshExpiresIn"
isnt "$(json .refreshToken)" null "refreshToken"
access=$(json .accessToken)
like "$access" '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$' "accessToken"

request GET '/concert?keyword="sample"'
problem 401 token-required "the list wants a token"
like "$(header WWW-Authenticate)" '^Bearer' "and says which kind"
token=$access

request GET '/concert?keyword="sample"'
is "$status" 200 "search"
is "$(json '[.content[].id] | index(802) != null')" true "finds concert 802"
is "$(json '.content[] | select(.id == 802) | has("title") and has("artist") and has("place")
	and has("dateTime") and has("reservationOpenAt") and has("reservationCloseAt") and has("status")
	and has("minPrice") and has("maxPrice") and has("availableSeats")')" true "with all its fields"
is "$(json 'has("next")')" true "a list says what comes next"

request GET /concert/802
is "$status" 200 "concert 802"
is "$(json .id)" 802 "its id"
like "$(json .dateTime)" "$time" "its time"
is "$(json '.grades | length > 0 and all(has("id") and has("name") and has("price")
	and has("totalSeats") and has("availableSeats"))')" true "its grades"
is "$(json 'has("description") and has("maxTicketsPerMember")')" true "its description and limit"
is "$(json '.queue.mode')" on "its queue is on"
request GET /concert/999999
problem 404 concert-not-found "a concert that isn't there"

request POST /reservation '{"concertId":802,"seatId":665}'
problem 403 queue-pass-required "no booking before the queue"
request GET /concert/802/queue/status
is "$status $(json .status)" "200 NOT_IN_QUEUE" "not in the queue yet"
request POST /concert/802/queue
is "$status" 201 "join the queue"
is "$(json .status)" ADMITTED "a lone visitor is admitted by joining"
request POST /concert/802/queue
is "$status" 200 "joining again changes nothing"
request GET /concert/802/queue/status
is "$status $(json .status)" "200 ADMITTED" "status"
is "$(json 'has("position") and has("ticketNumber") and has("estimatedWaitSeconds")
	and has("pollAfterSeconds") and has("pass") and has("passExpiresAt")')" true "all fields of the status"

request GET /seat/665
is "$status" 200 "seat 665"
is "$(json '[.id, .concertId, .status] | map(tostring) | join(" ")')" "665 802 AVAILABLE" "is free"
is "$(json '.seatNumber')" A-12 "its number"
is "$(json '.seatGrade')" VIP "its grade"
price=$(json .price)
like "$price" "$number" "its price"

request POST /reservation '{"concertId":802,"seatId":665}'
is "$status" 201 "reserve it"
is "$(json .id)" 1 "the first reservation has id 1"
is "$(json .concertId)" 802 "of that concert"
is "$(json '.seats | length')" 1 "one seat"
is "$(json '.seats[0] | [.id, .seatNumber, .seatGrade, .price] | map(tostring) | join(" ")')" \
	"665 A-12 VIP $price" "that seat at its price"
is "$(json .amount)" "$price" "the amount"
is "$(json .currency)" KRW "the currency"
is "$(json .status)" PENDING "PENDING"
like "$(json .expiresAt)" "$time" "held until"
left=$(( $(date -d "$(json .expiresAt)" +%s) - $(date +%s) ))
cmp_ok "$left" -gt 540 "about ten minutes"
cmp_ok "$left" -le 600 "and no more"
like "$(header Location)" '/reservation/1$' "Location"
request GET /seat/665
is "$(json .status)" HELD "the seat is held"

request POST /payment '{"reservationId":1,"isSuccess":true}'
is "$status" 201 "pay"
like "$(json .id)" "$number" "the payment has an id"
payment=$(json .id)
is "$(json '[.reservationId, .amount, .currency, .status, .reservationStatus] | map(tostring) | join(" ")')" \
	"1 $price KRW SUCCESS PAID" "with the amount and both states"
like "$(json .paidAt)" "$time" "paidAt"
request GET "/payment/$payment"
is "$status $(json .status)" "200 SUCCESS" "the payment can be looked up"
request POST /payment '{"reservationId":1,"isSuccess":true}'
problem 409 already-paid "paying twice"

confirmed() { request GET /reservation/1 && [ "$(json .status)" = CONFIRMED ]; }
await confirmed
pass "the consumer confirms it"
request GET /seat/665
is "$(json .status)" SOLD "the seat is sold"
request GET /reservation
is "$(json '.content[0].id')" 1 "the history shows it"

# A declined payment frees the seat by itself.
request GET /concert/802/seat
next=$(json '[.sections[].rows[].seats[][0]] | map(select(. != 665))[0]')
[ -n "$next" ] || next=666
request POST /concert/802/queue
request POST /reservation "{\"concertId\":802,\"seatId\":$next}"
is "$status" 201 "reserve another seat"
second=$(json .id)
request POST /payment "{\"reservationId\":$second,\"isSuccess\":false}"
problem 402 payment-declined "a declined payment"
like "$(json .paymentId)" "$number" "names the payment"
request GET "/seat/$next"
is "$(json .status)" AVAILABLE "the seat is free at once"
request GET "/reservation/$second"
is "$(json .status)" CANCELLED "the reservation is cancelled"
request POST /payment "{\"reservationId\":$second,\"isSuccess\":true}"
problem 409 reservation-cancelled "and can't be paid any more"

# Somebody else sees none of it.
member other@example.com
request GET /reservation/1
problem 404 reservation-not-found "another member's reservation is not there"
request GET "/payment/$payment"
problem 404 payment-not-found "nor is the payment"
request POST /concert/802/queue
request POST /reservation '{"concertId":802,"seatId":665}'
problem 409 seat-taken "and the sold seat is taken"

ok "scripts/demo runs through" "$SOURCE_DIR/scripts/demo" --state "$STATE"

# No secret in any log.
for secret in 1234\" "${access##*.}" "$ADMIN_PASSWORD" "secret-other@example.com" "test@example.com"; do
	is "$(cat "$STATE"/log/*.log | grep -cF -- "$secret")" 0 "not in the logs: ${secret:0:6}..."
done
done_testing
