#!/usr/bin/env bash
# Clients that go away in the middle, send half a body or drip bytes: no worker is held by them, nothing
# is half done, and what had begun is finished.
. "$(dirname "$0")/lib.sh"
CM_LIMIT_TOKEN_RATE=1000000 start_instance
member rude@example.com
sql "update cm.concert set queue_mode = 'none', max_tickets_per_member = 1000 where id = 805" >/dev/null
host=${BASE_URL#http://}
port=${host##*:}
host=${host%:*}
me=$(sql "select id from cm.member where email_key = 'rude@example.com'")

# head LENGTH [PATH]: the head of a POST
head_of() {
	printf 'POST %s HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' \
		"${2:-/reservation}" "$token" "$1"
}
reservations() { sql "select count(*) from cm.reservation where member_id = $me"; }
# every worker of the pool answers: more at once than there are
all_free() { [ "$(at_once 12 /reservation)" = " 12 200 " ]; }

# --- half a body, then nothing, on many connections at once: the pool is not theirs -------------------------
halves=40
[ -z "${CM_LONG:-}" ] || halves=400
for n in $(seq "$halves"); do
	exec {half}<>"/dev/tcp/$host/$port"
	{ head_of 60; printf '{"concertId":805,'; } >&"$half"
	halved[n]=$half
done
ok "$halves half bodies hang on: every worker is free" all_free
is "$(reservations)" 0 "and nothing is half done"
for n in $(seq "$halves"); do
	half=${halved[n]}
	[ "$n" = 1 ] || exec {half}>&-
done
half=${halved[1]}
answer=$(head -1 <&"$half" 2>/dev/null | tr -d '\r')
like "$answer" '^(HTTP/1.1 408.*|)$' "who stays silent is cut off by the time-out (${answer:-closed})"
exec {half}>&-
ok "afterwards every worker is free" all_free

# --- dripping: byte by byte, slower than anybody types; complete in the end ----------------------------------
data='{"concertId":805,"seatId":2001}'
exec {drip}<>"/dev/tcp/$host/$port"
head_of ${#data} >&"$drip"
for ((at = 0; at < ${#data}; at++)); do
	printf '%s' "${data:at:1}" >&"$drip"
	if [ $((at % 8)) = 0 ]; then
		all_free || fail "a dripped body holds a worker"
	fi
done
like "$(head -1 <&"$drip")" '^HTTP/1.1 201' "a dripped body is a request like any other once it is whole"
exec {drip}>&-
is "$(reservations)" 1 "made once"

# --- gone before the answer: what was begun is finished, once -------------------------------------------------
# The seat's row is locked, so that the call waits inside PostgreSQL while its client goes away.
coproc LOCKER { psql -X -q -A -t -d "$DATABASE_URL" 2>&1; }
locker=$LOCKER_PID
lock() { printf '%s\n' "$1" '\echo locked' >&"${LOCKER[1]}"; while read -r line <&"${LOCKER[0]}"; do [ "$line" != locked ] || return 0; done; }
sql "alter role cm_reservation set lock_timeout = '60s'; alter role cm_reservation set statement_timeout = '60s';
	select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'cm_reservation'" >/dev/null
lock 'begin; lock table cm.reservation_audit in access exclusive mode;'
data='{"concertId":805,"seatId":2002}'
exec {gone}<>"/dev/tcp/$host/$port"
{ head_of ${#data}; printf '%s' "$data"; } >&"$gone"
waiting() { [ "$(sql "select count(*) from pg_stat_activity where usename = 'cm_reservation' and wait_event_type = 'Lock'")" -ge 1 ]; }
await waiting
exec {gone}>&-
lock 'rollback;'
made() { [ "$(reservations)" = 2 ]; }
await made
pass "its client had gone: the hold is made all the same, whole"
request POST /reservation "$data"
is "$status" 200 "asking again gives that very reservation"
is "$(reservations)" 2 "not another"

# --- a worker killed while its statement waits: the server notices and nothing comes of it --------------------
lock 'begin; lock table cm.reservation_audit in access exclusive mode;'
data='{"concertId":805,"seatId":2003}'
head_of 1 >/dev/null
curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
	-d "$data" "$BASE_URL/reservation" >"$TEST_DIR/killed" &
client=$!
await waiting
for pid in $(pgrep -P "$(cat "$STATE/run/reservation.pid")"); do kill -9 "$pid"; done
wait "$client"
is "$(cat "$TEST_DIR/killed")" 503 "the worker is killed: 503"
not_waiting() { ! waiting; }
await not_waiting
pass "its statement ends although the lock is still held"
lock 'rollback;'
is "$(reservations)" 2 "and did nothing"
printf '\\q\n' >&"${LOCKER[1]}"
wait "$locker"
"$SOURCE_DIR/scripts/migrate" --state "$STATE" >/dev/null 2>&1 # the roles' own settings again
is "$(sql "select count(*) from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
	where rolname = 'cm_reservation' and 'lock_timeout=500ms' = any(setconfig)")" 1 "settings restored"

# --- what was cut is told apart from what is short --------------------------------------------------------------
# chunked, with a broken chunk; a body longer than announced is the next request, and no request at all
exec {odd}<>"/dev/tcp/$host/$port"
printf 'POST /reservation HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n' \
	"$token" >&"$odd"
like "$(head -1 <&"$odd")" '^HTTP/1.1 400' "a broken chunk is 400"
exec {odd}>&-
exec {both}<>"/dev/tcp/$host/$port"
printf 'POST /reservation HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: t\r\n\r\n' >&"$both"
like "$(head -1 <&"$both")" '^HTTP/1.1 400' "two lengths are 400, not a smuggled request"
exec {both}>&-
ok "the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL"
done_testing
