#!/usr/bin/env bash
# Passes on POST /reservation: of another member, another concert, another use of the queue, altered, expired and
# used are 403 each, and each beside the same request that differs in just that and is 201. Twice: with Redis up but
# without the turn, which it lost with its last second (so that the pass is what counts), and with Redis away.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
start_instance
sign_tokens
patch() { # CONCERT JSON
	as 1 ROLE_ADMIN
	request PATCH "/concert/$1/queue" "$2"
	[ "$status" = 200 ] || bail "PATCH $2: $status $body"
}
sql "insert into cm.member (id, name, email, email_key, password_hash)
	select n, 'm', 'm' || n || '@example.com', 'm' || n || '@example.com', 'x' from generate_series(411, 429) n" >/dev/null
sql "update cm.concert set max_tickets_per_member = 8" >/dev/null

declare -A pass
enter() { # MEMBER [CONCERT]
	as "$1"
	request POST "/concert/${2:-802}/queue"
	pass[$1]=$(json .pass)
	[[ ${pass[$1]} == ey* ]] || bail "$1 was not admitted: $body"
}
# hold MEMBER [PASS [CONCERT]]: seats are the concert's last free ones, one after the other
hold() {
	local concert=${3:-802}
	as "$1"
	request POST /reservation "{\"concertId\":$concert,\"seatId\":$(sql "select max(id) from cm.seat
		where concert_id = $concert and state = 'AVAILABLE'")}" ${2:+-H "X-Queue-Pass: $2"}
	said="$status $(json .code)"
}
pay() { request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":true}"; }
taken="201 null" required="403 queue-pass-required" ended="403 queue-pass-expired"
epoch=1

# prepare BASE: BASE+1 inside, +2 inside of another concert, +3 whose turn is over, +4 who has bought, +5 not inside,
# +6 inside of the use of the queue before (its pass is there already)
prepare() {
	enter "$(($1 + 1))"
	enter "$(($1 + 2))" 803
	enter "$(($1 + 5))"
	request DELETE /concert/802/queue
	enter "$(($1 + 4))"
	hold "$(($1 + 4))" "${pass[$(($1 + 4))]}"
	is "$said" "$taken" "who is to have used the pass holds with it"
	pay
	is "$status" 201 "and pays"
	released() { [ "$(redis zscore "cq:{802}:e$epoch:l" "$1")" = '' ]; }
	await released "$(($1 + 4))"
	patch 802 '{"leaseSeconds":1}'
	enter "$(($1 + 3))"
	patch 802 '{"leaseSeconds":180}'
	as "$(($1 + 3))"
	turn_is_over() { request GET /concert/802/queue/status && [ "$(json .status)" = EXPIRED ]; }
	await turn_is_over
}
# six SETUP BASE
six() {
	local own=$(($2 + 1)) elsewhere=$(($2 + 2)) late=$(($2 + 3)) buyer=$(($2 + 4)) other=$(($2 + 5)) former=$(($2 + 6))
	hold "$other" "${pass[$own]}"
	is "$said" "$required" "$1: another member's pass"
	hold "$own" "${pass[$own]:0:-2}A${pass[$own]: -1}"
	is "$said" "$required" "$1: an altered one (its seal)"
	hold "$own" "${pass[$own]%%.*}.$(printf '%s' "${pass[$own]}" | cut -d. -f2 | tr 'A-Za-z' 'B-ZAb-za').${pass[$own]##*.}"
	is "$said" "$required" "$1: an altered one (what it says)"
	hold "$own"
	is "$said" "$required" "$1: none"
	hold "$own" "${pass[$own]}"
	is "$said" "$taken" "$1: the very pass, as it is, by its member is good"
	hold "$elsewhere" "${pass[$elsewhere]}"
	is "$said" "$required" "$1: another concert's"
	hold "$elsewhere" "${pass[$elsewhere]}" 803
	is "$said" "$taken" "$1: and good for its own"
	hold "$late" "${pass[$late]}"
	is "$said" "$ended" "$1: an expired one"
	hold "$buyer" "${pass[$buyer]}"
	is "$said" "$required" "$1: a used one"
	hold "$former" "${pass[$former]}"
	is "$said" "$required" "$1: one of an earlier use of the queue"
}
# lost MEMBER [CONCERT EPOCH]: as if the last second before a power failure was not on disk
lost() {
	redis zrem "cq:{${2:-802}}:e${3:-$epoch}:l" "$1" >/dev/null
	redis hdel "cq:{${2:-802}}:e${3:-$epoch}:g" "$1" >/dev/null
}

enter 416
hold 416 "${pass[416]}"
is "$said" "$taken" "good while that use of the queue lasts"
enter 426
patch 802 '{"reset":true}'
epoch=2
prepare 410
prepare 420

# --- Redis up, the turns lost -------------------------------------------------------------------------------
as 411
request GET /concert/802/queue/status
expires=$(json .passExpiresAt)
lost 411
lost 412 803 1
six "Redis up" 410
is "$(redis zcard "cq:{802}:e2:l")" 2 "no other turn came of it"
as 411
request GET /concert/802/queue/status
is "$(json .status)" ADMITTED "the good pass put the turn back"
cmp_ok "$(date -d "$(json .passExpiresAt)" +%s)" -ge "$(date -d "$expires" +%s)" "with the end it had, or the hold's"
enter 416
hold 416 "${pass[416]}"
is "$said" "$taken" "who joins again is inside again"

# --- Redis away ------------------------------------------------------------------------------------------------
kill -9 "$(cat "$STATE/run/redis.pid")"
gone() { ! redis ping; }
await gone
six "Redis away" 420
sql "update cm.concert set queue_epoch = 1 where id = 802" >/dev/null
hold 426 "${pass[426]}"
is "$said" "$taken" "the earlier one is good in its own use of the queue"
sql "update cm.concert set queue_epoch = 2 where id = 802" >/dev/null
hold 421 "${pass[421]}"
is "$said" "$taken" "a pass is good until it was paid with"
pay
is "$status" 201 "paying without Redis"
hold 421 "${pass[421]}"
is "$said" "$required" "then it is used at once, Redis or not"

up || bail "Redis did not come back"
bought_and_gone() {
	as 421
	request GET /concert/802/queue/status && [ "$(json .status)" = NOT_IN_QUEUE ]
}
await bought_and_gone
pass "when Redis is back the buyer's turn is ended there, too"
hold 421 "${pass[421]}"
is "$said" "$required" "and the used pass does not bring it back"
enter 421
hold 421
is "$said" "$taken" "only joining again does"
done_testing
