#!/usr/bin/env bash
# The event bus: a consumer that was away, an event that fails for good, its replay; nothing lost,
# effect once, order per key.
. "$(dirname "$0")/lib.sh"
CM_EVENT_TRIES=3 start_instance
events() { "$SOURCE_DIR/scripts/events" --state "$STATE" "$@"; }
hold() { sql "select reservation_id from cm.reservation_hold($payer, 802, array[$1]::bigint[], null, null, null, null, null)"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")

# --- a consumer that is away for 10,000 events ---
first=$(hold 665)
group=$(<"$STATE/run/consumer-notification.pid")
kill "$group"
gone() { ! kill -0 "$group"; }
await gone
sql "insert into cm.outbox (topic, key, payload) select 'reservation.cancelled', $first,
	jsonb_build_object('reservationId', $first, 'memberId', $payer, 'concertId', 802) from generate_series(1, 10000)" >/dev/null
published() { [ "$(sql "select count(*) from cm.outbox where published_at is null")" = 0 ]; }
await published
like "$(events waiting)" 'notification\|10000\|' "10,000 events wait for a consumer that is away"
gauge() { curl -s "$OPS_URL/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
is "$(gauge 'cm_deliveries_waiting{group="notification"}') $(gauge 'cm_deliveries_waiting{group="reservation"}')" "10000 0" \
	"the metrics say which group"
late() { [ "$(gauge 'cm_deliveries_oldest_seconds{group="notification"}')" -ge 1 ]; }
await late
pass "and that it is late"
up
delivered() { [ "$(sql "select count(*) from cm.delivery where done_at is null")" = 0 ]; }
await delivered
is "$(sql "select count(*) || ' ' || count(distinct event_id) from cm.notification where kind = 'cancelled'")" "10000 10000" \
	"each has its effect, once"
is "$(sql "select count(*) from (select id, lag(id) over (order by event_id) as before from cm.notification where kind = 'cancelled') n where id < before")" \
	0 "in the order of their key"
looked() { sql "select idx_tup_read from pg_stat_user_indexes where indexrelname = 'delivery_pkey'"; }
counted() { [ "$(looked)" -ge 10000 ]; }
await counted
cmp_ok "$(looked)" -lt 200000 "marked by the keys of each batch, not by a look through all that the group ever had"
# handed over once more, as by a relay that died before its mark
sql "update cm.outbox set published_at = null where id in (select id from cm.outbox order by id limit 500)" >/dev/null
await published
await delivered
is "$(sql "select count(*) from cm.notification where kind = 'cancelled'")" 10000 "a repeated hand-over changes nothing"

# --- an event that fails for good ---
sql "revoke execute on function cm.reservation_confirm(text, bigint, bigint, text) from cm_consumer" >/dev/null
request POST /payment "{\"reservationId\":$first,\"isSuccess\":true}"
is "$status" 201 "sales go on while a consumer fails"
buried() { [ "$(sql "select count(*) from cm.dead_letter where closed_at is null")" = 1 ]; }
await buried
is "$(gauge cm_dead_letters)" 1 "a dead letter is counted"
like "$(events list)" 'reservation\|payment.completed\|' "after bounded tries it is a dead letter"
letter=$(sql "select id from cm.dead_letter")
like "$(events show "$letter")" 'permission denied' "that says why"
is "$(sql "select status from cm.reservation where id = $first")" PAID "its reservation waits"
sql "grant execute on function cm.reservation_confirm(text, bigint, bigint, text) to cm_consumer" >/dev/null
second=$(hold 666)
request POST /payment "{\"reservationId\":$second,\"isSuccess\":true}"
await status_is "$second" CONFIRMED
pass "others are not held up"
is "$(events replay "$letter" | grep -c '1 replayed')" 1 "an operator replays it"
await status_is "$first" CONFIRMED
is "$(sql "select count(*) from cm.ticket where reservation_id = $first")" 1 "and it has its effect"
is "$(sql "select closed_how from cm.dead_letter")" replayed "which stays on record"
is "$(events drop "$letter" | grep -c '0 dropped')" 1 "what is closed is not dropped"
ok "a bad id is refused" bash -c "! '$SOURCE_DIR/scripts/events' --state '$STATE' drop '1; drop table x'"
done_testing
