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
sql "update cm.concert set max_tickets_per_member = 100 where id = 802" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")
seat=664
hold() {
	seat=$((seat + 1))
	held=$(sql "select reservation_id from cm.reservation_hold($payer, 802, array[$seat]::bigint[], null, null, null, null, null)")
}
pay() { request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"$1\"}"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
charges() { grep -c "^charge cm-0*$1 150000" "$TEST_DIR/ledger"; }

hold; pay ok.1
is "$status $(json .status)" "201 SUCCESS" "a payment that the gateway confirms"
await status_is "$held" CONFIRMED
request DELETE "/reservation/$held"
await status_is "$held" REFUNDED
is "$(grep -c "^refund cm-0*$held 150000" "$TEST_DIR/ledger")" 1 "and its refund"
hold; pay reject.1
problem 402 payment-declined "a rejected card"
is "$(sql "select failure_code from cm.payment where reservation_id = $held")" REJECT_CARD_PAYMENT "with the gateway's reason"
for key in hang error500 garbage wrong-amount wrong-order late; do
	hold; pay "$key.1"
	is "$status $(json .status)" "202 PENDING" "$key: nobody knows"
	sql "update cm.payment set next_query_at = now() where reservation_id = $held and status = 'PENDING'" >/dev/null
	await status_is "$held" CONFIRMED
	is "$(charges "$held")" 1 "$key: found out, charged once"
done
hold; pay lost500.1
is "$status" 202 "lost500: nobody knows"
await status_is "$held" CANCELLED
is "$(charges "$held")" 0 "lost500: found out, never charged"
hold; pay cancel500.1
await status_is "$held" CONFIRMED
request DELETE "/reservation/$held"
await status_is "$held" REFUNDED
is "$(grep -c "^refund cm-0*$held 150000" "$TEST_DIR/ledger")" 1 "a refund answered by 500 is made once"

# the webhook is a hint: the gateway is asked
hold; pay hang.2
sql "update cm.payment set next_query_at = now() + interval '1 hour', requested_at = now() - interval '1 minute' where reservation_id = $held" >/dev/null
order=$(sql "select gateway_order_id from cm.payment where reservation_id = $held")
request POST /payment/webhook "{\"eventType\":\"PAYMENT_STATUS_CHANGED\",\"data\":{\"orderId\":\"$order\",\"status\":\"ABORTED\"}}"
is "$status" 200 "a notice is taken"
await status_is "$held" CONFIRMED
pass "what it claims is not believed: the gateway is asked"

hold
request POST /payment "{\"reservationId\":$held,\"isSuccess\":true}"
is "$status $(json '[.errors[].field] | sort | join(" ")')" "400 isSuccess paymentKey" "isSuccess is for the sandbox only"
request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"ok.9\",\"isSuccess\":true}"
is "$status" 400 "also beside a payment key"
request POST /payment "{\"reservationId\":$held,\"paymentKey\":\"$(printf 'x%.0s' $(seq 201))\"}"
is "$status" 400 "an overlong key"
ok "no secret in the logs" bash -c "! grep -rq test_sk_secret '$STATE/log'"
done_testing
