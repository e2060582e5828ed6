#!/usr/bin/env bash
# Redis frozen, killed, and back empty, under a sale: bookings go on through PostgreSQL, the queue says
# 503 and when to come back, nothing is sold twice. "In bounded time" is shown without a clock: whole
# sales end while Redis stands still.
. "$(dirname "$0")/lib.sh"
need_rush
CM_LIMIT_TOKEN_RATE=1000000 start_instance
members=150 rounds=1
if [ -n "${CM_LONG:-}" ]; then
	members=50 rounds=10
fi
rush_members 20000
rush_concerts 805
member inside@example.com
inside=$token
request POST /concert/802/queue
pass=$(json .pass)
like "$pass" '^ey' "a member is inside and has his pass"
member outside@example.com
outside=$token
request GET /concert/805/seat/status # in the cache from now on
first=1001
# sale NAME: a sale among members of its own; sets summary
sale() {
	rush "$TEST_DIR/$1" concert=805 first-member="$first" \
		members="$members" first-seat=2001 seats=2000 group=2 cancel=10 abandon=5 connections=12 \
		seed="$first" >"$TEST_DIR/$1.sum" || bail "rush $1"
	first=$((first + members))
}
failures_of() { jq '[.[] | objects | to_entries[] | select(.key == "0" or (.key | tonumber) >= 500) | .value] | add // 0' "$TEST_DIR/$1.sum"; }
sold() { jq '.pay."201" // 0' "$TEST_DIR/$1.sum"; }
ask_503() {
	is "$status" 503 "$1: 503"
	like "$(header Retry-After)" '^[1-9][0-9]*$' "$1: with Retry-After"
	is "$(header Content-Type)" application/problem+json "$1: as a problem"
}
verified() {
	await sale_is_quiet 805
	token=$inside
	await sale_is_sound "$1" 805
	pass "$1: the invariants hold, the seat cache equals the table"
}
queue_is_back() {
	token=$outside
	request POST /concert/802/queue && [[ $status == 20[01] ]]
}
# without_redis WHAT SEAT: what must hold while Redis gives no answer
without_redis() {
	sale "$1"
	diag "$(cat "$TEST_DIR/$1.sum")"
	is "$(failures_of "$1")" 0 "$1: no buyer saw a failure"
	cmp_ok "$(sold "$1")" -gt $((members / 2)) "$1: they bought"
	token=$outside
	request POST /concert/802/queue
	ask_503 "$1: joining the queue"
	request GET /concert/802/queue/status
	ask_503 "$1: asking for one's place"
	request POST /reservation "{\"concertId\":802,\"seatId\":$2}"
	problem 403 queue-pass-required "$1: nobody gets past the queue"
	token=$inside
	request POST /reservation "{\"concertId\":802,\"seatId\":$2}" -H "X-Queue-Pass: $pass"
	is "$status" 201 "$1: whoever was inside holds by the signed pass"
	request GET /concert/805/seat/status
	is "$status" 200 "$1: seat states are read"
	token=
	isnt "$(sign_in inside@example.com)" '' "$1: signing in works"
	request GET /readyz
	is "$status $(json .status)" "200 degraded" "$1: degraded, but ready"
}

# --- frozen --------------------------------------------------------------------------------------------
redis_pid=$(cat "$STATE/run/redis.pid")
for round in $(seq "$rounds"); do
	kill -STOP "$redis_pid"
	if [ "$round" = 1 ]; then
		without_redis frozen 665
	else
		sale frozen
		is "$(failures_of frozen)" 0 "frozen again: no buyer saw a failure"
	fi
	kill -CONT "$redis_pid"
	# what it was asked while it stood still is carried out now; nobody may take it for an answer
	sale thawed
	is "$(failures_of thawed)" 0 "thawed: no buyer saw a failure"
	await queue_is_back
done
verified frozen
verified thawed

# --- killed in the middle of a sale, then back with nothing ----------------------------------------------
sale killed &
sale=$!
first=$((first + members))
bought() { [ "$(sql "select count(*) from cm.reservation where member_id >= $((first - members))")" -gt 20 ]; }
await bought
kill -9 "$(cat "$STATE/run/redis.pid")"
wait "$sale"
is "$(failures_of killed)" 0 "killed: no buyer saw a failure"
gone() { ! redis ping; }
await gone
without_redis away 666
rm -rf "${STATE:?}"/redis/*
sale empty &
sale=$!
first=$((first + members))
await bought
ok "it comes back empty" up
wait "$sale"
is "$(failures_of empty)" 0 "back and empty: no buyer saw a failure"
await queue_is_back
pass "the queue takes members again"
verified killed
verified away
verified empty
done_testing
