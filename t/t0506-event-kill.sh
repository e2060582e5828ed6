#!/usr/bin/env bash
# The event bus while its programs die (a build with --enable-points): relay between hand-over and mark,
# consumer between effect and commit, and after each; then at random, and two consumers of one group at
# the same keys. Effect once, order per key, nothing lost. 12 random rounds, 100 with CM_LONG.
. "$(dirname "$0")/lib.sh"
rounds=12
[ -z "${CM_LONG:-}" ] || rounds=100
use_points
CM_EVENT_BATCH=16 start_instance
hold() { sql "select reservation_id from cm.reservation_hold($payer, 805, array[$1]::bigint[], null, null, null, null, null)"; }
pid() { cat "$STATE/run/$1.pid"; }
quiet() {
	[ "$(sql "select (select count(*) from cm.outbox where published_at is null)
		+ (select count(*) from cm.delivery where done_at is null)")" = 0 ]
}
sql "update cm.concert set max_tickets_per_member = 100000 where id = 805" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")

# --- each point, once ---
seat=2000
# dies_at POINT PROGRAM CONDITION: whoever else could pass there stands still meanwhile. CONDITION is SQL
# about the event e, that a payment was completed, and its delivery d to the group.
dies_at() {
	local point=$1 victim=$2 condition=$3 group=reservation other process reservation
	process=$(pid "$victim")
	[[ $victim == relay ]] || group=${victim#consumer-}
	seat=$((seat + 1))
	reservation=$(hold "$seat")
	await quiet
	for other in reservation notification cache; do
		[ "$victim" = "consumer-$other" ] || kill -STOP "$(pid "consumer-$other")"
	done
	touch "$TEST_DIR/orders/$point"
	request POST /payment "{\"reservationId\":$reservation,\"isSuccess\":true}"
	await test ! -d "/proc/$process"
	is "$status $(tail -1 "$TEST_DIR/deaths")" "201 $point cm-${victim%%-*} $process" "$victim dies at $point"
	is "$(sql "select $condition from cm.outbox e left join cm.delivery d on d.event_id = e.id and d.consumer_group = '$group'
		where e.topic = 'payment.completed' and e.key = '$reservation'")" t "and just there: $condition"
	for other in reservation notification cache; do
		kill -CONT "$(pid "consumer-$other")" 2>/dev/null
	done
	up || bail "$victim was not started again"
	await quiet
	is "$(sql "select status, (select count(*) from cm.ticket t where t.reservation_id = r.id),
		(select count(*) from cm.notification n where n.reservation_id = r.id and n.kind = 'confirmed'),
		(select count(*) from cm.payment p where p.reservation_id = r.id)
		from cm.reservation r where id = $reservation")" 'CONFIRMED|1|1|1' "started again: its effect is there, once"
}
ticket="exists (select from cm.ticket t where t.reservation_id = e.key::bigint)"
dies_at relay-handed-over relay "e.published_at is null and d.done_at is null and d.event_id is not null"
dies_at relay-marked relay "e.published_at is not null and d.done_at is null and d.event_id is not null"
dies_at consumer-effect consumer-reservation "e.published_at is not null and d.done_at is null and not $ticket"
dies_at consumer-committed consumer-reservation "d.done_at is not null and $ticket"
dies_at consumer-effect consumer-notification "e.published_at is not null and d.done_at is null"
is "$(sql "select count(*) from cm.inbox where event_id not in (select event_id from cm.delivery where done_at is not null)")" \
	0 "no mark without its effect"

# --- two consumers of one group, many keys, all dying at random ---
keys=$(for n in $(seq 20); do hold $((2100 + n)); done | paste -sd,)
await quiet
# A notice a fact, and its number grows with the time it was written: the order of the effects.
publish() {
	sql "insert into cm.outbox (topic, key, payload) select 'reservation.cancelled', k.id,
		jsonb_build_object('reservationId', k.id, 'memberId', $payer, 'concertId', 805)
		from generate_series(1, $1) n, (select unnest(array[$keys]) as id order by random()) k" >/dev/null
}
disorder() {
	sql "select count(*) from (select event_id, lag(event_id) over (partition by reservation_id order by id) as before
		from cm.notification where kind = 'cancelled') n where event_id < before"
}
second_pid=
second() { # as scripts/up starts the first; it polls, since the nudge goes to the first
	# shellcheck disable=SC1091
	(set -a; . "$STATE/etc/cm.env"; export CM_WAKE_DIR='' CM_METRICS_DIR=''
		exec "$BUILD_DIR/daemon/cm-consumer" notification) >>"$TEST_DIR/second.log" 2>&1 &
	second_pid=$!
}
second
publish 100
await quiet
is "$(sql "select count(*), count(distinct event_id) from cm.notification where kind = 'cancelled'")" '2000|2000' \
	"two consumers of a group: each of 2,000 events has its effect, once"
is "$(disorder)" 0 "in the order of each of 20 keys"
cmp_ok "$(grep -c '"message":"started"' "$TEST_DIR/second.log")" -ge 1 "the second one ran"

points=(relay-handed-over relay-marked consumer-effect consumer-committed)
paid=()
for round in $(seq "$rounds"); do
	for _ in 1 2; do touch "$TEST_DIR/orders/${points[RANDOM % 4]}"; done
	publish 5
	seat=$((seat + 1))
	paid+=("$(hold "$seat")")
	request POST /payment "{\"reservationId\":${paid[-1]},\"isSuccess\":true}"
	[ "$status" = 201 ] || fail "round $round: a payment goes on while daemons die"
	up || bail "round $round"
	kill -0 "$second_pid" 2>/dev/null || second
done
rm -f "$TEST_DIR"/orders/*
up
kill -0 "$second_pid" 2>/dev/null || second
await quiet
deaths=$(cut -d' ' -f1 "$TEST_DIR/deaths" | sort | uniq -c | tr -s ' \n' ' ')
cmp_ok "$(wc -l <"$TEST_DIR/deaths")" -gt $((5 + rounds / 2)) "daemons died at random ($deaths)"
wanted=$((2000 + rounds * 100))
is "$(sql "select count(*), count(distinct event_id) from cm.notification where kind = 'cancelled'")" "$wanted|$wanted" \
	"each event has its effect, once"
is "$(disorder)" 0 "in the order of its key"
is "$(sql "select count(*) from cm.reservation r where id in ($(IFS=,; printf '%s' "${paid[*]}")) and status = 'CONFIRMED'
	and (select count(*) from cm.ticket t where t.reservation_id = r.id) = 1
	and (select count(*) from cm.notification n where n.reservation_id = r.id and n.kind = 'confirmed') = 1")" "$rounds" \
	"each payment its ticket and its notice, once"
is "$(sql "select count(*) from cm.dead_letter")" 0 "nothing was given up"
kill "$second_pid" 2>/dev/null
done_testing
