#!/usr/bin/env bash
# Reads from a real streaming replica: used while it is fresh, left alone when it lags or is gone, and
# no read fails for it.
. "$(dirname "$0")/lib.sh"
standby() { "$SOURCE_DIR/t/tool/standby" "$@" >>"$TEST_DIR/standby.out" 2>&1; }
stop_standby() { [ ! -s "$TEST_DIR/standby/pid" ] || { standby signal "$TEST_DIR/standby" CONT; standby signal "$TEST_DIR/standby" QUIT; }; }
trap 'stop_standby; finish_test' EXIT

start_instance
standby make "$STATE" "$TEST_DIR/standby" || bail "pg_basebackup: $(tail -5 "$TEST_DIR/standby.out")"
standby start "$TEST_DIR/standby"
replica_url="host=$TEST_DIR/standby/socket dbname=concert_mania"
on_replica() { psql -X -q -A -t -d "$replica_url user=postgres" -c "$1"; }
await on_replica 'select 1'
CM_DATABASE_REPLICA_URL=$replica_url CM_DATABASE_REPLICA_LAG_S=2 up || bail "restart with a replica"
member=$(sign_in "$USER_EMAIL" "$USER_PASSWORD")
admin=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
token=$member

# how often the replica ran a statement of ours
ran() { grep -c "execute $1\|: execute $1" "$TEST_DIR/standby/standby.log"; }
# fetch PATH: past the micro-cache, which knows no two equal addresses here
serial=0
fetch() {
	serial=$((serial + 1))
	case $1 in *\?*) request GET "$1&n=$serial" ;; *) request GET "$1?n=$serial" ;; esac
}
metric() { curl -s "$OPS_URL/metrics" | grep -F "cm_$1" | grep 'pool="concert"' | awk '{ sum += $NF } END { print sum + 0 }'; }
# reaches STATEMENT PATH: this path's statement ran there
reaches() {
	local before
	before=$(ran "$1")
	fetch "$2"
	[ "$status" = 200 ] && [ "$(ran "$1")" -gt "$before" ]
}
await reaches concert_find /concert/802
pass "a member's concert is read from the replica"
while read -r statement path; do
	await reaches "$statement" "$path"
	is "$status" 200 "$path is read there"
done <<'TABLE'
concert_list_by_date /concert?limit=2
concert_list_by_keyword /concert?keyword=sample
concert_seat_map /concert/802/seat
TABLE
token=$admin
await reaches concert_report /concert/802/report
pass "a report is read there"
fetch /concert/802/report/sales
is "$status" 200 "and so is the export"
await test "$(ran concert_sales)" -gt 0
before=$(ran concert_find)
for _ in 1 2 3 4 5 6; do fetch /concert/802; done
is "$(ran concert_find)" "$before" "an administrator's concert is read from the primary"
token=$member
before=$(ran seat_state_letters)$(ran concert_find_seat)
redis flushall >/dev/null
fetch /concert/802/seat/status
fetch /seat/665
is "$(ran seat_state_letters)$(ran concert_find_seat)" "$before" "and so are seats, which decide"
is "$(grep -c ERROR "$TEST_DIR/standby/standby.log")" 0 "nothing there was refused"

# as new as a moment: what the replica does not know is asked of the primary
token=$admin
on_replica 'select pg_wal_replay_pause()' >/dev/null
await test "$(on_replica 'select pg_get_wal_replay_pause_state()')" = paused
request POST /concert '{"title":"방금 만든 공연","place":"홀","dateTime":"2099-01-01T19:00"}'
new=$(json .id)
token=$member
fetch "/concert/$new"
is "$status $(json .title)" "200 방금 만든 공연" "a concert the replica has not heard of is there"

# lagging
token=$admin
request PATCH /concert/802 '{"artist":"새 출연자"}'
fetch /concert/802
is "$(json .artist)" "새 출연자" "the organiser sees the own change at once"
token=$member
changed() { fetch /concert/802; [ "$status $(json .artist)" = "200 새 출연자" ]; }
await changed
pass "members see it although the replica stands still"
isnt "$(on_replica 'select artist from cm.concert where id = 802')" "새 출연자" "(it does)"
lagging() { fetch /concert/802; [ "$(metric 'replica_reads_total{pool="concert",answer="lagging"')" -gt 0 ]; }
await lagging
ok "it is logged" grep -q 'the replica lags' "$STATE/log/concert.log"
cmp_ok "$(metric replica_lag_ms)" -gt 2000 "and measured"
on_replica 'select pg_wal_replay_resume()' >/dev/null
await reaches concert_find /concert/802
is "$(json .artist)" "새 출연자" "going on, it is used again"

