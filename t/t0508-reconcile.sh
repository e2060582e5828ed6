#!/usr/bin/env bash
# What a gateway leaves open: charges that land late, gateways that hang, refunds refused for good, and
# what a person does about them.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 is not there"
mkdir -m 777 "$TEST_DIR/bank"
install -m 666 /dev/null "$TEST_DIR/bank/ledger"
# a gateway that takes every call and never answers
python3 - "$TEST_DIR/port" <<'END' &
import signal, socket, sys
listener = socket.create_server(('127.0.0.1', 0), backlog=256)
open(sys.argv[1], 'w').write(str(listener.getsockname()[1]))
signal.pause()
END
hanging=$!
stop_gateway() { kill "$hanging" 2>/dev/null; finish_test; }
trap stop_gateway EXIT
await test -s "$TEST_DIR/port"
printf 'test_sk_secret' >"$TEST_DIR/key"
chmod 644 "$TEST_DIR/key"
CM_SANDBOX_DIR=$TEST_DIR/bank CM_TOSS_URL=http://127.0.0.1:$(<"$TEST_DIR/port") CM_TOSS_SECRET_KEY_FILE=$TEST_DIR/key \
	CM_GATEWAY_TIMEOUT_MS=3000 start_instance
sql "update cm.concert set max_tickets_per_member = 100 where id = 802" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")
seat=664
hold() {
	seat=$((seat + 1))
	held=$(sql "select reservation_id from cm.reservation_hold($payer, 802, array[$seat]::bigint[], null, null, null, null, null)")
	order=$(printf 'cm-%010d' "$held")
}
pay() {
	hold
	request POST /payment "{\"reservationId\":$held,\"isSuccess\":true,\"script\":\"$1\"}"
	payment=$(json .id)
}
notice() { request POST /payment/webhook "{\"eventType\":\"PAYMENT_STATUS_CHANGED\",\"data\":{\"orderId\":\"$order\",\"status\":\"DONE\"}}"; }
payment_has() { [ "$(sql "select $2 from cm.payment where id = $1")" = t ]; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
bank() { grep "^$1 $order " "$TEST_DIR/bank/ledger" 2>/dev/null | xargs; }
# lands: the gateway takes the money of the order now, long after it was told to
lands() {
	: >"$TEST_DIR/bank/$order"
	echo "charge $order 150000" >>"$TEST_DIR/bank/ledger"
}
metric() { curl -s "$OPS_URL/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
payments() { "$SOURCE_DIR/scripts/payments" --state "$STATE" --who "$@"; }

# --- a gateway that knows nothing of an order may hear of it yet ------------------------------------------
pay lost
is "$status" 202 "a charge on its way: nobody knows"
await payment_has "$payment" "query_count >= 2"
is "$(sql "select status || ' ' || (next_query_at <= greatest(deadline_at, asked_at + interval '1 minute')) from cm.payment where id = $payment")" \
	"PENDING true" "asked before its deadline, the gateway's 'no such order' is no answer"
lands
sql "update cm.payment set next_query_at = now() where id = $payment" >/dev/null
await status_is "$held" CONFIRMED
is "$(bank charge)" "charge $order 150000" "it lands, is found out and paid for"

# failed: the deadline has come and the gateway still knows of no such order
failed() {
	pay lost
	sql "update cm.payment set deadline_at = now(), next_query_at = now() where id = $payment" >/dev/null
	await payment_has "$payment" "status = 'FAILED'"
}
failed
is "$(sql "select failure_code || ' ' || (recheck_at = requested_at + interval '2 minutes') from cm.payment where id = $payment")" \
	"never-charged true" "after the deadline it failed, and is asked about once more in two minutes"
lands
notice
is "$status $(sql "select recheck_at <= asked_at + interval '1 minute' from cm.payment where id = $payment")" "200 t" \
	"a notice has it asked about within a minute"
notice
is "$(sql "select recheck_at >= asked_at + interval '1 minute' from cm.payment where id = $payment")" t "and no sooner, however many come"
sql "update cm.payment set recheck_at = now() where id = $payment" >/dev/null
await payment_has "$payment" "status = 'CANCELLED' and refunded_amount = 150000"
returned() { [ "$(bank refund)" = "refund $order 150000" ]; }
await returned
pass "what landed after all is given back in full"

failed
for step in '2 minutes|30 minutes' '30 minutes|1 day'; do
	sql "update cm.payment set requested_at = now() - interval '${step%|*}', recheck_at = now() where id = $payment" >/dev/null
	await payment_has "$payment" "recheck_at = requested_at + interval '${step#*|}'"
	pass "asked after ${step%|*}, and again after ${step#*|}"
done
sql "update cm.payment set requested_at = now() - interval '1 day', recheck_at = now() where id = $payment" >/dev/null
await payment_has "$payment" "recheck_at is null"
is "$(sql "select status from cm.payment where id = $payment")" FAILED "then never again: it stays failed"
notice
payment_has "$payment" "recheck_at is not null" && pass "but for a notice" || fail "but for a notice"
pay lost
sql "update cm.payment set next_query_at = now() + interval '1 hour' where id = $payment" >/dev/null
notice
is "$(sql "select next_query_at >= asked_at + interval '10 seconds' or next_query_at >= requested_at + interval '10 seconds'
	from cm.payment where id = $payment")" t "a notice about a running attempt doesn't have it asked at once"
hold
request POST /payment "{\"reservationId\":$held,\"isSuccess\":false}"
is "$(sql "select recheck_at is null from cm.payment where reservation_id = $held")" t "what the gateway declined is not asked again"

# --- a gateway that hangs holds up nobody else --------------------------------------------------------------
hung=()
for _ in $(seq 16); do
	hold
	hung+=("$(sql "select payment_id from cm.payment_begin($payer, $held, 'toss', 'k', null, null, null, null)")")
done
these="id in ($(IFS=,; echo "${hung[*]}"))"
sql "update cm.payment set next_query_at = now() where $these" >/dev/null
asked() { sql "select count(*) from cm.payment where $these and query_count > 0"; }
asked_some() { [ "$(asked)" -gt 0 ]; }
await asked_some
hold
before=$(asked)
sql "update cm.reservation set expires_at = now() where id = $held" >/dev/null
await status_is "$held" EXPIRED
cmp_ok "$(($(asked) - before))" -le 3 "a hold ends in time while 16 payments wait for a gateway that hangs"
before=$(asked)
reconciler=$(cat "$STATE/run/reconciler.pid")
kill "$reconciler"
await test ! -d "/proc/$reconciler"
cmp_ok "$(($(asked) - before))" -le 2 "told to stop, the reconciler stops after what it is at"
is "$(sql "begin; update cm.payment set next_query_at = now() where $these;
	select 'due ' || count(*) from cm.payment_due(1);
	select 'leased ' || count(*) from cm.payment where asked_at = now() and next_query_at > now() + interval '20 seconds';
	rollback" | xargs)" "due 1 leased 1" "nobody else asks while an answer may still come"
sql "update cm.payment set next_query_at = now() + interval '1 hour' where $these" >/dev/null
ok "it is started again" up

# --- attempts that a person ends -----------------------------------------------------------------------------
first=${hung[0]} second=${hung[1]}
sql "update cm.payment set requested_at = now() - interval '20 minutes' where id = $first" >/dev/null
cmp_ok "$(metric cm_payments_pending_oldest_seconds)" -ge 1200 "an attempt without an outcome is in the metrics"
ok "and in the list" bash -c "'$SOURCE_DIR/scripts/payments' --state '$STATE' list | grep -q '^payment|$first|toss|'"
refuses() { ! payments "$@"; }
ok "nothing without a reason" refuses minji settle "$first" failed ' '
ok "nothing unknown" refuses minji settle 999999 failed 'there is none'
is "$(payments minji settle "$first" failed "Toss' page says EXPIRED")" "DECLINED payment FAILED reservation CANCELLED" "settled as failed"
is "$(sql "select state from cm.seat where id = (select seat_id from cm.reservation_seat l join cm.payment p using (reservation_id) where p.id = $first)")" \
	AVAILABLE "its seat is free"
# by_minji PAYMENT: what she did of its steps, in order
by_minji() { sql "select string_agg(from_status || '>' || to_status || ' ' || why, ', ' order by id) from cm.payment_audit where payment_id = $1 and who = 'operator minji'"; }
is "$(by_minji "$first")" "PENDING>FAILED by-hand, PENDING>FAILED Toss' page says EXPIRED" "who and why are in the audit, with each step"
is "$(sql "select recheck_at is not null from cm.payment where id = $first")" t "and the gateway is asked once more all the same"
is "$(payments minji settle "$second" success "Toss' page says DONE")" "PAID payment SUCCESS reservation PAID" "another as paid"
confirmed() { status_is "$(sql "select reservation_id from cm.payment where id = $second")" CONFIRMED; }
await confirmed
ok "once" refuses minji settle "$second" failed 'no'
is "$(payments minji settle "$first" success "it was DONE after all")" "REFUND payment CANCELLED reservation CANCELLED" \
	"what was failed by mistake is given back"

# --- refunds refused for good ---------------------------------------------------------------------------------
pay refund-refused
await status_is "$held" CONFIRMED
request DELETE "/reservation/$held"
refund_is() { [ "$(sql "select status from cm.payment_refund where payment_id = $payment order by id desc limit 1")" = "$1" ]; }
await refund_is FAILED
is "$(metric cm_refunds_failed)" 1 "a refund refused for good is in the metrics"
request DELETE "/reservation/$held"
is "$status $(json '"\(.status) \(.refundAmount)"')" "200 REFUNDING 150000" "the member still sees what is owed"
told() { request GET /notification && [ "$(json '.content[0] | "\(.kind) \(.reservationId)"')" = "refund-delayed $held" ]; }
await told
like "$(json '.content[0].message')" '150,000' "and was told that it takes longer"
refund=$(sql "select id from cm.payment_refund where payment_id = $payment")
ok "it is in the list" bash -c "'$SOURCE_DIR/scripts/payments' --state '$STATE' list | grep -q '^refund|$refund|sandbox|$order|150000|FAILED|1|.*|refund-refused\$'"
like "$(payments minji retry-refund "$refund" 'the account is open again')" '^OK refund [0-9]+ PENDING$' "tried again"
ok "once at a time" refuses minji retry-refund "$refund" 'again'
await refund_is FAILED
again=$(sql "select max(id) from cm.payment_refund where payment_id = $payment")
is "$again $(metric cm_refunds_failed)" "$((refund + 1)) 1" "refused again, as a refund with a number of its own"
like "$(payments minji close-refund "$again" 'sent by bank transfer, number 4711')" '^OK refund [0-9]+ SUCCESS$' "paid back another way"
await status_is "$held" REFUNDED
is "$(metric cm_refunds_failed) $(sql "select status || ' ' || refunded_amount from cm.payment where id = $payment")" \
	"0 CANCELLED 150000" "and settled"
is "$(by_minji "$payment")" "NONE>PENDING member, FAILED>PENDING the account is open again, NONE>PENDING member, PENDING>SUCCESS gateway, SUCCESS>CANCELLED member, FAILED>SUCCESS sent by bank transfer, number 4711" \
	"each step in the audit"
is "$(sql "select string_agg(distinct who, ', ') from cm.payment_audit where who like 'operator%'")" "operator minji" \
	"and no step of a person without the name"
like "$(payments minji show "$payment")" 'operator minji.*4711' "where anybody can read it"
done_testing
