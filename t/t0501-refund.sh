#!/usr/bin/env bash
# What comes after a payment: refunds by the ladder and in full, notices, void tickets, exact money.
. "$(dirname "$0")/lib.sh"
mkdir -m 777 "$TEST_DIR/bank"
CM_SANDBOX_DIR=$TEST_DIR/bank start_instance
bank() { cat "$TEST_DIR/bank/ledger" 2>/dev/null; }
hold() { sql "select reservation_id from cm.reservation_hold($1, 802, array[$2]::bigint[], null, null, null, null, null)"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
sql "update cm.concert set max_tickets_per_member = 100 where id = 802" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")
# buy SEAT: sets bought once it is confirmed
buy() {
	bought=$(hold "$payer" "$1")
	request POST /payment "{\"reservationId\":$bought,\"isSuccess\":true}"
	await status_is "$bought" CONFIRMED
}
kinds() { request GET "/notification?limit=100"; json '[.content[].kind] | sort | join(" ")'; }
notices_are() { [ "$(kinds)" = "$1" ]; }

buy 665
free=$bought
request DELETE "/reservation/$free"
is "$(json '[.status, .refundAmount, .fee] | join(" ")')" "REFUNDING 150000 0" "free on the day of booking"
await status_is "$free" REFUNDED
request DELETE "/reservation/$free"
is "$(json '[.status, .refundAmount, .fee] | join(" ")')" "REFUNDED 150000 0" "twice: the same answer"
is "$(sql "select status from cm.ticket where reservation_id = $free")" VOID "the ticket is void"
is "$(sql "select state from cm.seat where id = 665")" AVAILABLE "the seat is free again"
request GET "/ticket?reservationId=$free"
void=$(json '.content[0].id')
request GET "/ticket/$void/qr"
problem 409 ticket-void "a void ticket has no QR code"

buy 666
late=$bought
sql "update cm.reservation set created_at = now() - interval '30 days' where id = $late;
	update cm.concert set date_time = now() + interval '5 days', reservation_close_at = now() + interval '4 days' where id = 802" >/dev/null
# A reservation that is locked for a moment gathers those who have yet to look at it, and a slow change
# lets the next one in before the first is done.
sql "create function public.slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.2); return new; end';
	create trigger a_slow before update on cm.reservation for each row when (new.status = 'REFUNDING')
		execute function public.slow()" >/dev/null
sql "begin; select from cm.reservation where id = $late for update; select pg_sleep(0.4); commit" >/dev/null &
holder=$!
is_locked() { [ "$(sql "select count(*) from pg_stat_activity where wait_event = 'PgSleep'")" = 1 ]; }
await is_locked
for i in $(seq 50); do
	curl -s -X DELETE -H "Authorization: Bearer $token" "$BASE_URL/reservation/$late" \
		-w '\n' >"$TEST_DIR/cancel.$i" &
	many[i]=$!
done
for i in $(seq 50); do wait "${many[$i]}"; done
wait "$holder"
sql "drop trigger a_slow on cm.reservation" >/dev/null
like "$(jq -r '"\(.refundAmount) \(.fee)"' "$TEST_DIR"/cancel.* | sort -u | tr '\n' ';')" \
	'^(120000 30000;|120000 30000;null null;)$' "20 % six to three days before, for 50 at once"
await status_is "$late" REFUNDED
is "$(sql "select count(*) || ' ' || sum(amount) from cm.payment_refund where reservation_id = $late")" "1 120000" "one refund"
is "$(bank | grep -c '^refund .* 120000')" 1 "and the money moved once"

sql "update cm.concert set date_time = now() + interval '40 days', reservation_close_at = now() + interval '39 days' where id = 802" >/dev/null
buy 667
used=$bought
sql "update cm.ticket set status = 'USED', used_at = now() where reservation_id = $used" >/dev/null
request DELETE "/reservation/$used"
is "$status" 409 "a used ticket is not refunded"

# notices
await notices_are "cancelled cancelled confirmed confirmed confirmed refunded refunded"
pass "a notice for each: $(kinds)"
request GET "/notification?limit=1" '' -H 'Accept-Language: en'
like "$(json '.content[0].title')" '^Booking confirmed: Sample Concert' "in the reader's language"
request GET "/notification?limit=1"
like "$(json '.content[0].title')" '^\[예매 확정\] ' "Korean by default"
like "$(json .next)" '.' "with a further page"
request GET "/notification?limit=3&cursor=$(json .next)"
is "$(json '.content | length')" 3 "that the cursor opens"
request PATCH /notification/settings '{"optOut":true,"language":"en"}'
is "$(json '[.optOut, .language] | join(" ")')" "true en" "a member may opt out of what isn't essential"
request PATCH /notification/settings '{"optOut":"yes"}'
is "$status $(json '.errors[0].field')" "400 optOut" "bad input is named"
member other@example.com
is "$(kinds)" "" "nobody reads another's notices"
token=$(sign_in payer@example.com)

# the concert is cancelled: every paid reservation gets its money back, more than one batch of them
sql "select code from cm.reservation_hold($payer, 802, array(select id from cm.seat where concert_id = 802 and state = 'AVAILABLE' order by id limit 1), null, null, null, null, null)" >/dev/null
for seat in $(sql "select id from cm.seat where concert_id = 802 and state = 'AVAILABLE' order by id limit 60"); do
	sql "select s.code from cm.reservation_hold($payer, 802, array[$seat]::bigint[], null, null, null, null, null) h,
		lateral cm.payment_begin($payer, h.reservation_id, 'sandbox', null, '{}', null, null, null) b,
		lateral cm.payment_settle(b.payment_id, 'SUCCESS', 'k', null, null, null) s"
done >"$TEST_DIR/paid"
is "$(sort -u "$TEST_DIR/paid")" PAID "sixty more are paid"
late_hold=$(sql "select id from cm.reservation where status = 'PENDING' and member_id = $payer")
sql "update cm.concert set status = 'CANCELLED', cancelled_at = now() where id = 802;
	select cm.event('concert.cancelled', 'concert:802', '{\"concertId\":802}', null)" >/dev/null
all_refunded() { [ "$(sql "select count(*) from cm.reservation where concert_id = 802 and status in ('PAID', 'CONFIRMED', 'REFUNDING')")" = 0 ]; }
await all_refunded
is "$(sql "select count(*) from cm.payment_refund where reason = 'concert-cancelled' and fee = 0 and status = 'SUCCESS'")" \
	61 "a cancelled concert: all refunded in full, the used ticket's too"
request POST /payment "{\"reservationId\":$late_hold,\"isSuccess\":true}"
problem 409 reservation-cancelled "nobody can pay after the cancel"
is "$(sql "select sum(refunded_amount) <= sum(amount) and bool_and(refunded_amount <= amount) from cm.payment")" t \
	"no refund above what was paid"
is "$(sql "select count(*) from cm.ticket t join cm.reservation r on r.id = t.reservation_id where t.status <> 'VOID' and r.status <> 'CONFIRMED'")" \
	0 "no valid ticket without a confirmed reservation"
is "$(sql "select count(*) from cm.dead_letter")" 0 "nothing was given up"
done_testing
