#!/usr/bin/env bash
# Whole sales of chosen and of best adjacent seats, in peace and while workers are killed, PostgreSQL is
# restarted and Redis emptied. One in ten cancels, one in ten walks away. t/verify holds every history
# against the database. CM_LONG=1: 5,000 seats and 20,000 members.
. "$(dirname "$0")/lib.sh"
need_rush
CM_LIMIT_TOKEN_RATE=1000000 start_instance
rows=10 width=30 members=900 tries=40
if [ -n "${CM_LONG:-}" ]; then
	rows=50 width=100 members=20000 tries=1000
fi
seats=$((rows * width))
rush_members $((1000 + 2 * members))
token=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")

# hall NAME: a concert of its own; sets concert, first_seat and grade
hall() {
	local rows_json
	rows_json=$(for n in $(seq "$rows"); do printf '{"label":"%s","from":1,"to":%s}\n' "$n" "$width"; done | jq -sc .)
	request POST /concert "{\"title\":\"$1\",\"place\":\"hall\",\"dateTime\":\"2099-01-01T19:00\",
		\"grades\":[{\"name\":\"R\",\"price\":1000,\"sections\":[{\"rows\":$rows_json}]}]}"
	[ "$status" = 201 ] || bail "no hall"
	concert=$(json .id)
	rush_concerts "$concert" 4
	first_seat=$(sql "select min(id) from cm.seat where concert_id = $concert")
	grade=$(sql "select id from cm.seat_grade where concert_id = $concert")
}
# play NAME [setting=value ...]: sets summary
play() {
	summary=$(rush "$TEST_DIR/$1.json" concert="$concert" first-seat="$first_seat" seats="$seats" group=4 \
		connections=48 tries="$tries" first-member=1001 members="$members" "${@:2}") || bail "rush $1 failed"
	diag "$1: $summary"
}
verified() {
	await sale_is_quiet
	await sale_is_sound "$1.json" "$concert"
	pass "$1: the invariants hold"
	diag "$(grep -E 'acknowledged|live reservation|refused while' "$TEST_DIR/verified")"
}
left() { sql "select count(*) from cm.seat where concert_id = $concert and state <> 'SOLD'"; }

# --- chosen seats --------------------------------------------------------------------------------------
hall chosen
play chosen cancel=10 abandon=10 seed=7
verified chosen
# Whoever walked away last may leave seats: a second wave takes them.
play second group=1 seed=8 first-member=$((1001 + members))
verified second
is "$(left)" 0 "all $seats are sold"

# --- best adjacent ones --------------------------------------------------------------------------------
hall adjacent
play adjacent grade="$grade" cancel=10 abandon=10 seed=9
verified adjacent
is "$(sql "select count(*) from (select l.reservation_id, max(l.position) - min(l.position) + 1 as width, count(*) as seats,
	count(distinct s.row_label) as lines from cm.reservation_seat l join cm.seat s on s.id = l.seat_id
	where s.concert_id = $concert group by 1) x where width <> seats or lines <> 1")" 0 "every group sits side by side"
play rest grade="$grade" group=1 seed=10 first-member=$((1001 + members))
verified rest
is "$(left)" 0 "single ones take the rest: all $seats are sold"

# --- the same while things break -----------------------------------------------------------------------
breaking() {
	local n
	for n in $(seq 1000); do
		[ ! -e "$TEST_DIR/enough" ] || return 0
		kill -9 "$(pgrep -P "$(cat "$STATE/run/reservation.pid")" | shuf -n 1)" 2>/dev/null
		[ "$n" != 6 ] || redis flushall >/dev/null
		[ "$n" != 12 ] || { kill -INT "$(cat "$STATE/run/pg.pid")" && await database_is_gone && await up && touch "$TEST_DIR/restarted"; }
		sleep 0.2 # the pace of the faults, not a wait
	done
}
hall faults
breaking &
breaker=$!
play faults cancel=10 abandon=10 seed=11
touch "$TEST_DIR/enough"
wait "$breaker"
verified faults
ok "PostgreSQL was restarted meanwhile" test -e "$TEST_DIR/restarted"
sold=$((seats - $(left)))
cmp_ok "$sold" -gt $((seats / 2)) "seats were sold meanwhile"
done_testing
