#!/usr/bin/env bash
# 300 members through HTTP: Redis is killed while they join and started again, then emptied while they wait.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 plays the members"
start_instance
sign_tokens
as 1 ROLE_ADMIN
request PATCH /concert/802/queue '{"capacity":20,"ratePerSecond":100,"windowSeconds":60,"livenessSeconds":120,"leaseSeconds":600,"rebuildSeconds":20,"reset":true}'
is "$status" 200 "20 inside"
python3 "$SOURCE_DIR/t/queue/loss_http.py" "$BASE_URL" "${REDIS_URL#unix://}" 802 --members 300 --capacity 20 \
	--pid "$STATE/run/redis.pid" --database "$DATABASE_URL" \
	--up "'$SOURCE_DIR/scripts/up' --state '$STATE' --build '$BUILD_DIR' --no-build --port 0" >"$TEST_DIR/loss" 2>&1
while IFS= read -r line; do
	case $line in
	ok:*) pass "${line#ok: }" ;;
	FAILED:*) fail "${line#FAILED: }" ;;
	*) diag "$line" ;;
	esac
done <"$TEST_DIR/loss"
is "$(grep -c '^ok:' "$TEST_DIR/loss")" 8 "all was checked"
token=$(python3 "$SOURCE_DIR/t/queue/access_token.py" 31001)
request POST /concert/802/queue
is "$status $(json .status)" "201 ADMITTED" "who comes now comes in"
cmp_ok "$(json .ticketNumber)" -ge 200000 "with a number that nobody can have had"
done_testing
