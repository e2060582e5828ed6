#!/usr/bin/env bash
# The Toss Payments adapter against a program that speaks their documented shapes and misbehaves.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 is not there"
"$SOURCE_DIR/t/tool/toss" "$TEST_DIR/ledger" "$TEST_DIR/port" &
toss=$!
stop_toss() { kill "$toss" 2>/dev/null; finish_test; }
trap stop_toss EXIT
await test -s "$TEST_DIR/port"
printf 'test_sk_secret' >"$TEST_DIR/key"
chmod 644 "$TEST_DIR/key"
CM_GATEWAY=toss CM_TOSS_URL=http://127.0.0.1:$(<"$TEST_DIR/port") CM_TOSS_SECRET_KEY_FILE=$TEST_DIR/key \
	CM_GATEWAY_TIMEOUT_MS=700 start_instance
sql "update cm.concert set max_tickets_per_member = 200 where id = 802" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")
seat=664
hold() {
	seat=$((seat + 1))
	held=$(sql "select reservation_id from cm.reservation_hold($payer, 802, array[$seat]::bigint[], null, null, null, null, null)")
}
pay() { request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"$1\"}"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }

hold; pay ok.1
is "$status $(json .status)" "201 SUCCESS" "a payment that the gateway confirms"
await status_is "$held" CONFIRMED
request DELETE "/reservation/$held"
await status_is "$held" REFUNDED
is "$(grep -c "^refund cm-0*$held 150000" "$TEST_DIR/ledger")" 1 "and its refund"
calls() { grep -c "^call $1" "$TEST_DIR/ledger.calls"; }
order() { printf 'cm-%010d' "$held"; }
is "$(calls "POST /v1/payments/confirm $(order)\$") $(calls "POST /v1/payments/ok.1/cancel $(order)-refund-")" \
	"1 1" "each under an Idempotency-Key of its own"
# try KEY END: holds and pays, and remembers how it must end; tried: awaits all those ends
tries=()
try() {
	hold; pay "$1"
	tries+=("$held $2 $1")
}
# due: what waits for its time is due now
due() {
	sql "update cm.payment set deadline_at = now(), next_query_at = now() where status = 'PENDING' and coalesce(next_query_at, deadline_at) > now();
		update cm.payment_refund set next_attempt_at = now() where status = 'PENDING' and next_attempt_at > now()" >/dev/null
}
becomes() { due; status_is "$@"; }
# ends: per try the charge and the refund that the gateway made, as parts of what was to be paid
moved() { grep "^$1 $(printf 'cm-%010d' "$2") " "$TEST_DIR/ledger" | cut -d' ' -f3 | xargs; }
tried() {
	local one wanted key
	for one in "${tries[@]}"; do
		read -r held wanted key <<<"$one"
		await becomes "$held" "$wanted"
		amount=$(sql "select amount from cm.payment where reservation_id = $held")
		case $wanted in
		CONFIRMED) is "$(moved charge "$held"),$(moved refund "$held")" "$amount," "$key: found out, charged once" ;;
		CANCELLED) is "$(moved charge "$held"),$(moved refund "$held")" "," "$key: found out, never charged" ;;
		REFUNDED) is "$(moved charge "$held"),$(moved refund "$held")" "$amount,$amount" "$key: charged once, refunded once" ;;
		esac
	done
	tries=()
}

# Refusals that are final, by the documented codes of confirm.
while read -r answer; do
	hold; pay "refuse-$answer.1"
	is "$status $(json .code) $(sql "select failure_code from cm.payment where reservation_id = $held")" \
		"402 payment-declined ${answer#*-}" "declined: $answer"
done <<'CODES'
403-REJECT_CARD_PAYMENT
403-REJECT_CARD_COMPANY
403-REJECT_ACCOUNT_PAYMENT
400-REJECT_TOSSPAY_INVALID_ACCOUNT
400-INVALID_REJECT_CARD
400-INVALID_CARD_EXPIRATION
400-INVALID_STOPPED_CARD
400-EXCEED_MAX_PAYMENT_AMOUNT
400-EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT
400-BELOW_MINIMUM_AMOUNT
403-INVALID_PASSWORD
403-FDS_ERROR
404-NOT_FOUND_PAYMENT_SESSION
CODES
is "$(grep -c '^charge' "$TEST_DIR/ledger")" 1 "and nothing was taken"
is "$(sql "select count(*) from cm.seat where concert_id = 802 and state <> 'AVAILABLE'")" 0 "their seats are free"

