#!/usr/bin/env bash
# PostgreSQL stopped in immediate mode under a sale, frozen, slow, or out of connections: callers get
# 503 and when to come back while it lasts (never afterwards only), the pools recover by themselves,
# and nothing that was acknowledged is lost.
. "$(dirname "$0")/lib.sh"
need_rush
CM_LIMIT_TOKEN_RATE=1000000 start_instance
members=300 rounds=1
if [ -n "${CM_LONG:-}" ]; then
	members=100 rounds=12
fi
rush_members 40000
rush_concerts "803, 805"
member load@example.com
mine=$token
load_requests "$token" | sed 's/^[0-9,]*/&,503/' >"$TEST_DIR/requests"
first=1001
sale() {
	rush "$TEST_DIR/$1" concert=805 first-member="$first" \
		members="$members" first-seat=2001 seats=2000 group=2 cancel=10 abandon=5 connections=8 \
		seed="$first" >"$TEST_DIR/$1.sum" || bail "rush $1"
}
bought() { [ "$(sql "select count(*) from cm.reservation where member_id >= $first")" -gt "$1" ]; }
works() { request GET "$1" && [ "$status" = 200 ]; }
# refused WHAT: 503 in the shape of a problem, with Retry-After
refused() {
	is "$status" 503 "$1: 503"
	like "$(header Retry-After)" '^[1-9][0-9]*$' "$1: with Retry-After"
	is "$(header Content-Type)" application/problem+json "$1: as a problem"
}

# --- stopped in immediate mode under a sale --------------------------------------------------------------
pids=$(cat "$STATE"/run/{auth,member,concert,queue,reservation,payment,relay,sweeper,reconciler,consumer-*}.pid)
for round in $(seq "$rounds"); do
	start_load "load$round" "$TEST_DIR/requests" 4
	sale "sale$round" &
	sale=$!
	await bought 30
	kill -QUIT "$(cat "$STATE/run/pg.pid")"
	await database_is_gone
	# every pool answers while it is away
	loaded_more "load$round" 100
	token=$mine
	if [ "$round" = 1 ]; then
		for path in /member/me /seat/665 /reservation /payment/1; do
			request GET "$path"
			refused "without the database, GET $path"
		done
		token=
		request POST /auth/signin '{"email":"load@example.com","password":"x"}'
		refused "without the database, signing in"
		request GET /readyz
		is "$status $(json '.status + " " + .checks.database')" "503 not ready database-unavailable" \
			"not ready, and it says why"
		request GET /livez
		is "$status" 200 "but alive"
		token=$mine
		request GET /concert/802/queue/status
		is "$status" 200 "and the queue goes on, which is Redis' alone"
	fi
	ok "it comes back" up
	wait "$sale"
	stop_load "load$round"
	diag "$(cat "$TEST_DIR/sale$round.sum")"
	is "$(bad_answers "load$round" | head -3)" "" "round $round: nothing but the usual answers and 503"
	cmp_ok "$(jq '.pay."201" // 0' "$TEST_DIR/sale$round.sum")" -gt $((members / 2)) "round $round: the sale went on"
	await sale_is_quiet
	ok "round $round: no acknowledged write is lost, the invariants hold" \
		"$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/sale$round" "${REDIS_URL#unix://}"
	first=$((first + members))
done
is "$(cat "$STATE"/run/{auth,member,concert,queue,reservation,payment,relay,sweeper,reconciler,consumer-*}.pid)" "$pids" \
	"the same processes all the time"

# --- locks held for long: answers come while they are held ------------------------------------------------
token=$mine
await works /seat/665
coproc LOCKER { psql -X -q -A -t -d "$DATABASE_URL" 2>&1; }
locker=$LOCKER_PID
lock() { printf '%s\n' "$1" "\\echo done" >&"${LOCKER[1]}"; while read -r line <&"${LOCKER[0]}"; do [ "$line" != "done" ] || return 0; done; }
lock "begin; select from cm.seat where id = 1001 for update;"
request POST /reservation '{"concertId":803,"seatId":1001}'
like "$status $(json .code)" '^(409 seat-taken|503 database-busy)$' "a row is locked: its buyer is told while it is ($status)"
request POST /reservation '{"concertId":803,"seatId":1002}'
is "$status" 201 "the others go on"
lock "rollback; begin; lock table cm.reservation in access exclusive mode;"
request POST /reservation '{"concertId":803,"seatId":1003}'
refused "a table is locked, POST /reservation"
request GET /reservation
refused "a table is locked, GET /reservation"
request GET /notification
is "$status" 200 "other pools go on"
# more at once than there are workers: refused as well, none hangs
many() { answers=$(at_once 24 /reservation); }
many
is "$answers" " 24 503 " "24 at once: all refused while it is locked"
lock "rollback;"
await works /reservation
request POST /reservation '{"concertId":803,"seatId":1003}'
is "$status" 201 "unlocked: everything works"
printf '\\q\n' >&"${LOCKER[1]}"
wait "$locker"

# --- frozen: only a deadline of our own ends the wait --------------------------------------------------------
for pid in $(sql "select pid from pg_stat_activity where usename = 'cm_reservation'"); do kill -STOP "$pid"; done
frozen=$(pgrep -P "$(cat "$STATE/run/pg.pid")" | while read -r pid; do grep -qs '^State:.T' "/proc/$pid/status" && echo "$pid"; done)
isnt "$frozen" '' "backends are frozen"
await works /reservation
pass "their workers leave them and connect again"
for pid in $frozen; do kill -CONT "$pid" 2>/dev/null; done
# All of it, while every worker has a connection and a request: each must give up by itself, for who
# can't be reached for the question can't be reached for cancelling it either.
all_connected() {
	many
	[ "$(sql "select count(*) from pg_stat_activity where usename = 'cm_reservation'")" = \
		"$(pgrep -P "$(cat "$STATE/run/reservation.pid")" | wc -l)" ]
}
await all_connected
postmaster=$(cat "$STATE/run/pg.pid")
all=$(pgrep -P "$postmaster")
# shellcheck disable=SC2086
kill -STOP "$postmaster" $all
many
is "$answers" " 24 503 " "all of it frozen: everybody is refused while it is"
by_ourselves() {
	request GET /reservation
	[ "$(json .code)" = database-unavailable ]
}
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	await by_ourselves
done
refused "all of PostgreSQL frozen"
pass "no worker is stuck: they refuse by themselves"
# shellcheck disable=SC2086
kill -CONT $all "$postmaster" 2>/dev/null
await works /reservation
pass "and go on when it moves again"

# --- no connection to be had -------------------------------------------------------------------------------
sql "alter database concert_mania connection limit 0;
	select count(pg_terminate_backend(pid)) from pg_stat_activity where usename like 'cm\\_%'" >/dev/null
for path in /member/me /seat/665 /reservation; do
	request GET "$path"
	refused "no connection left, GET $path"
done
sql "alter database concert_mania connection limit -1" >/dev/null
for path in /member/me /seat/665 /reservation; do await works "$path"; done
pass "with connections to be had the pools recover"
done_testing
