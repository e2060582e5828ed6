#!/usr/bin/env bash
# A rolling restart of every pool, scripts/up with another build, and reloads of nginx, under load: not one
# request fails.
. "$(dirname "$0")/lib.sh"
need_rush
CM_LIMIT_TOKEN_RATE=1000000 CM_DATABASE_CALL_MS=14000 start_instance
rolls=2 reloads=4 members=250
if [ -n "${CM_LONG:-}" ]; then
	rolls=25 reloads=60 members=8000
fi
pools=(auth member concert queue reservation payment ops)
member load@example.com
load_requests "$token" >"$TEST_DIR/requests"
printf '200\t-\tPOST\t/auth/signin\t{"email":"load@example.com","password":"secret-load@example.com"}\n' \
	>>"$TEST_DIR/requests"
rush_members "$((1000 + members))"
rush_concerts 805
parent() { cat "$STATE/run/$1.pid"; }
workers() { pgrep -P "$(parent "$1")"; }
for pool in "${pools[@]}"; do parent "$pool"; done >"$TEST_DIR/parents"

start_load fresh "$TEST_DIR/requests" 4
start_load kept "$TEST_DIR/requests" 2 keep
rush "$TEST_DIR/history" concert=805 first-member=1001 \
	members="$members" first-seat=2001 seats=2000 group=4 cancel=10 abandon=5 connections=6 seed=4 \
	>"$TEST_DIR/summary" &
sale=$!

# all pools at once: SIGHUP; every old worker goes, one by one
rolled() {
	local pool
	for pool in "${pools[@]}"; do
		[ "$(workers "$pool" | wc -l)" = "$(grep -c . "$TEST_DIR/old-$pool")" ] || return 1
		! workers "$pool" | grep -qxf "$TEST_DIR/old-$pool" || return 1
	done
}
for _ in $(seq "$rolls"); do
	for pool in "${pools[@]}"; do
		workers "$pool" >"$TEST_DIR/old-$pool"
		kill -HUP "$(parent "$pool")"
	done
	await rolled
	loaded_more fresh 50
done
pass "$rolls rolls of every pool"
is "$(for pool in "${pools[@]}"; do parent "$pool"; done)" "$(cat "$TEST_DIR/parents")" "by the same parents"
wait "$sale"
diag "$(cat "$TEST_DIR/summary")"
is "$(jq '[.[] | objects | to_entries[] | select(.key == "0" or (.key | tonumber) >= 500) | .value] | add // 0' \
	"$TEST_DIR/summary")" 0 "no buyer saw a failure"
cmp_ok "$(jq '.hold."201" // 0' "$TEST_DIR/summary")" -gt 0 "and they bought"
is "$(bad_answers fresh | head -3)" "" "no request failed while pools rolled"
is "$(bad_answers kept | head -3)" "" "neither on kept connections"

