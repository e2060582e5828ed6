#!/usr/bin/env bash
# Contention: one seat and many contenders; a small sale of chosen and of best adjacent seats, the
# same while workers are killed, Redis is emptied and PostgreSQL restarted. t/verify holds every
# history against the database. CM_LONG=1: the sizes of the promises.
. "$(dirname "$0")/lib.sh"
need_rush
start_instance

contenders=200 rounds=2 members=300 hold_seconds=2 tries=40
if [ -n "${CM_LONG:-}" ]; then
	contenders=1000 rounds=20 members=20000 tries=1000
fi
rush_members "1000 + greatest($contenders, 2 * $members)"
sql "update cm.concert set queue_mode = 'none', hold_seconds = $hold_seconds where id in (803, 804, 805)" >/dev/null

# play NAME [setting=value ...]: sets summary
play() {
	local name=$1
	shift
	summary=$(rush "$TEST_DIR/$name.json" "$@") || bail "rush $name failed"
}
count() { jq -r "$1 // 0" <<<"$summary"; }
quiet() {
	[ "$(sql "select count(*) from cm.reservation where status = 'PENDING' or status = 'PAID'")" = 0 ] &&
		[ "$(sql "select count(*) from cm.delivery where done_at is null")" = 0 ] &&
		[ "$(sql "select count(*) from cm.outbox where published_at is null")" = 0 ]
}
verified() {
	await quiet
	ok "$1: the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/$2.json" "${REDIS_URL#unix://}"
}

# --- one seat -------------------------------------------------------------------------------------------
for round in $(seq "$rounds"); do
	play "one-$round" concert=803 one-seat=1 first-seat=$((1000 + round)) first-member=1001 \
		members="$contenders" connections="$contenders" abandon=100 seed="$round"
	is "$(count '.hold."201"') $(count '.hold."409"')" "1 $((contenders - 1))" \
		"round $round: one of $contenders has the seat, the others are told at once"
done
verified "one seat" "one-$rounds"

# --- a sale of chosen seats, one in ten cancels, one in ten walks away --------------------------------------
seats=120 first_seat=1201 concert=804
if [ -n "${CM_LONG:-}" ]; then
	seats=2000 first_seat=2001 concert=805
fi
play sale concert=$concert first-member=1001 members="$members" first-seat=$first_seat seats=$seats \
	group=2 cancel=10 abandon=10 connections=24 seed=7 tries="$tries"
diag "$summary"
verified "a sale" sale
# Whoever walked away last may leave seats: a second wave takes them.
play rest concert=$concert first-member=$((1001 + members)) members="$members" first-seat=$first_seat \
	seats=$seats connections=24 seed=8 tries="$tries"
verified "the second wave" rest
is "$(sql "select count(*) from cm.seat where concert_id = $concert and state <> 'SOLD'")" 0 "sold out"

# --- best adjacent seats, while things break ---------------------------------------------------------------
grade=$(sql "select id from cm.seat_grade where concert_id = 805 and name = 'VIP'")
if [ -n "${CM_LONG:-}" ]; then
	sql "update cm.concert set max_tickets_per_member = 8 where id = 805" >/dev/null
fi
breaking() {
	local n
	for n in $(seq 20); do
		kill -9 "$(pgrep -P "$(cat "$STATE/run/reservation.pid")" | shuf -n 1)" 2>/dev/null
		[ "$n" != 6 ] || redis flushall >/dev/null
		[ "$n" != 12 ] || sql "select count(pg_terminate_backend(pid)) from pg_stat_activity
			where usename = 'cm_reservation'" >/dev/null
		sleep 0.2 # the pace of the faults, not a wait
	done
}
breaking &
breaker=$!
play faults concert=805 grade="$grade" first-member=1001 members="$members" first-seat=2001 seats=1 \
	group=4 cancel=10 abandon=5 connections=24 seed=9
wait "$breaker"
diag "$summary"
verified "with faults" faults
is "$(sql "select count(*) from (select l.reservation_id, max(l.position) - min(l.position) + 1 as width, count(*) as seats,
	count(distinct s.row_label) as lines from cm.reservation_seat l join cm.seat s on s.id = l.seat_id
	join cm.reservation r on r.id = l.reservation_id where s.grade_id = $grade group by 1) x
	where width <> seats or lines <> 1")" 0 "every group sits side by side"
done_testing
