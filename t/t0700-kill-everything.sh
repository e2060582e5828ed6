#!/usr/bin/env bash
# kill -9 of a worker of every pool, again and again, while members read and buy: each is replaced, at
# most the request in its hands is lost and told so with 503, and what was answered stays true.
. "$(dirname "$0")/lib.sh"
need_rush
CM_LIMIT_TOKEN_RATE=1000000 start_instance
rounds=3 members=250
if [ -n "${CM_LONG:-}" ]; then
	rounds=40 members=4000
fi
pools=(auth member concert queue reservation payment ops)
member load@example.com
load_requests "$token" >"$TEST_DIR/requests"
rush_members "$((1000 + members))"
rush_concerts 805

workers() { pgrep -P "$(cat "$STATE/run/$1.pid")"; }
declare -A wanted
for pool in "${pools[@]}"; do wanted[$pool]=$(workers "$pool" | wc -l); done
# Gone, and as many as before: a killed one is still listed until its parent has looked.
replaced() { ! workers "$1" | grep -qx "$2" && [ "$(workers "$1" | wc -l)" = "${wanted[$1]}" ]; }

start_load reads "$TEST_DIR/requests" 4
rush "$TEST_DIR/history" concert=805 first-member=1001 \
	members="$members" first-seat=2001 seats=2000 group=4 cancel=10 abandon=5 connections=8 seed=3 \
	>"$TEST_DIR/summary" &
sale=$!
kills=0
for _ in $(seq "$rounds"); do
	for pool in "${pools[@]}"; do
		victim=$(workers "$pool" | shuf -n 1)
		kill -9 "$victim"
		kills=$((kills + 1))
		await replaced "$pool" "$victim"
	done
	loaded_more reads 60
done
pass "each of $kills killed workers is replaced, in every pool"
wait "$sale"
stop_load reads
diag "$(cat "$TEST_DIR/summary")"
bad=$(bad_answers reads | wc -l)
cmp_ok "$bad" -le "$kills" "at most the request in hand is lost ($bad of $(loaded reads), $kills kills)"
is "$(bad_answers reads | awk '$3 != 503' | head -3)" "" "and its caller is told by 503"
is "$(jq '[.[] | objects | to_entries[] | select(.key != "503" and (.key | tonumber) >= 500 or .key == "0") | .value] | add // 0' \
	"$TEST_DIR/summary")" 0 "buyers see nothing but 503 either"
lost=$(jq '[.[] | objects | .["503"] // 0] | add' "$TEST_DIR/summary")
cmp_ok "$lost" -le "$kills" "and no more of them than kills ($lost)"
request GET "$OPS_URL/metrics"
for pool in "${pools[@]}"; do
	is "$(awk -v s="cm_pool_restarts_total{pool=\"$pool\",reason=\"crash\"}" 'index($0, s) { print $NF }' <<<"$body")" \
		"$rounds" "$pool: each is counted"
done

await sale_is_quiet
ok "the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/history" "${REDIS_URL#unix://}"
done_testing
