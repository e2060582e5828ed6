#!/usr/bin/env bash
# Stop and start again: the data is still there, nothing is left behind, --status tells.
. "$(dirname "$0")/lib.sh"
start_instance
up_script="$SOURCE_DIR/scripts/up"

ok "--status says all is well" "$up_script" --status --state "$STATE"
member keeper@example.com
request POST /concert/802/queue
request POST /reservation '{"concertId":802,"seatId":665}'
is "$status" 201 "a reservation"
reservation=$(json .id)
first=$BASE_URL
before=$(cat "$STATE"/run/*.pid | sort)

ok "starting again what runs" up
is "$(cat "$STATE"/run/*.pid | sort)" "$before" "starts nothing new"
is "$BASE_URL" "$first" "and keeps its address"

down
left=
for pid in $before; do
	[ ! -d "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status" || left+=" $pid"
done
is "$left" "" "scripts/down stops every process"
ok "--status fails then" bash -c "! '$up_script' --status --state '$STATE'"
ok "stopping again is harmless" down

ok "start again" up
is "$BASE_URL" "$first" "on the same address"
request GET "/reservation/$reservation"
is "$status $(json .id) $(json .status)" "200 $reservation PENDING" \
	"the reservation is there, and the old token still good"
request GET /seat/665
is "$(json .status)" HELD "the seat is held"

# kill -9 of the database: it recovers by itself on the next start
kill -9 "$(cat "$STATE/run/pg.pid")"
dead() { ! "$up_script" --status --state "$STATE"; }
await dead
like "$("$up_script" --status --state "$STATE")" 'pg +DEAD' "--status names the dead one"
ok "scripts/up starts what is missing" up
back() { request GET "/reservation/$reservation" && [ "$status" = 200 ]; }
await back
is "$(json .status)" PENDING "with its data"

ok "a changed migration is refused" bash -c "
	cp -r '$SOURCE_DIR/schema' '$TEST_DIR/schema'
	echo '-- changed' >>'$TEST_DIR'/schema/0001_*.sql
	! '$SOURCE_DIR/scripts/migrate' --state '$STATE' --schema '$TEST_DIR/schema'"

"$SOURCE_DIR/scripts/down" --state "$STATE" --purge >/dev/null
is "$(ls -A "$STATE" 2>/dev/null)" "" "--purge leaves nothing"
done_testing