# Refusals that say nothing of the money: asked about. Nothing was taken, or it was.
for answer in 400-PROVIDER_ERROR 401-UNAUTHORIZED_KEY 400-INVALID_API_KEY 409-IDEMPOTENT_REQUEST_PROCESSING \
	500-FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING 500-UNKNOWN_PAYMENT_ERROR 418-SOMETHING_NEW; do
	try "refuse-$answer.2" CANCELLED
	is "$status $(json .status)" "202 PENDING" "nobody knows: $answer"
	try "took-$answer.2" CONFIRMED
	is "$status $(json .status)" "202 PENDING" "nobody knows, and it was taken: $answer"
done
try took-400-ALREADY_PROCESSED_PAYMENT.3 CONFIRMED
is "$status $(json .status)" "201 SUCCESS" "who is told that it was processed before asks at once"
for key in account accounthang; do
	try "$key.3" CANCELLED
	[ "$key" != account ] || is "$status $(json .code)" "402 payment-declined" "a virtual account that waits for a deposit is no payment"
	await becomes "$held" CANCELLED
	is "$(calls "POST /v1/payments/$key.3/cancel") $(sql "select failure_code from cm.payment where reservation_id = $held")" \
		"1 WAITING_FOR_DEPOSIT" "$key: closed, so that nobody pays into it, and its seat is free"
done
try already.3 CONFIRMED
is "$status $(json .status)" "202 PENDING" "but waits no longer for both answers than for one"
waited() { sed -n 's/^waited //p' "$TEST_DIR/ledger.calls" | grep .; }
await waited
cmp_ok "$(waited)" -lt 600 "the second question got what was left of the 700 ms"
# However the question is refused, that is no answer: the money was taken.
for answer in 403-FORBIDDEN_REQUEST 400-INVALID_REQUEST 401-UNAUTHORIZED_KEY 404-NOT_FOUND 403-REJECT_CARD_PAYMENT; do
	try "ask-$answer.4" CONFIRMED
	is "$status" 202 "no answer, and the first question will be refused: $answer"
done
for key in hang drip cut huge garbage empty truncated redirect late undone wrong-orderId wrong-paymentKey \
	wrong-totalAmount wrong-currency; do
	try "$key.5" CONFIRMED
	is "$status $(json .status)" "202 PENDING" "$key: nobody knows"
done
is "$(grep -c "reply is not about our payment" "$STATE/log/payment.log")" 4 "each mismatch is in the log"
try lost500.1 CANCELLED
# What the member's browser made of the order at the gateway is not ours to wait for.
for key in unknown-READY unknown-IN_PROGRESS unknown-EXPIRED stolen-IN_PROGRESS cheap-EXPIRED cheap-ABORTED; do
	try "$key.5" CANCELLED
	is "$status $(json .status)" "202 PENDING" "$key: nobody knows"
done
try twice.5 CONFIRMED
try html.5 CONFIRMED
is "$status" 201 "a good answer of another content type is one"
tried
is "$(grep -c elsewhere "$TEST_DIR/ledger.calls")" 0 "no redirect is followed"

# refunds: made once, whatever is answered; tried again until the gateway is final
for key in cancel500 cancelhang cancelother cancel-400-PROVIDER_ERROR cancel-403-NOT_AVAILABLE_BANK cancel-403-FORBIDDEN_REQUEST cancel-400-INVALID_REQUEST \
	cancel-401-UNAUTHORIZED_KEY; do
	try "$key.6" REFUNDED
	await becomes "$held" CONFIRMED
	request DELETE "/reservation/$held"
done
tried
hold; pay cancelhang.7
await becomes "$held" CONFIRMED
sql "update cm.reservation set created_at = now() - interval '30 days' where id = $held;
	update cm.concert set date_time = now() + interval '5 days', reservation_close_at = now() + interval '4 days' where id = 802" >/dev/null
request DELETE "/reservation/$held"
await becomes "$held" REFUNDED
is "$(moved refund "$held")" "$(sql "select amount - amount / 5 from cm.payment where reservation_id = $held")" "and a part of it once"
hold; pay cancelblind.6
await becomes "$held" CONFIRMED
sql "update cm.reservation set created_at = now() - interval '30 days' where id = $held" >/dev/null
request DELETE "/reservation/$held"
await becomes "$held" REFUNDED
is "$(moved refund "$held") $(sql "select count(*) from cm.payment_refund where reservation_id = $held")" \
	"$(sql "select amount - amount / 5 from cm.payment where reservation_id = $held") 1" "a refusal because it was given back before is none"
