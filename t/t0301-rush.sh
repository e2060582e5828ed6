#!/usr/bin/env bash
# One seat and many contenders: one has it, everybody else is told so at once; and in the end when Redis
# is killed while they ask. CM_LONG=1: 1,000 contenders, 20 times each.
. "$(dirname "$0")/lib.sh"
need_rush
start_instance
contenders=200 rounds=2
[ -z "${CM_LONG:-}" ] || contenders=1000 rounds=20
rush_members "$((1000 + contenders))"
sql "update cm.concert set queue_mode = 'none' where id = 803" >/dev/null
contend() { # NAME SEAT: sets summary
	summary=$(rush "$TEST_DIR/$1.json" concert=803 one-seat=1 first-seat="$2" first-member=1001 \
		members="$contenders" connections="$contenders" abandon=100 seed="$2") || bail "rush $1 failed"
}
count() { jq -r "$1 // 0" <<<"$summary"; }
verified() {
	ok "$1: the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/$2.json" "${REDIS_URL#unix://}"
}

for round in $(seq "$rounds"); do
	contend "one-$round" $((1000 + round))
	is "$(count '.hold."201"') $(count '.hold."409"')" "1 $((contenders - 1))" \
		"round $round: one of $contenders has the seat, the others are told at once"
done
verified "one seat" "one-$rounds"

# What was answered 503 meanwhile is asked again under the same key.
asked() { [ -s "$1" ]; }
kill_redis() {
	await asked "$1"
	kill -9 "$(cat "$STATE/run/redis.pid")"
}
for round in $(seq "$rounds"); do
	kill_redis "$TEST_DIR/without-$round.json" &
	killer=$!
	contend "without-$round" $((1100 + round))
	wait "$killer"
	diag "$summary"
	is "$(count '.hold."201"') $(count '.hold."409"')" "1 $((contenders - 1))" \
		"round $round, Redis killed in the middle: one has the seat, every other is told so in the end"
	ok "round $round: Redis is started again" up
done
verified "Redis killed" "without-$rounds"
done_testing