# scripts/up with another build: its programs are other files, and no worker of the old ones is left
another=$TEST_DIR/another
for program in "$BUILD_DIR"/fcgi/cm-* "$BUILD_DIR"/daemon/cm-*; do
	[ -x "$program" ] && [ "${program##*/}" != cm-reconciler ] || continue
	mkdir -p "$another/$(basename "${program%/*}")"
	{ cat "$program"; printf '\n'; } >"$another/${program#"$BUILD_DIR"/}"
done
chmod -R a+rX "$another"
chmod 755 "$another"/*/cm-*
runs_another() { # POOL
	local pid
	for pid in $(workers "$1"); do
		cmp -s "/proc/$pid/exe" "$another/fcgi/cm-$1" || return 1
	done
}
reconciler=$(parent reconciler)
sweeper=$(parent sweeper)
BUILD_DIR=$another up || bail "scripts/up with another build: $(tail -3 "$TEST_DIR/up.log")"
for pool in "${pools[@]}"; do ok "$pool: runs the other build's program" runs_another "$pool"; done
is "$(for pool in "${pools[@]}"; do parent "$pool"; done)" "$(cat "$TEST_DIR/parents")" "by the same parents, still"
isnt "$(parent sweeper)" "$sweeper" "a daemon starts anew"
ok "and one that the other build hasn't is stopped" bash -c '[ ! -d "/proc/$0" ] || grep "^State:.Z" "/proc/$0/status"' "$reconciler"
loaded_more fresh 50
is "$(bad_answers fresh | head -3)" "" "no request failed while the build was exchanged"
is "$(bad_answers kept | head -3)" "" "neither on kept connections, then"
up || bail "scripts/up with the first build"
ok "back again" bash -c '! cmp -s "/proc/$0/exe" "$1"' "$(workers auth | head -1)" "$another/fcgi/cm-auth"

# A migration that has to wait, for a backup's long look at the table: those who sell go on meanwhile
cp -r "$SOURCE_DIR/schema" "$TEST_DIR/schema"
cat >"$TEST_DIR/schema/9001_test.sql" <<'END'
alter table cm.concert add column test text;
insert into cm.schema_migration (version, name) values (9001, 'test');
END
echo 'grant truncate on cm.concert to cm_auth;' >>"$TEST_DIR/schema/roles.sql"
coproc BACKUP { psql -X -q -A -t -d "$DATABASE_URL" 2>&1; }
backup=$BACKUP_PID
printf '%s\n' 'begin; lock table cm.concert in access share mode;' '\echo locked' >&"${BACKUP[1]}"
read -r _ <&"${BACKUP[0]}"
"$SOURCE_DIR/scripts/migrate" --state "$STATE" --schema "$TEST_DIR/schema" >"$TEST_DIR/migrated" 2>&1 &
migration=$!
await grep -q 'trying again' "$TEST_DIR/migrated"
loaded_more fresh 200
like "$(cat "$TEST_DIR/migrated")" 'trying again, for 15 minutes$' "a migration waits for a backup"
is "$(bad_answers fresh | head -3)" "" "no request fails meanwhile"
printf '%s\n' 'rollback;' '\q' >&"${BACKUP[1]}"
wait "$backup"
ok "then it goes through" wait "$migration"
is "$(sql "select count(test) from cm.concert where id = 802")" 0 "and has its effect"
# whoever goes back to these scripts must not take rights away that the later schema needs
granted() { sql "select has_table_privilege('cm_auth', 'cm.concert', 'truncate')"; }
like "$("$SOURCE_DIR/scripts/migrate" --state "$STATE" 2>&1)" 'later version' "an older scripts/migrate says that the schema is newer"
is "$(granted)" t "and leaves its rights alone"
sql "alter table cm.concert drop column test; delete from cm.schema_migration where version = 9001" >/dev/null
"$SOURCE_DIR/scripts/migrate" --state "$STATE" >/dev/null 2>&1
is "$(granted)" f "those of its own schema it sets"

# The request in a worker's hands while it is told to go: each of the pool's workers waits inside
# PostgreSQL for a lock, the roll begins, and only then the lock is released.
sql "alter role cm_payment set lock_timeout = '60s'; alter role cm_payment set statement_timeout = '60s';
	select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'cm_payment'" >/dev/null
payment=$(sql "select min(id) from cm.payment")
token=$(CM_TOKEN_KEYS=$(setting_of CM_TOKEN_KEYS) "$BUILD_DIR/t/tool/token_mint" "$(sql "select r.member_id from cm.payment p
	join cm.reservation r on r.id = p.reservation_id where p.id = $payment")" 1)
connected() { request GET "/payment/$payment" && [ "$status" = 200 ]; }
await connected
workers payment >"$TEST_DIR/old-payment"
count=$(grep -c . "$TEST_DIR/old-payment")
coproc LOCKER { psql -X -q -A -t -d "$DATABASE_URL" 2>&1; }
locker=$LOCKER_PID
printf '%s\n' 'begin; lock table cm.payment in access exclusive mode;' '\echo locked' >&"${LOCKER[1]}"
read -r _ <&"${LOCKER[0]}"
for n in $(seq "$count"); do
	curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $token" "$BASE_URL/payment/$payment" >"$TEST_DIR/hand$n" &
	hands[n]=$!
done
in_hand() { [ "$(sql "select count(*) from pg_stat_activity where usename = 'cm_payment' and wait_event_type = 'Lock'")" -ge "$count" ]; }
await in_hand
kill -HUP "$(parent payment)"
# SIGTERM waits for the end of the request: among the pending ones of one of them
told() {
	local pid
	while read -r pid; do
		[ -e "/proc/$pid" ] || return 0
		! grep -q '^ShdPnd:.*[4-7c-f][0-9a-f]\{3\}$' "/proc/$pid/status" || return 0
	done <"$TEST_DIR/old-payment"
	return 1
}
await told
printf '%s\n' 'rollback;' '\q' >&"${LOCKER[1]}"
wait "${hands[@]}" "$locker"
is "$(cat "$TEST_DIR"/hand* | sort | uniq -c | tr -s ' ')" " $count 200" "requests in hand are finished by those who were told to go"
all_new() { ! workers payment | grep -qxf "$TEST_DIR/old-payment"; }
await all_new
"$SOURCE_DIR/scripts/migrate" --state "$STATE" >/dev/null 2>&1 # the role's own settings again

# nginx: new workers take over, the old ones finish what they have
nginx=$(parent nginx)
generation() { pgrep -P "$nginx" | sort | tr '\n' ' '; }
for _ in $(seq "$reloads"); do
	pgrep -P "$nginx" >"$TEST_DIR/old-nginx"
	kill -HUP "$nginx"
	taken_over() { pgrep -P "$nginx" | grep -qvxf "$TEST_DIR/old-nginx"; }
	await taken_over
	loaded_more fresh 50
done
stop_load fresh
stop_load kept
is "$(parent nginx)" "$nginx" "$reloads reloads of nginx"
is "$(bad_answers fresh | head -3)" "" "no request failed while nginx reloaded ($(loaded fresh) answers)"
is "$(bad_answers kept | head -3)" "" "neither on kept connections ($(loaded kept) answers)"

# settings that a running nginx refuses: said, and it goes on
copy_source "$TEST_DIR/source"
sed -i 's/$cm_address zone=signin/$binary_remote_addr zone=signin/' "$TEST_DIR/source/nginx/limits.conf.in"
if said=$("$TEST_DIR/source/scripts/up" --state "$STATE" --build "$BUILD_DIR" --no-build 2>&1); then
	fail "scripts/up says so when nginx refuses its settings" "$said"
else
	like "$said" 'nginx refused' "scripts/up says so when nginx refuses its settings"
fi
request GET /livez
is "$status" 200 "and nginx goes on"

# what a roll can't bring: a changed setting
CM_LOG_LEVEL=debug up || bail "scripts/up with another setting"
is "$(tr '\0' '\n' <"/proc/$(parent member)/environ" | grep '^CM_LOG_LEVEL=')" CM_LOG_LEVEL=debug "a setting starts a pool anew"
done_testing
