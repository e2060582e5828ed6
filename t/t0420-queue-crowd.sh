#!/usr/bin/env bash
# 2,000 members through HTTP with 50 inside and 100 a second; 100 of them walk away after joining.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 plays the crowd"
start_instance
sign_tokens
as 1 ROLE_ADMIN
request PATCH /concert/802/queue '{"capacity":50,"ratePerSecond":100,"burst":100,"reset":true}'
is "$status" 200 "50 inside, 100 a second"
python3 "$SOURCE_DIR/t/queue/crowd_http.py" "$BASE_URL" "${REDIS_URL#unix://}" 802 \
	--members 2000 --capacity 50 --rate 100 >"$TEST_DIR/crowd" 2>&1
while IFS= read -r line; do
	case $line in
	ok:*) pass "${line#ok: }" ;;
	FAILED:*) fail "${line#FAILED: }" ;;
	*) diag "$line" ;;
	esac
done <"$TEST_DIR/crowd"
is "$(grep -c '^ok:' "$TEST_DIR/crowd")" 7 "all was checked"
request GET /concert/802/queue/now
is "$(json '.tail')" 2000 "2,000 numbers"
done_testing
