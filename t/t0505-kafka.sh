#!/usr/bin/env bash
# The events' way over a real Apache Kafka broker: the same journey, a broker away and back, a consumer
# killed between effect and commit. Runs with CM_KAFKA=1 (scripts/check --kafka).
. "$(dirname "$0")/lib.sh"
[ -n "${CM_KAFKA:-}" ] || skip_all "needs CM_KAFKA=1"
kafka() { "$SOURCE_DIR/scripts/kafka" --state "$TEST_DIR/kafka" "$@"; }
grep -q '#define HAVE_KAFKA 1' "$BUILD_DIR/config.h" || skip_all "built without librdkafka"
kafka up >"$TEST_DIR/brokers" 2>"$TEST_DIR/kafka.err" || skip_all "no Kafka broker to be had: $(tail -1 "$TEST_DIR/kafka.err")"
stop_kafka() { kafka down; finish_test; }
trap stop_kafka EXIT
CM_BUS=kafka CM_KAFKA_BROKERS=$(sed 's/.*=//' "$TEST_DIR/brokers") start_instance
hold() { sql "select reservation_id from cm.reservation_hold($payer, 805, array[$1]::bigint[], null, null, null, null, null)"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
# pay SEAT: sets paid
pay() {
	paid=$(hold "$1")
	request POST /payment "{\"reservationId\":$paid,\"isSuccess\":true}"
}
published() { [ "$(sql "select count(*) from cm.outbox where published_at is null")" = 0 ]; }
all_confirmed() { [ "$(sql "select count(*) from cm.reservation where status = 'PAID'")" = 0 ]; }
sql "update cm.concert set max_tickets_per_member = 100000 where id = 805" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")

pay 2001
is "$status" 201 "a payment"
await status_is "$paid" CONFIRMED
pass "is confirmed over Kafka"
is "$(sql "select count(*) from cm.delivery")" 0 "and not over the table"
like "$(kafka topics 2>&1)" "payment.completed" "a topic per fact"

# the broker is away: sales go on
kafka stop
for seat in $(seq 2002 2021); do pay "$seat"; done
is "$(sql "select count(*) from cm.reservation where status = 'PAID'")" 20 "without a broker, payments succeed and wait"
kafka start >/dev/null
await published
await all_confirmed
is "$(sql "select count(*) from cm.reservation where status = 'CONFIRMED'")" 21 "and are confirmed when it is back"

# consumers and relay killed again and again; the same events handed over twice
for round in 1 2 3 4 5; do
	for seat in $(seq $((2030 + round * 10)) $((2039 + round * 10))); do pay "$seat"; done
	for name in consumer-reservation relay; do kill -KILL "$(<"$STATE/run/$name.pid")" 2>/dev/null; done
	sql "update cm.outbox set published_at = null where id in (select id from cm.outbox order by id desc limit 20)" >/dev/null
	up
done
await published
await all_confirmed
is "$(sql "select count(*) from cm.reservation where status = 'CONFIRMED'")" 71 "killed and repeated: all confirmed"
is "$(sql "select count(*) || ' ' || count(distinct seat_id) from cm.ticket")" "71 71" "with one ticket each"
noticed() { [ "$(sql "select count(*) from cm.notification where kind = 'confirmed'")" = 71 ]; }
await noticed
pass "and one notice each"
is "$(sql "select count(*) from cm.dead_letter")" 0 "nothing was given up"
done_testing
