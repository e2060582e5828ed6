#!/usr/bin/env bash
# The events' way over a real Apache Kafka broker, while relay and consumers die at each of their points,
# a consumer is away for 10,000 events, consumers of a group come and go, an event fails for good, and the
# broker is away (with CM_LONG: for a minute). Runs with CM_KAFKA=1 (scripts/check --kafka).
. "$(dirname "$0")/lib.sh"
[ -n "${CM_KAFKA:-}" ] || skip_all "needs CM_KAFKA=1"
kafka() { "$SOURCE_DIR/scripts/kafka" --state "$TEST_DIR/kafka" "$@"; }
grep -q '#define HAVE_KAFKA 1' "$BUILD_DIR/config.h" || skip_all "built without librdkafka"
kafka up >"$TEST_DIR/brokers" 2>"$TEST_DIR/kafka.err" || skip_all "no Kafka broker to be had: $(tail -1 "$TEST_DIR/kafka.err")"
# shellcheck disable=SC2317 # called by the trap
stop_kafka() {
	local result=$?
	kafka down
	(exit "$result")
	finish_test
}
trap stop_kafka EXIT
use_points
CM_EVENT_TRIES=3 CM_BUS=kafka CM_KAFKA_BROKERS=$(sed 's/.*=//' "$TEST_DIR/brokers") start_instance
hold() { sql "select reservation_id from cm.reservation_hold($payer, 805, array[$1]::bigint[], null, null, null, null, null)"; }
pid() { cat "$STATE/run/$1.pid"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
seat=2000
# pay: the next seat; sets paid
pay() {
	seat=$((seat + 1))
	paid=$(hold "$seat")
	request POST /payment "{\"reservationId\":$paid,\"isSuccess\":true}"
}
published() { [ "$(sql "select count(*) from cm.outbox where published_at is null")" = 0 ]; }
# Every payment so far has its effects, and each once. Notices come last: an event of the confirmation.
effects() {
	sql "select count(*) = (select count(*) from cm.payment where status = 'SUCCESS') and bool_and(status = 'CONFIRMED'
			and (select count(*) from cm.ticket t where t.reservation_id = r.id) = seat_count
			and (select count(*) from cm.notification n where n.reservation_id = r.id and n.kind = 'confirmed') = 1)
		from cm.reservation r where exists (select from cm.payment p where p.reservation_id = r.id and p.status = 'SUCCESS')"
}
settled() { published && [ "$(effects)" = t ]; }
sql "update cm.concert set max_tickets_per_member = 100000, hold_seconds = 3600 where id = 805" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")

pay
is "$status" 201 "a payment"
await status_is "$paid" CONFIRMED
pass "is confirmed over Kafka"
is "$(sql "select count(*) from cm.delivery")" 0 "and not over the table"
like "$(kafka topics 2>&1)" "payment.completed" "a topic per fact"