# idle: nothing to replay is no lag
sql checkpoint >/dev/null
waits=$((SECONDS + 4))
until [ "$SECONDS" -ge "$waits" ]; do fetch /concert/802; done
await reaches concert_find /concert/802
pass "an idle primary is no lag"

# load NAME: reads without a pause until finish NAME; hits and misses of the list, details, maps
load() {
	local n round=0
	for n in {1..300}; do
		case $((n % 3)) in
		0) printf 'url = "%s/concert/80%d?%s%d"\n' "$BASE_URL" $((n % 4 + 2)) "$1" "$n" ;;
		1) printf 'url = "%s/concert?limit=%d&%s%d"\n' "$BASE_URL" $((n % 100 + 1)) "$1" "$n" ;;
		2) printf 'url = "%s/concert?keyword=콘서트&%s%d"\n' "$BASE_URL" "$1" "$n" ;;
		esac
		printf 'output = /dev/null\nwrite-out = "%%{http_code}\\n"\n'
	done >"$TEST_DIR/load.$1"
	: >"$TEST_DIR/answers.$1"
	until [ -e "$TEST_DIR/finished.$1" ]; do
		round=$((round + 1)) # other addresses than before, past the micro-cache
		sed "s/[?&]$1/&$round-/" "$TEST_DIR/load.$1" |
			curl -s -g --no-progress-meter -H "Authorization: Bearer $member" --parallel --parallel-max 8 \
				-K - >>"$TEST_DIR/answers.$1" 2>/dev/null
	done &
	loading=$!
}
# goes_on NAME: a good many answers more
goes_on() {
	local wanted=$(($(wc -l <"$TEST_DIR/answers.$1") + 700))
	await eval "[ \$(wc -l <'$TEST_DIR/answers.$1') -ge $wanted ]"
}
finish() { touch "$TEST_DIR/finished.$1"; wait "$loading"; }
replica_is_gone() { ! on_replica 'select 1'; }
failed() { sort "$TEST_DIR/answers.$1" | uniq -c | grep -v ' 200$'; }

load stopped
goes_on stopped
away=$(metric 'replica_reads_total{pool="concert",answer="away"')
standby signal "$TEST_DIR/standby" QUIT
await replica_is_gone
goes_on stopped
served_by_primary() { [ "$(metric 'replica_reads_total{pool="concert",answer="away"')" -gt "$away" ]; }
await served_by_primary
cmp_ok "$(metric 'replica_reads_total{pool="concert",answer="away"')" -gt "$away" "the replica stops in mid-load: the primary serves"
standby start "$TEST_DIR/standby"
await on_replica 'select 1'
await reaches concert_find /concert/802
pass "back again, it is used again"

finish stopped
is "$(failed stopped)" '' "and no read failed, of $(wc -l <"$TEST_DIR/answers.stopped")"

load frozen
goes_on frozen
standby signal "$TEST_DIR/standby" STOP
goes_on frozen
standby signal "$TEST_DIR/standby" CONT
await reaches concert_find /concert/802
pass "thawed, it is used again"
finish frozen
is "$(failed frozen)" '' "and no read failed, of $(wc -l <"$TEST_DIR/answers.frozen")"

# a write that is said to lag would be refused there; the primary takes it
token=$admin
request PATCH /concert/802 '{"artist":"마지막"}'
is "$status" 200 "writes go on as ever"

# promoted by mistake, it is no replica any more
on_replica 'select pg_promote()' >/dev/null
promoted() { [ "$(on_replica 'select pg_is_in_recovery()')" = f ]; }
await promoted
token=$member
unused() { local before; before=$(ran concert_find); fetch /concert/802; [ "$status" = 200 ] && [ "$(ran concert_find)" = "$before" ]; }
await unused
for _ in 1 2 3; do await unused; done
pass "a promoted replica is not read"
done_testing
