#!/usr/bin/env bash
# Paying at the sandbox: success, decline, unknown outcomes, refusals, and the ticket that follows.
. "$(dirname "$0")/lib.sh"
mkdir -m 777 "$TEST_DIR/bank"
CM_SANDBOX_DIR=$TEST_DIR/bank start_instance
bank() { cat "$TEST_DIR/bank/ledger" 2>/dev/null; }

# hold MEMBER SEAT: a reservation made in the database; prints its id.
hold() { sql "select reservation_id from cm.reservation_hold($1, 802, array[$2]::bigint[], null, null, null, null, null)"; }
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")
sql "update cm.concert set max_tickets_per_member = 100 where id = 802" >/dev/null
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
payment_is() { [ "$(sql "select status from cm.payment where id = $1")" = "$2" ]; }

# --- success, and what follows ---
first=$(hold "$payer" 665)
request POST /payment "{\"reservationId\":$first,\"isSuccess\":true}"
is "$status" 201 "a payment that succeeds is 201"
is "$(json '[.reservationId, .amount, .currency, .status, .reservationStatus] | join(" ")')" \
	"$first 150000 KRW SUCCESS PAID" "with the reservation's amount"
like "$(json .paidAt)" '^20[0-9-]+T[0-9:]+\+09:00$' "and the time in the zone"
paid=$(json .id)
is "$(header Location)" "/payment/$paid" "and its address"
await status_is "$first" CONFIRMED
pass "the consumer confirms the reservation"
request GET "/ticket?reservationId=$first"
is "$(json '.content | length')" 1 "and issues one ticket a seat"
is "$(json '.content[0] | [.seatId, .seatNumber, .status] | join(" ")')" "665 A-12 ISSUED" "for the seat"
code=$(json '.content[0].code') ticket=$(json '.content[0].id')
request GET "/payment/$paid"
is "$status $(json .reservationStatus)" "200 CONFIRMED" "the payment can be read"
request POST /payment "{\"reservationId\":$first,\"isSuccess\":true}"
problem 409 already-paid "paying twice is refused"
is "$(json .paymentId)" "$paid" "naming the payment that stands"

# --- tickets ---
request GET "/ticket/$ticket/qr"
is "$status $(header Content-Type)" "200 image/svg+xml" "the QR code is SVG"
request GET "/ticket/$ticket/qr" '' -H 'Accept: image/png'
is "$status $(header Content-Type)" "200 image/png" "or PNG when asked"
is "$(head -c 8 "$TEST_DIR/body" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "with its signature"
request POST /ticket/check-in "{\"code\":\"$code\"}"
problem 403 admin-required "a member can't check in"
user=$token
token=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
request POST /ticket/check-in "{\"code\":\"${code%?????}AAAAA\"}"
problem 404 ticket-not-found "a forged code is unknown"
request POST /ticket/check-in '{"code":"hello"}'
problem 404 ticket-not-found "and so is nonsense"
request POST /ticket/check-in "{\"code\":\"$token\"}"
problem 404 ticket-not-found "and an access token is no ticket"
request POST /ticket/check-in "{\"code\":\"$code\"}"
is "$status $(json .status)" "200 USED" "an administrator lets the holder in"
request POST /ticket/check-in "{\"code\":\"$code\"}"
problem 409 already-used "once"
like "$(json .usedAt)" '^20' "saying when"
request GET "/payment/$paid"
problem 404 payment-not-found "another's payment is not found"
request GET "/ticket/$ticket"
problem 404 ticket-not-found "nor another's ticket"
token=$user
request GET "/ticket/$ticket"
is "$(json '[.status, .code] | map(. // "none") | join(" ")')" "USED none" "a used ticket shows no code"

# --- decline ---
second=$(hold "$payer" 666)
request POST /payment "{\"reservationId\":$second,\"isSuccess\":false}"
problem 402 payment-declined "a decline is 402"
declined=$(json .paymentId)
is "$(sql "select status from cm.reservation where id = $second")" CANCELLED "the reservation is cancelled"
is "$(sql "select state from cm.seat where id = 666")" AVAILABLE "and its seat free at once"
request GET "/payment/$declined"
is "$(json '[.status, .failureCode] | join(" ")')" "FAILED declined" "the attempt stays on record"
request POST /payment "{\"reservationId\":$second,\"isSuccess\":true}"
problem 409 reservation-cancelled "it can't be paid any more"

# --- outcome unknown ---
third=$(hold "$payer" 667)
request POST /payment "{\"reservationId\":$third,\"isSuccess\":true,\"script\":\"timeout\"}"
is "$status $(json .status)" "202 PENDING" "a gateway that times out makes it 202"
unknown=$(json .id)
request POST /payment "{\"reservationId\":$third,\"isSuccess\":true}"
problem 409 payment-in-progress "no second charge while the first is unknown"
request DELETE "/reservation/$third"
problem 409 payment-in-progress "nor a cancel"
sql "update cm.reservation set expires_at = now() - interval '1 minute' where id = $third" >/dev/null
await payment_is "$unknown" SUCCESS
await status_is "$third" CONFIRMED
pass "time-out then success, known after the hold's end: paid and confirmed"
is "$(bank | grep -c "^charge .* 150000")" 2 "each charge was taken once"

