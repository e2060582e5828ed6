#!/usr/bin/env bash
# The waiting queue over HTTP: the states, the operator's side, lobby and draw, passes, what is refused.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
start_instance
sign_tokens
patch() { # CONCERT JSON
	as 1 ROLE_ADMIN
	request PATCH "/concert/$1/queue" "$2"
}
state() { json .status; }

# --- a lone visitor ---
as 101
request GET /concert/802/queue/status
is "$status $(state)" "200 NOT_IN_QUEUE" "before joining"
request POST /concert/802/queue
is "$status $(state) $(json .ticketNumber)" "201 ADMITTED 0" "a lone visitor is admitted by the very join"
like "$(json .pass)" '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$' "with a pass"
like "$(json .passExpiresAt)" '\+09:00$' "that ends"
pass101=$(json .pass)
ticket101=$(json .ticket)
request POST /concert/802/queue
is "$status $(state) $(json .ticketNumber)" "200 ADMITTED 0" "joining again changes nothing"
request DELETE /concert/802/queue
is "$status" 204 "leaving"
request GET /concert/802/queue/status
is "$(state)" NOT_IN_QUEUE "after leaving"
request POST /reservation '{"concertId":802,"seatId":665}'
problem 403 queue-pass-required "no seat without a place"
request POST /reservation '{"concertId":802,"seatId":665}' -H "X-Queue-Pass: $pass101"
problem 403 queue-pass-required "nor with a pass whose turn was given back"
token=
request POST /concert/802/queue
problem 401 token-required "joining needs a token"
request GET /concert/802/queue/now
is "$status $(json .phase)" "200 open" "the summary needs none"
is "$(header Cache-Control)" "public, max-age=1, stale-while-revalidate=4" "and may be kept a second"
# number NAME[{LABELS}]: of the operator's gauges
number() { curl -s "$OPS_URL/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
is "$(number 'cm_queue_waiting{concert="802"}') $(number 'cm_queue_epoch{concert="802"}')" "0 1" \
	"the operator sees how many wait, and in which use of the queue"
is "$(number 'cm_queue_capacity{concert="802"}') $(number 'cm_queue_capacity_effective{concert="802"}')" "500 400" \
	"200 free seats let in twice as many at most"
is "$(number 'cm_queue_eta_tail_seconds{concert="802"}')" 0 "no wait for who would join now"
cmp_ok "$(number cm_redis_function_calls_total)" -ge 5 "how often Redis ran our functions"
like "$(number cm_redis_function_seconds_total)" '^[0-9]+\.[0-9]{6}$' "and how long"
is "$(number 'cm_queue_wait_seconds_count{pool="queue"}')" 1 "one was admitted and counted by the wait"

# --- a full house: the slot goes on at once ---
patch 802 '{"capacity":1,"ratePerSecond":100,"message":"잠시만 기다려 주세요"}'
is "$status $(json .capacity) $(json .ratePerSecond)" "200 1 100" "the operator sets capacity and rate"
for member in 111 112 113; do
	as $member
	request POST /concert/802/queue
done
is "$(state) $(json .position) $(json .ticketNumber)" "WAITING 2 3" "the third is second in line"
cmp_ok "$(json .pollAfterSeconds)" -ge 1 "and told when to come again"
is "$(header Retry-After)" "$(json .pollAfterSeconds)" "in the header too"
as 111
request DELETE /concert/802/queue
as 112
request GET /concert/802/queue/status
is "$(state)" ADMITTED "who leaves hands the slot on"
as 113
request GET /concert/802/queue/status
is "$(state) $(json .position)" "WAITING 1" "the other moves up"
request GET /concert/802/queue/now
summary_message() { request GET /concert/802/queue/now && [ "$(json .message)" = '잠시만 기다려 주세요' ]; }
await summary_message
pass "the operator's word is in the summary"

# --- pause, drain, close, none, reset ---
patch 802 '{"paused":true}'
as 112
request DELETE /concert/802/queue
as 113
request GET /concert/802/queue/status
is "$(state)" WAITING "paused: nobody is admitted"
patch 802 '{"paused":false}'
as 113
request GET /concert/802/queue/status
is "$(state)" ADMITTED "resumed: the next one is"
patch 802 '{"state":"drain"}'
as 114
request POST /concert/802/queue
problem 410 queue-closed "drained: no new places"
refused() { number "cm_queue_refused_total{pool=\"queue\",reason=\"$1\"}"; }
is "$(refused closed) $(refused soldout)" "1 0" "a refusal is counted by its reason"
patch 802 '{"paused":true}'
as 114
request POST /concert/802/queue
problem 410 queue-closed "a pause while it drains lets nobody in"
patch 802 '{"paused":false}'
patch 802 '{"state":"closed"}'
request POST /concert/802/queue
problem 410 queue-closed "closed"
patch 802 '{"state":"open","reset":true,"capacity":500}'
is "$(json .epoch)" 2 "a reset begins another epoch"
as 113
request GET /concert/802/queue/status
is "$(state)" NOT_IN_QUEUE "in which everybody starts again"
patch 802 '{"mode":"none"}'
as 115
request POST /reservation '{"concertId":802,"seatId":666}'
is "$status" 201 "without a queue no pass is needed"
patch 802 '{"mode":"on"}'
for bad in '{"ratePerSecond":0}' '{"ratePerSecond":-5}' '{"ratePerSecond":1e9}' '{"capacity":0}' '{"capacity":"many"}' \
	'{"mode":"maybe"}' '{"windowSeconds":1}' '{"message":7}' '{"state":"shut"}' '{"proofOfWorkBits":99}'; do
	patch 802 "$bad"
	problem 400 bad-input "refused: $bad"
done
patch 802 '{"stateNumber":2}'
is "$status $(json .state) $(json .stateNumber)" "200 open null" "state has one name; another is no field"
as 116
request PATCH /concert/802/queue '{"capacity":5}'
problem 403 admin-required "a member may not"
patch 99999 '{"capacity":5}'
problem 404 concert-not-found "nor an operator for no concert"
as 116
request POST /concert/99999/queue
problem 404 concert-not-found "no concert, no queue"
request POST /concert/9007199254740993/queue
is "$status" 400 "an id out of range"
request PUT /concert/802/queue
is "$status $(header Allow)" "405 POST, PATCH, DELETE, OPTIONS" "another method"

# --- what is refused names its field; a cancelled concert has no queue ---
for bad in 'capacity:99999999' 'capacity:-1' 'capacity:1.5' 'ratePerSecond:100001' 'windowSeconds:601' 'burst:-1' \
	'overbookPercent:99' 'noticeSeconds:9' 'livenessSeconds:39' 'expectedMembers:99999999' 'paused:"yes"' \
	'lobbyAt:"soon"' 'reset:1'; do
	patch 802 "{\"${bad%%:*}\":${bad#*:}}"
	is "$status $(json ".errors[0].field")" "400 ${bad%%:*}" "refused, and the field is named: $bad"
done
patch 802 '{"message":"'"$(printf 'x%.0s' $(seq 501))"'"}'
is "$status $(json ".errors[0].field")" "400 message" "a message has a longest length"
as 1 ROLE_ADMIN
request DELETE /concert/805
is "$status $(json .status)" "200 CANCELLED" "a concert is cancelled"
as 119
cancelled() { request POST /concert/805/queue && [ "$status" = 410 ]; }
await cancelled
problem 410 queue-closed "nobody joins the queue of a cancelled concert"

# --- proof of work ---
patch 802 '{"proofOfWorkBits":8}'
as 117
request POST /concert/802/queue
problem 428 proof-of-work-required "a challenge comes first"
challenge=$(json .challenge)
work=$(python3 -c 'import hashlib, sys
n = 0
while hashlib.sha256(("%s:%d" % (sys.argv[1], n)).encode()).digest()[0]: n += 1
print("%s:%d" % (sys.argv[1], n))' "$challenge")
as 118
request POST /concert/802/queue '' -H "X-Queue-Work: $work"
problem 428 proof-of-work-required "another's work doesn't count"
as 117
request POST /concert/802/queue '' -H "X-Queue-Work: $work"
is "$status" 201 "one's own does"
patch 802 '{"proofOfWorkBits":0}'

# --- lobby, draw, audit ---
opens() { # CONCERT SECONDS
	sql "update cm.concert set reservation_open_at = now() + interval '$2 seconds', queue_lobby_at = now() - interval '1 second',
		queue_epoch = queue_epoch + 1 where id = $1" >/dev/null
}
sql "update cm.concert set reservation_open_at = now() + interval '1 hour', queue_lobby_at = now() + interval '30 minutes',
	queue_epoch = queue_epoch + 1 where id = 803" >/dev/null
as 201
not_open() { request POST /concert/803/queue && [ "$status" = 409 ]; }
await not_open
problem 409 queue-not-open "before the lobby opens"
like "$(header Retry-After)" '^[0-9]+$' "come again"
opens 803 3600
lobby() { request POST /concert/803/queue && [ "$(state)" = PRE_QUEUE ]; }
await lobby
is "$status $(json .position) $(json .ticketNumber) $(json .lobbyIndex)" "201 null null 0" "in the lobby nobody has a number yet"
request GET /concert/803/queue/audit
commitment=$(json .commitment)
request GET /concert/803/queue/now
is "$(json .phase) $(header Cache-Control)" "lobby public, max-age=5, stale-while-revalidate=4" "the summary of a lobby is kept longer"
like "$commitment" '^[0-9a-f]{64}$' "the commitment is public before the draw"
is "$(json .secret) $(json .seed)" "null null" "the secret isn't"
for member in $(seq 202 220); do
	as "$member"
	request POST /concert/803/queue
done
is "$(json .lobbyIndex)" 19 "twenty in the lobby"
lobby_ticket=$(json .ticket)
sql "update cm.concert set reservation_open_at = now() where id = 803" >/dev/null
drawn() { request GET /concert/803/queue/audit && [ "$(json .seed)" != null ]; }
await drawn
is "$(json .participants) $(json .commitment)" "20 $commitment" "drawn among those in the lobby, as committed"
ok "scripts/audit-draw recomputes it" "$SOURCE_DIR/scripts/audit-draw" 803 --url "$BASE_URL" --commitment "$commitment" --all
"$SOURCE_DIR/scripts/audit-draw" 803 --url "$BASE_URL" --all >"$TEST_DIR/draw"
right=0
for member in $(seq 201 220); do
	as "$member"
	request GET /concert/803/queue/status
	grep -q "^place $((member - 201)) -> ticket $(json .ticketNumber)$" "$TEST_DIR/draw" && right=$((right + 1))
done
is "$right" 20 "everybody has the number that anyone can compute"
ok "a wrong commitment is noticed" test "$("$SOURCE_DIR/scripts/audit-draw" 803 --url "$BASE_URL" --commitment 00 | grep -c WRONG)" = 1
patch 803 '{"minimumAccountAgeSeconds":3600}'
opens 803 600
as "$(sql "select id from cm.member order by id desc limit 1")"
sql "update cm.member set created_at = now()" >/dev/null
too_new() { request POST /concert/803/queue && [ "$status" = 403 ]; }
await too_new
problem 403 account-too-new "the draw is for accounts made before"

# --- loss of Redis: signed tickets and passes ---
patch 802 '{"reset":true,"capacity":500,"rebuildSeconds":600}'
as 301
request POST /concert/802/queue
inside=$(json .pass) receipt=$(json .ticket) number=$(json .ticketNumber)
as 302
request POST /concert/802/queue
token302=$token
checkpoint() {
	curl -s -o /dev/null "$BASE_URL/concert/802/queue/now"
	[ "$(sql "select count(*) from cm.queue_checkpoint where concert_id = 802 and epoch = (select queue_epoch from cm.concert where id = 802)")" = 1 ]
}
await checkpoint
redis flushdb >/dev/null
token=$token302
request GET /concert/802/queue/status
problem 503 queue-rebuilding "emptied: who shows nothing waits"
like "$(header Retry-After)" '^[0-9]+$' "and is told how long"
as 301
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $receipt" -H "X-Queue-Pass: $inside"
is "$status $(state) $(json .ticketNumber)" "200 ADMITTED $number" "ticket and pass put the place back, lease and all"
as 303
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $receipt"
problem 503 queue-rebuilding "another's ticket doesn't"
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: x$receipt"
problem 503 queue-rebuilding "nor an altered one"
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $ticket101"
problem 503 queue-rebuilding "nor one of another epoch"
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $lobby_ticket"
problem 503 queue-rebuilding "nor one of another concert"

kill -9 "$(cat "$STATE/run/redis.pid")"
gone() { ! redis ping; }
await gone
as 301
request POST /concert/802/queue
is "$status" 503 "without Redis nobody joins"
like "$(header Retry-After)" '^[0-9]+$' "and is told when to try again"
seat=$(sql "select id from cm.seat where concert_id = 802 and id > 670 order by id limit 1")
request POST /reservation "{\"concertId\":802,\"seatId\":$seat}"
problem 403 queue-pass-required "without Redis a pass is needed"
request POST /reservation "{\"concertId\":802,\"seatId\":$seat}" -H "X-Queue-Pass: ${inside}x"
problem 403 queue-pass-required "a real one"
as 302
request POST /reservation "{\"concertId\":802,\"seatId\":$seat}" -H "X-Queue-Pass: $inside"
problem 403 queue-pass-required "of one's own"
as 301
sql "update cm.concert set queue_epoch = queue_epoch + 1 where id = 802" >/dev/null
request POST /reservation "{\"concertId\":802,\"seatId\":$seat}" -H "X-Queue-Pass: $inside"
problem 403 queue-pass-required "of this use of the queue"
sql "update cm.concert set queue_epoch = queue_epoch - 1 where id = 802" >/dev/null
request POST /reservation "{\"concertId\":803,\"seatId\":1}" -H "X-Queue-Pass: $inside"
problem 403 queue-pass-required "for this concert"
sql "insert into cm.member (id, name, email, email_key, password_hash) select 301, 'm', 'm301@t.example', 'm301@t.example', 'x'
	where not exists (select from cm.member where id = 301)" >/dev/null 2>&1
request POST /reservation "{\"concertId\":802,\"seatId\":$seat}" -H "X-Queue-Pass: $inside"
is "$status" 201 "then the seat is PostgreSQL's to give"
request GET /concert/802/queue/now
is "$status" 200 "the last summary is still served"
done_testing
