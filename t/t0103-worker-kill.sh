#!/usr/bin/env bash
# kill -9 of workers under load: replaced; at most the requests in hand fail.
. "$(dirname "$0")/lib.sh"
start_instance
member load@example.com

pool=$(cat "$STATE/run/concert.pid")
workers() { pgrep -P "$pool" | wc -l; }
wanted=$(workers)
cmp_ok "$wanted" -ge 2 "the pool has workers"

# three clients in a row of requests each; a line an answer
for client in 1 2 3; do
	(
		while [ ! -e "$TEST_DIR/stop" ]; do
			curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $token" "$BASE_URL/seat/665"
		done >"$TEST_DIR/answers$client"
	) &
	clients[client]=$!
done
answers() { cat "$TEST_DIR"/answers* | wc -l; }
more() { [ "$(answers)" -gt "$1" ]; }
await more 50
kills=5
for _ in $(seq $kills); do
	victim=$(pgrep -P "$pool" | shuf -n 1)
	kill -9 "$victim"
	replaced() { ! kill -0 "$victim" 2>/dev/null && [ "$(workers)" = "$wanted" ]; }
	await replaced
	await more $(( $(answers) + 30 ))
done
pass "each killed worker is replaced"
touch "$TEST_DIR/stop"
wait "${clients[@]}"
bad=$(cat "$TEST_DIR"/answers* | grep -cv '^200$')
cmp_ok "$bad" -le "$kills" "at most the request in hand fails ($bad of $(answers))"
is "$(cat "$TEST_DIR"/answers* | grep -v -e '^200$' -e '^503$' | head -3)" "" "and that with 503"
is "$(cat "$STATE/run/concert.pid")" "$pool" "the parent lives on"
kill -0 "$pool" && pass "as the same process"

request GET "$OPS_URL/metrics"
like "$body" 'cm_[a-z_]*restart[a-z_]*\{[^}]*concert[^}]*\} [1-9]' "metrics count the restarts"

# A roll under load loses nothing.
rm -f "$TEST_DIR/stop" "$TEST_DIR"/answers*
(
	while [ ! -e "$TEST_DIR/stop" ]; do
		curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $token" "$BASE_URL/seat/665"
	done >"$TEST_DIR/answers1"
) &
client=$!
await more 20
old=$(pgrep -P "$pool" | sort | head -"$wanted")
kill -HUP "$pool"
rolled() {
	local pid
	for pid in $old; do ! pgrep -P "$pool" | grep -qx "$pid" || return 1; done
	[ "$(workers)" = "$wanted" ]
}
await rolled
await more $(( $(answers) + 20 ))
touch "$TEST_DIR/stop"
wait "$client"
is "$(grep -cv '^200$' "$TEST_DIR/answers1")" 0 "SIGHUP rolls the pool without a failed request"
done_testing