fourth=$(hold "$payer" 668)
request POST /payment "{\"reservationId\":$fourth,\"isSuccess\":true,\"script\":\"lost\"}"
is "$status" 202 "a request lost on its way is 202 too"
await payment_is "$(json .id)" FAILED
is "$(sql "select state from cm.seat where id = 668")" AVAILABLE "never charged: the seat is free"

fifth=$(hold "$payer" 669)
request POST /payment "{\"reservationId\":$fifth,\"isSuccess\":true,\"script\":\"duplicate\"}"
is "$status" 201 "a gateway that takes it twice"
is "$(bank | grep -c "^charge $(sql "select gateway_order_id from cm.payment where reservation_id = $fifth")")" 1 \
	"moves the money once"

# told RESERVATION: the kinds of its notices, once the bus is empty
quiet() { [ "$(sql "select (select count(*) from cm.outbox where published_at is null) + (select count(*) from cm.delivery where done_at is null)")" = 0 ]; }
told() {
	await quiet
	sql "select string_agg(kind, ',' order by kind) from cm.notification where reservation_id = $1"
}
# moved RESERVATION: what the gateway took and gave back for it
moved() { bank | awk -v o="$(printf 'cm-%010d' "$1")" '$2 == o { printf "%s%s %s", sep, $1, $3; sep = "," }'; }
is "$(told "$first") / $(told "$second") / $(told "$third") / $(told "$fourth")" "confirmed / declined / confirmed / declined" \
	"the member is told of each end"
seat=679
while read -r script end notice money; do
	seat=$((seat + 1))
	held=$(hold "$payer" "$seat")
	request POST /payment "{\"reservationId\":$held,\"isSuccess\":true,\"script\":\"$script\"}"
	is "$status $(json .status)" "202 PENDING" "$script: not known yet"
	due() {
		sql "update cm.payment set next_query_at = now() where reservation_id = $held and status = 'PENDING'" >/dev/null
		status_is "$held" "$end"
	}
	await due
	is "$(told "$held") $(moved "$held")" "$notice $money" "$script: $end, once, and told"
done <<'SCRIPTS'
timeout CONFIRMED confirmed charge 150000
late CONFIRMED confirmed charge 150000
error500 CONFIRMED confirmed charge 150000
lost500 CANCELLED declined
SCRIPTS

# a success that comes when another member has the seats: the worker stands still before it charges
sql "update cm.concert set queue_mode = 'none' where id = 802" >/dev/null
user=$token
member other@example.com
other_member=$token
token=$user
held=$(hold "$payer" 690)
curl -s -w '\n%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$BASE_URL/payment" \
	-d "{\"reservationId\":$held,\"isSuccess\":true,\"script\":\"slow:5000\"}" >"$TEST_DIR/late" &
slow=$!
begun() { [ "$(sql "select status from cm.payment where reservation_id = $held")" = "$1" ]; }
await begun PENDING
pgrep -P "$(<"$STATE/run/payment.pid")" | xargs kill -STOP
sql "update cm.payment set deadline_at = now() where reservation_id = $held" >/dev/null
await begun FAILED
token=$other_member
request POST /reservation '{"concertId":802,"seatId":690}'
is "$status" 201 "the seat is free for another member, as far as anybody knows"
theirs=$(json .id)
pgrep -P "$(<"$STATE/run/payment.pid")" | xargs kill -CONT
wait "$slow"
request POST /payment "{\"reservationId\":$theirs,\"isSuccess\":true}"
is "$status" 201 "who pays for it"
token=$user
is "$(tail -1 "$TEST_DIR/late") $(head -1 "$TEST_DIR/late" | jq -r .code)" "409 reservation-expired" "the late success is no purchase"
status=
request GET "/payment/$(head -1 "$TEST_DIR/late" | jq -r .paymentId)"
given_back() { [ "$(sql "select status from cm.payment_refund where reservation_id = $held")" = SUCCESS ]; }
await given_back
await status_is "$theirs" CONFIRMED
is "$(moved "$held") $(sql "select r.status || ' ' || p.status || ' ' || p.refunded_amount || ' ' || p.failure_code from cm.payment p
	join cm.reservation r on r.id = p.reservation_id where r.id = $held")" \
	"charge 150000,refund 150000 CANCELLED CANCELLED 150000 seats-gone" "but given back in full, once"
is "$(told "$held") $(told "$theirs")" "declined,refunded confirmed" "both are told"
is "$(sql "select s.state || ' ' || (s.reservation_id = $theirs) || ' ' || count(t.id) from cm.seat s left join cm.ticket t
	on t.seat_id = s.id and t.status = 'ISSUED' where s.id = 690 group by s.id")" "SOLD true 1" "the seat is the other's alone"