# Less than half of it, so that the balance would do for twice; and nobody hears that it was given back
# before a new key is used.
sql "update cm.concert set cancellation = '{\"steps\":[{\"daysBefore\":0,\"percent\":60}]}' where id = 802" >/dev/null
hold; pay cancelblind.7
await becomes "$held" CONFIRMED
request DELETE "/reservation/$held"
await becomes "$held" REFUNDED
is "$(moved refund "$held")" "$(sql "select amount * 2 / 5 from cm.payment where reservation_id = $held")" "also when a new key is used: the gateway is told how much there is to give back"
sql "update cm.concert set cancellation = default where id = 802" >/dev/null
sql "update cm.concert set date_time = now() + interval '40 days', reservation_close_at = now() + interval '39 days' where id = 802" >/dev/null
hold; pay cancel-403-NOT_CANCELABLE_PAYMENT.8
await becomes "$held" CONFIRMED
request DELETE "/reservation/$held"
given_up() { due; [ "$(sql "select status from cm.payment_refund where reservation_id = $held")" = FAILED ]; }
await given_up
is "$(moved refund "$held") $(sql "select last_error || ' ' || p.status || ' ' || p.refunded_amount from cm.payment_refund f
	join cm.payment p on p.id = f.payment_id where f.reservation_id = $held")" " NOT_CANCELABLE_PAYMENT SUCCESS 0" \
	"a refund refused for good: the money stays on record as owed"
ok "and an operator is told" grep -q 'an operator must act' "$STATE/log/reconciler.log"
request DELETE "/reservation/$held"
is "$status $(json .status)" "200 REFUNDING" "the member sees it going on"

# the webhook is a hint: the gateway is asked
hold; pay hang.2
sql "update cm.payment set next_query_at = now() + interval '1 hour', requested_at = now() - interval '1 minute' where reservation_id = $held" >/dev/null
order=$(sql "select gateway_order_id from cm.payment where reservation_id = $held")
request POST /payment/webhook "{\"eventType\":\"PAYMENT_STATUS_CHANGED\",\"data\":{\"orderId\":\"$order\",\"status\":\"ABORTED\"}}"
is "$status" 200 "a notice is taken"
await status_is "$held" CONFIRMED
pass "what it claims is not believed: the gateway is asked"

# Where there is nothing to pay no gateway is asked.
sql "update cm.seat_grade set price = 0 where id = (select grade_id from cm.seat where id = $((seat + 1)))" >/dev/null
hold
before=$(wc -l <"$TEST_DIR/ledger.calls")
request POST /payment "{\"reservationId\":$held}"
is "$status $(json '[.amount, .status] | join(" ")')" "201 0 SUCCESS" "a seat that costs nothing needs no payment key"
await status_is "$held" CONFIRMED
request DELETE "/reservation/$held"
await status_is "$held" REFUNDED
hold
sql "select code from cm.payment_begin($payer, $held, 'toss', null, null, null, null, null)" >/dev/null
await becomes "$held" CONFIRMED
is "$(wc -l <"$TEST_DIR/ledger.calls")" "$before" "also when the worker dies meanwhile; the gateway hears nothing of it"
sql "update cm.seat_grade set price = 150000 where id = (select grade_id from cm.seat where id = $seat)" >/dev/null
hold
request POST /payment "{\"reservationId\":$held}"
is "$status $(json '[.errors[].field] | join(" ")')" "400 paymentKey" "one that costs something does"
request POST /payment '{"reservationId":999999}'
problem 404 reservation-not-found "an unknown reservation is unknown without a key, too"
hold
request POST /payment "{\"reservationId\":$held,\"isSuccess\":true}"
is "$status $(json '[.errors[].field] | sort | join(" ")')" "400 isSuccess" "isSuccess is for the sandbox only"
request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"ok.9\",\"isSuccess\":true}"
is "$status" 400 "also beside a payment key"
request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"$(printf 'x%.0s' $(seq 201))\"}"
is "$status" 400 "an overlong key"
request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"ok.9\",\"script\":\"timeout\",\"amount\":1,\"status\":\"DONE\"}"
is "$status $(json '[.amount, .status] | join(" ")')" "201 $(sql "select amount from cm.reservation where id = $held") SUCCESS" "fields of no meaning here change nothing"
hold
request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"../../x?y=1#\"}"
is "$status" 201 "a key of odd letters is only a key"
await status_is "$held" CONFIRMED
request DELETE "/reservation/$held"
await status_is "$held" REFUNDED
is "$(calls 'POST /v1/payments/..%2F..%2Fx%3Fy%3D1%23/cancel')" 1 "also in an address"
ok "no secret in the logs" bash -c "! grep -rq test_sk_secret '$STATE/log'"
done_testing
