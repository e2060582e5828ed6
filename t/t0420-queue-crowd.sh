#!/usr/bin/env bash
# 2,000 members through HTTP with 50 inside and 100 a second; 100 of them walk away after joining. Then 400 who wait by
# the client rule, reading the summary that nginx keeps, buy 200 seats.
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

as 1 ROLE_ADMIN
request PATCH /concert/802/queue '{"reset":true,"capacity":20,"windowSeconds":60,"noticeSeconds":60}'
epoch=$(json .epoch)
rush_members 1400
summary=$(rush "$TEST_DIR/rush.json" queue=1 follow=1 concert=802 first-seat="$(sql "select min(id) from cm.seat
	where concert_id = 802")" seats=200 first-member=1001 members=400)
diag "$summary"
is "$(sql "select count(*) from cm.seat where concert_id = 802 and state = 'SOLD'")" 200 "all seats are sold"
is "$(redis hmget "cq:{802}:e$epoch:n" noshow passed late_in | tr -d '\n')" '' "nobody missed the call or was passed over"
is "$(jq -r '.join | keys | join(" ")' <<<"$summary") $(jq -r '.poll | keys | join(" ")' <<<"$summary")" "201 200" \
	"everybody had a place and an answer"
cmp_ok "$(jq '.now["200"] // 0' <<<"$summary")" -gt "$(jq '.poll["200"] // 0' <<<"$summary")" \
	"they read the summary and seldom asked for themselves"
done_testing