# a success that comes after a decline, though nobody took the seat
sixth=$(hold "$payer" 670)
request POST /payment "{\"reservationId\":$sixth,\"isSuccess\":false}"
late=$(json .paymentId)
echo "charge late 150000" >>"$TEST_DIR/bank/ledger"
sql "select code from cm.payment_settle($late, 'SUCCESS', 'k', null, null, null)" >/dev/null
refunded() { [ "$(sql "select status from cm.payment_refund where payment_id = $1")" = SUCCESS ]; }
await refunded "$late"
is "$(sql "select amount || ' ' || fee || ' ' || reason from cm.payment_refund where payment_id = $late")" \
	"150000 0 seats-gone" "a late success without seats is refunded in full by itself"
is "$(moved "$sixth")" "refund 150000" "once"

# --- refusals ---
request POST /payment '{"reservationId":999999,"isSuccess":true}'
problem 404 reservation-not-found "an unknown reservation"
other=$(hold 1 671)
request POST /payment "{\"reservationId\":$other,\"isSuccess\":true}"
problem 404 reservation-not-found "another's reservation"
seventh=$(hold "$payer" 672)
sql "update cm.reservation set expires_at = now() - interval '1 second' where id = $seventh" >/dev/null
request POST /payment "{\"reservationId\":$seventh,\"isSuccess\":true}"
problem 409 reservation-expired "an expired one"
while IFS='|' read -r data field what; do
	request POST /payment "$data"
	is "$status $(json '[.errors[].field] | join(" ")')" "400 $field" "bad input: $what"
done <<'TABLE'
{"reservationId":"1","isSuccess":true}|reservationId|an id as text
{"reservationId":0,"isSuccess":true}|reservationId|id 0
{"reservationId":1.5,"isSuccess":true}|reservationId|a fraction
{"reservationId":9007199254740993,"isSuccess":true}|reservationId|a huge id
{"isSuccess":true}|reservationId|no reservation
{"reservationId":1}|isSuccess|no isSuccess
{"reservationId":1,"isSuccess":"yes"}|isSuccess|isSuccess as text
{"reservationId":1,"isSuccess":true,"script":"steal"}|script|an unknown script
TABLE
request POST /payment '{"reservationId":1,"isSuccess":true'
problem 400 bad-json "half a body"
saved=$token token=
request POST /payment '{"reservationId":1,"isSuccess":true}'
problem 401 token-required "nobody pays without a token"
# --- webhook: only a hint ---
request POST /payment/webhook '{"eventType":"PAYMENT_STATUS_CHANGED","data":{"orderId":"cm-9999999999","status":"DONE"}}'
is "$status" 200 "a forged notice is taken without effect"
request POST /payment/webhook '{"data":[]}'
is "$status" 400 "one without an order is bad input"
token=$saved

# --- the same request many times under one key ---
eighth=$(hold "$payer" 673)
for i in $(seq 50); do
	curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -H 'Idempotency-Key: once' "$BASE_URL/payment" \
		-d "{\"reservationId\":$eighth,\"isSuccess\":true,\"script\":\"slow:100\"}" >"$TEST_DIR/many.$i" &
	many[i]=$!
done
wait "${many[@]}"
is "$(cat "$TEST_DIR"/many.* | sort -u | tr '\n' ' ' | sed 's/^409 //; s/ 409 / /')" "201 " "50 equal requests: 201 or 409"
is "$(sql "select count(*) from cm.payment where reservation_id = $eighth")" 1 "and one attempt"
request POST /payment "{\"reservationId\":$eighth,\"isSuccess\":true,\"script\":\"slow:100\"}" -H 'Idempotency-Key: once'
is "$status $(header Idempotency-Replayed)" "201 true" "the first answer is repeated"
declined_once() { request POST /payment "{\"reservationId\":$ninth,\"isSuccess\":false}" -H 'Idempotency-Key: declined'; }
ninth=$(hold "$payer" 674)
declined_once
is "$status $(header Idempotency-Replayed)" "402 " "a refusal under a key"
declined_once
is "$status $(json .code) $(header Idempotency-Replayed)" "402 payment-declined true" "is repeated, and says so"
request POST /payment "{\"reservationId\":$fifth,\"isSuccess\":true}" -H 'Idempotency-Key: once'
problem 422 idempotency-key-reused "the key belongs to that request"

# --- money ---
taken=$(bank | awk '$1 == "charge" { sum += $3 } $1 == "refund" { sum -= $3 } END { print sum + 0 }')
is "$taken" "$(sql "select sum(amount - refunded_amount) from cm.payment where captured_at is not null")" \
	"the gateway's ledger says what our tables say"
is "$(sql "select count(*) from cm.payment where status = 'SUCCESS' and not exists (select from cm.payment_audit a where a.payment_id = payment.id and to_status = 'SUCCESS')")" \
	0 "each success is in the audit"
done_testing
