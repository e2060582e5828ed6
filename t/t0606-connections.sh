#!/usr/bin/env bash
# The budget of connections: what the settings ask for is refused before anything starts, by numbers.
. "$(dirname "$0")/lib.sh"
start_instance
budget() {
	"$SOURCE_DIR/scripts/admin" --state "$STATE" connections >"$TEST_DIR/budget" 2>&1
}
ok "the budget is kept as it comes" budget
needed=$(awk '$1 == "needed" { print $2 }' "$TEST_DIR/budget")
given=$(awk '$1 == "given" { print $2 }' "$TEST_DIR/budget")
is "$needed" $((2 + 2 + 4 + 4 + 6 + 4 + 1 + 7 + 7 + 10)) "a connection a worker, one a rolling pool, seven daemons, ten for people"
is "$given" "$(sql "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int")" \
	"what the server gives"
is "$(curl -s "$OPS_URL/metrics" | awk '$1 == "cm_database_connections_needed" { print $2 }')" "$needed" "and a metric"
# what is open is never more than what was asked for
cmp_ok "$(sql "select count(*) from pg_stat_activity where usename like 'cm\_%'")" -le "$((needed - 10))" \
	"the connections that are open fit"

# too many workers for the server that runs
before=$(sha256sum <"$STATE/run/reservation.signature")
if CM_POOL_RESERVATION_WORKERS=200 up; then fail "200 workers" "were started"; else pass "scripts/up refuses"; fi
needed=$((needed + 194))
like "$(cat "$TEST_DIR/up.log")" "need $needed connections, PostgreSQL gives $given" "it says both numbers"
like "$(cat "$TEST_DIR/up.log")" "max_connections to $((needed + 3)) or more" "how far to raise the server's"
like "$(cat "$TEST_DIR/up.log")" 'CM_POOL_RESERVATION_WORKERS asks for most \(201\)' "and which setting asks for most"
is "$(sha256sum <"$STATE/run/reservation.signature")" "$before" "what ran runs on"
request GET /livez
is "$status" 200 "and answers"
CM_POOL_RESERVATION_WORKERS='' up || bail "taking it back"
pass "taken back, it starts"

# the same for many hosts, for a server with little, and for a database with a limit of its own
CM_DATABASE_HOSTS=9 up
like "$(cat "$TEST_DIR/up.log")" "need $((9 * 37 + 10)) connections" "nine hosts need nine times as much"
CM_DATABASE_HOSTS='' CM_DATABASE_RESERVE=1000 up
like "$(cat "$TEST_DIR/up.log")" 'CM_DATABASE_RESERVE asks for most \(1000\)' "the reserve counts"
CM_DATABASE_RESERVE='' up || bail "taking it back"
sql 'alter database concert_mania connection limit 20'
budget
like "$(cat "$TEST_DIR/budget")" 'need 47 connections, PostgreSQL gives 20' "the database's own limit counts"
sql 'alter database concert_mania connection limit -1'
ok "without it all is well" budget

# a server made too small by its own setting
down
CM_DATABASE_CONNECTIONS=30 up
like "$(cat "$TEST_DIR/up.log")" 'need 47 connections, PostgreSQL gives 27' "a server too small is refused at the first start"
CM_DATABASE_CONNECTIONS='' down
CM_DATABASE_CONNECTIONS='' up || bail "taking it back"
pass "by default the server is made large enough"

# a replica's: only the pool concert reads there (here the primary stands in for it)
CM_DATABASE_REPLICA_URL="host=$STATE/run/pg dbname=concert_mania" up || bail "a replica"
ok "with a replica" budget
is "$(sed -n '/^read replica/,$s/^needed *//p' "$TEST_DIR/budget")" $((4 + 1 + 10)) "its connections are added up too"
sql 'alter database concert_mania connection limit 45'
budget
like "$(cat "$TEST_DIR/budget")" 'need 47 connections, PostgreSQL gives 45' "each server is held to its own"
sql 'alter database concert_mania connection limit -1'
CM_DATABASE_REPLICA_URL='host=/nonexistent dbname=x' up || bail "a replica that is away"
like "$(cat "$TEST_DIR/up.log" "$STATE/log/connections.log")" 'replica does not answer; the primary will serve' \
	"one that is away is told, and keeps nothing from starting"
CM_DATABASE_REPLICA_URL="host=$STATE/run/pg dbname=concert_mania" CM_POOL_CONCERT_WORKERS=300 up
like "$(cat "$TEST_DIR/up.log")" 'need 311 connections, the replica gives' "a replica too small is refused"
done_testing