# gauge GROUP: events that wait for it, as the metrics say; lateness likewise
gauge() { curl -s "$OPS_URL/metrics" | awk -v series="cm_deliveries_waiting{group=\"$1\"}" '$1 == series { print $2 }'; }
late() { [ "$(curl -s "$OPS_URL/metrics" | awk -v series="cm_deliveries_oldest_seconds{group=\"$1\"}" '$1 == series { print $2 }')" -ge "$2" ]; }
gauges() { printf '%s %s %s' "$(gauge reservation)" "$(gauge notification)" "$(gauge cache)"; }
gauges_are() { [ "$(gauges)" = "$1" ]; }
broker_is() { curl -s "$OPS_URL/metrics" | grep -qFx "cm_up{dependency=\"kafka\"} $1"; }
await settled
await gauges_are '0 0 0'
pass "the metrics say that no group is behind"

# --- each point, once ---
dies_at() { # POINT PROGRAM CONDITION on the event e
	local point=$1 victim=$2 condition=$3 process other
	process=$(pid "$victim")
	await settled
	for other in reservation notification cache; do
		[[ $victim == relay || $victim == "consumer-$other" ]] || kill -STOP "$(pid "consumer-$other")"
	done
	seat=$((seat + 1))
	paid=$(hold "$seat")
	[ "$victim" != relay ] || await published
	touch "$TEST_DIR/orders/$point"
	request POST /payment "{\"reservationId\":$paid,\"isSuccess\":true}"
	await test ! -d "/proc/$process"
	is "$status $(tail -1 "$TEST_DIR/deaths")" "201 $point cm-${victim%%-*} $process" "$victim dies at $point"
	is "$(sql "select $condition from cm.outbox e where e.topic = 'payment.completed' and e.key = '$paid'")" t \
		"and just there: $condition"
	for other in reservation notification cache; do
		kill -CONT "$(pid "consumer-$other")" 2>/dev/null
	done
	up || bail "$victim was not started again"
	await settled
	is "$(sql "select status, (select count(*) from cm.ticket t where t.reservation_id = r.id),
		(select count(*) from cm.notification n where n.reservation_id = r.id and n.kind = 'confirmed')
		from cm.reservation r where id = $paid")" 'CONFIRMED|1|1' "started again: its effect is there, once"
}
ticket="exists (select from cm.ticket t where t.reservation_id = e.key::bigint)"
dies_at relay-handed-over relay "e.published_at is null"
dies_at relay-marked relay "e.published_at is not null"
dies_at consumer-effect consumer-reservation "$ticket"
dies_at consumer-committed consumer-reservation "$ticket"

# --- a consumer away for 10,000 events; then one more of its group, and one of them killed ---
keys=$(for n in $(seq 20); do hold $((2100 + n)); done | paste -sd,)
kill "$(pid consumer-notification)"
await test ! -d "/proc/$(pid consumer-notification)"
sql "insert into cm.outbox (topic, key, payload) select 'reservation.cancelled', k.id,
	jsonb_build_object('reservationId', k.id, 'memberId', $payer, 'concertId', 805)
	from generate_series(1, 500) n, (select unnest(array[$keys]) as id order by random()) k" >/dev/null
await published
noticed() { [ "$(sql "select count(*) from cm.notification where kind = 'cancelled'")" -ge "$1" ]; }
is "$(sql "select count(*) from cm.notification where kind = 'cancelled'")" 0 "10,000 events wait in Kafka for a consumer that is away"
await gauges_are '0 10000 0'
pass "as the metrics say, for its group"
await late notification 1
pass "and that it is late"
second() {
	# shellcheck disable=SC1091
	(set -a; . "$STATE/etc/cm.env"; export CM_WAKE_DIR='' CM_METRICS_DIR=''
		exec "$BUILD_DIR/daemon/cm-consumer" notification) >>"$TEST_DIR/second.log" 2>&1 &
	second_pid=$!
}
up
await noticed 1000
second
await noticed 3000
kill -KILL "$(pid consumer-notification)" # the second takes over what was its
for n in $(seq 4000 1000 10000); do await noticed "$n"; done
await gauges_are '0 0 0'
pass "once they are taken in, none waits"
is "$(curl -s "$OPS_URL/metrics" | grep -c '^cm_deliveries_oldest_seconds{.*} 0$')" 3 "nor is any group late"
is "$(sql "select count(*), count(distinct event_id) from cm.notification where kind = 'cancelled'")" '10000|10000' \
	"a consumer joins its group, the other is killed: each of 10,000 events has its effect, once"
is "$(sql "select count(*) from (select event_id, lag(event_id) over (partition by reservation_id order by id) as before
	from cm.notification where kind = 'cancelled') n where event_id < before")" 0 "in the order of each of 20 keys"
up
kill -KILL "$second_pid"
wait "$second_pid" 2>/dev/null

# --- an event that fails for good ---
sql "revoke execute on function cm.reservation_confirm(text, bigint, bigint, text) from cm_consumer" >/dev/null
pay
buried() { [ "$(sql "select count(*) from cm.dead_letter where closed_at is null")" = 1 ]; }
await buried
is "$status $(sql "select status from cm.reservation where id = $paid")" "201 PAID" "an event that fails for good is a dead letter"
sql "grant execute on function cm.reservation_confirm(text, bigint, bigint, text) to cm_consumer" >/dev/null
poisoned=$paid
pay
await status_is "$paid" CONFIRMED
pass "others go on"
like "$("$SOURCE_DIR/scripts/events" --state "$STATE" replay all)" '1 replayed' "an operator replays it"
await settled
is "$(sql "select count(*) from cm.ticket where reservation_id = $poisoned")" 1 "and it has its effect, once"
is "$(sql "select count(*) from cm.dead_letter where closed_at is null")" 0 "nothing else was given up"

# --- an event that meets a time-out again and again keeps nobody waiting ---
mkfifo "$TEST_DIR/statements"
psql -X -q -v ON_ERROR_STOP=1 -d "$DATABASE_URL" <"$TEST_DIR/statements" >"$TEST_DIR/session" 2>&1 &
exec 7>"$TEST_DIR/statements"
is_open() { [ "$(sql "select count(*) from pg_stat_activity where state = 'idle in transaction' and usename = 'postgres'")" = 1 ]; }
printf "begin; insert into cm.ticket (reservation_id, concert_id, seat_id, member_id, seat_number, grade_name)
	values (%d, 805, %d, %d, 'x', 'x');\n" "$paid" $((seat + 1)) "$payer" >&7 # whoever issues that seat's ticket waits
await is_open
pay
slow=$paid
pay
await status_is "$paid" CONFIRMED
is "$(sql "select status from cm.reservation where id = $slow")" PAID "others are confirmed while one can't be"
printf 'rollback;\n' >&7
exec 7>&-
await buried
"$SOURCE_DIR/scripts/events" --state "$STATE" replay all >/dev/null
await settled
is "$(sql "select status from cm.reservation where id = $slow")" CONFIRMED "and then it is"

# --- the broker is away: sales go on ---
errors=$(grep -c bus-unavailable "$STATE/log/relay.log")
kafka stop
stopped=$SECONDS
for _ in $(seq 20); do pay; done
is "$(sql "select count(*) from cm.reservation where status = 'PAID'")" 20 "without a broker, payments succeed and wait"
failed() { [ "$(grep -c bus-unavailable "$STATE/log/relay.log")" -gt "$errors" ]; }
await failed
pass "the relay says that it has no bus"
await broker_is 0
is "$(curl -s "$OPS_URL/metrics" | grep -c '^cm_deliveries_')" 0 "the metrics say so, too, instead of numbers that nobody knows"
minute_over() { [ $((SECONDS - stopped)) -ge 60 ]; }
[ -z "${CM_LONG:-}" ] || await minute_over
diag "away for $((SECONDS - stopped)) s"
is "$(sql "select count(*) from cm.reservation where status = 'PAID'")" 20 "and nothing is marked that was not handed over"
kafka start >/dev/null
await settled
await broker_is 1
await gauges_are '0 0 0'
is "$(sql "select count(*) from cm.reservation where status = 'PAID'")" 0 "and are confirmed when it is back, once"

# --- killed again and again, the same events handed over twice ---
for round in 1 2 3; do
	for _ in $(seq 5); do pay; done
	for name in consumer-reservation relay; do kill -KILL "$(pid "$name")" 2>/dev/null; done
	sql "update cm.outbox set published_at = null where id in (select id from cm.outbox order by id desc limit 20)" >/dev/null
	up || bail "round $round"
done
await settled
is "$(effects)" t "killed and repeated: every payment has its ticket and its notice, once"
is "$(sql "select count(*) from cm.dead_letter where closed_at is null")" 0 "nothing was given up"
done_testing
