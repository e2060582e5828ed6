#!/usr/bin/env bash
# What the waiting queue is over HTTP after Redis lost it: nothing that comes first makes an empty one of it.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
start_instance
sign_tokens
patch() { # CONCERT JSON
	as 1 ROLE_ADMIN
	request PATCH "/concert/$1/queue" "$2"
}
state() { json .status; }
info() { # CONCERT FIELD: of the state in Redis
	redis fcall_ro cm_queue_info 1 "cq:{$1}" | sed -n "/^$2\$/{n;p;}"
}
# checkpoint CONCERT TAIL: until it is stored.
checkpoint() {
	curl -s -o /dev/null "$BASE_URL/concert/$1/queue/now"
	[ "$(sql "select tail from cm.queue_checkpoint p join cm.concert c on c.id = p.concert_id and c.queue_epoch = p.epoch
		where c.id = $1")" = "$2" ]
}

# --- a scrape comes first ---
patch 802 '{"capacity":1,"ratePerSecond":100,"reset":true}'
for member in 101 102 103; do
	as "$member"
	request POST /concert/802/queue
done
receipt=$(json .ticket)
is "$(state) $(json .position)" "WAITING 2" "the third has two before it"
await checkpoint 802 3
redis flushall >/dev/null
curl -s -o /dev/null "$OPS_URL/metrics"
is "$(redis exists 'cq:{802}')" 0 "a scrape makes no empty queue of a lost one"
as 104
request POST /concert/802/queue
problem 503 queue-rebuilding "nobody gets a number that another has"
as 103
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $receipt"
is "$(state) $(json .ticketNumber)" "WAITING 2" "the number comes back"

# --- lost twice; who joins with a ticket has a place ---
patch 802 '{"reset":true,"rebuildSeconds":1}'
declare -A tickets=()
for member in 141 142 143 144; do
	as "$member"
	request POST /concert/802/queue
	tickets[$member]=$(json .ticket)
done
await checkpoint 802 4
redis flushall >/dev/null
open() { curl -s -o /dev/null "$BASE_URL/concert/802/queue/now" && [ "$(info 802 phase)" = 4 ]; }
await open
as 145
request POST /concert/802/queue
is "$(json .ticketNumber) $(json .position)" "200004 4" "a newcomer is behind the numbers that nobody has"
tickets[145]=$(json .ticket)
as 143
request POST /concert/802/queue '' -H "X-Queue-Ticket: ${tickets[143]}"
is "$status $(json .ticketNumber)" "200 2" "who joins again and shows a ticket has that place"
await checkpoint 802 200005
redis flushall >/dev/null
await open
is "$(curl -s "$BASE_URL/concert/802/queue/audit" >/dev/null; info 802 gap1_to)" 200004 "the gap outlives another loss"
as 145
request POST /concert/802/queue '' -H "X-Queue-Ticket: ${tickets[145]}"
is "$(json .ticketNumber) $(json .position)" "200004 4" "and nobody is put back by it"
request DELETE /concert/802/queue
request POST /concert/802/queue '' -H "X-Queue-Ticket: ${tickets[145]}"
is "$status $(json .ticketNumber)" "201 400005" "who has left takes a new number, also with the old ticket"
patch 802 '{"reset":true}'
as 145
request POST /concert/802/queue '' -H "X-Queue-Ticket: ${tickets[145]}"
is "$status $(json .ticketNumber)" "201 0" "and so does everybody after a reset"

# --- who has bought does not come in again ---
buyer() { # MEMBER: exists in PostgreSQL
	sql "insert into cm.member (id, name, email, email_key, password_hash)
		select $1, 'm', 'm$1@t.example', 'm$1@t.example', 'x'" >/dev/null
}
patch 802 '{"reset":true,"rebuildSeconds":600}'
buyer 111
as 111
request POST /concert/802/queue
used_ticket=$(json .ticket) used_pass=$(json .pass)
is "$(state)" ADMITTED "one is inside"
as 112
request POST /concert/802/queue
is "$(state)" WAITING "another waits"
as 111
request POST /reservation '{"concertId":802,"seatId":665}'
request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":true}"
is "$status" 201 "the first one buys"
as 112
inside() { request GET /concert/802/queue/status && [ "$(state)" = ADMITTED ]; }
await inside
receipt=$(json .ticket) pass=$(json .pass)
await checkpoint 802 2
redis flushall >/dev/null
buyer 112
seat() { sql "select max(id) from cm.seat where concert_id = 802 and state = 'AVAILABLE'"; }
as 111
request POST /reservation "{\"concertId\":802,\"seatId\":$(seat)}" -H "X-Queue-Pass: $used_pass"
problem 403 queue-pass-required "before anybody has begun to rebuild: a used pass is no pass"
as 112
request POST /reservation "{\"concertId\":802,\"seatId\":$(seat)}"
problem 403 queue-pass-required "nor is none"
request POST /reservation "{\"concertId\":802,\"seatId\":$(seat)}" -H "X-Queue-Pass: $pass"
is "$status" 201 "the pass of whoever was inside still is"
is "$(redis exists 'cq:{802}')" 0 "and no empty queue is made"
as 111
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $used_ticket" -H "X-Queue-Pass: $used_pass"
problem 503 queue-rebuilding "who has bought shows a used ticket and pass: nothing comes back"
request POST /concert/802/queue '' -H "X-Queue-Ticket: $used_ticket" -H "X-Queue-Pass: $used_pass"
problem 503 queue-rebuilding "nor by joining"
as 112
request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $receipt" -H "X-Queue-Pass: $pass"
is "$(state) $(json .ticketNumber)" "ADMITTED 1" "whoever was inside is inside again"

# --- lost within seconds of a lobby's opening: the draw stands ---
numbers() { # of the members of the lobby, who show their tickets
	local member
	for member in 121 122 123; do
		as "$member"
		request GET /concert/803/queue/status '' -H "X-Queue-Ticket: ${papers[$member]}"
		printf '%s ' "$(json .ticketNumber)"
	done
}
sql "update cm.concert set reservation_open_at = now() + interval '1 hour',
	queue_lobby_at = now() - interval '1 second', queue_epoch = queue_epoch + 1 where id = 803" >/dev/null
patch 803 '{"rebuildSeconds":1}'
declare -A papers=()
lobby() { request POST /concert/803/queue && [ "$(state)" = PRE_QUEUE ]; }
for member in 121 122 123; do
	as "$member"
	await lobby
	papers[$member]=$(json .ticket)
done
await checkpoint 803 3
is "$(sql "select max(lobby) from cm.queue_checkpoint where concert_id = 803")" -1 "a checkpoint of the lobby"
sql "update cm.concert set reservation_open_at = now() where id = 803" >/dev/null
drawn() { request GET /concert/803/queue/audit && [ "$(json .seed)" != null ]; }
await drawn
is "$(sql "select max(lobby) from cm.queue_checkpoint where concert_id = 803")" 3 "the draw makes another"
before=$(numbers)
like "$before" '^[0-2] [0-2] [0-2] $' "everybody has a number"
again() { # LOBBY TAIL: of the checkpoint there was at the loss
	sql "update cm.queue_checkpoint set lobby = $1, tail = $2 where concert_id = 803" >/dev/null
	redis flushall >/dev/null
	numbers >/dev/null
	opened() { numbers >/dev/null; [ "$(info 803 phase) $(info 803 seeded)" = "4 1" ]; }
	await opened
	is "$(numbers)" "$before" "lost with a checkpoint of lobby $1, tail $2: the same numbers"
	is "$(info 803 N)" 3 "and the same lobby"
}
again 3 3
again -1 3
again -1 2
sql "delete from cm.queue_checkpoint where concert_id = 803" >/dev/null
again 0 0

# --- a concert that closed days ago ---
sql "update cm.concert set reservation_open_at = now() - interval '3 days', queue_lobby_at = null,
	reservation_close_at = now() - interval '2 days', queue_epoch = queue_epoch + 1 where id = 803" >/dev/null
redis flushall >/dev/null
closed() { request GET /concert/803/queue/now && [ "$(json .phase)" = closed ]; }
await closed
cmp_ok "$(json '.serverTimeMs / 1000 | floor')" -gt 1000000000 "the summary of a concert closed for days has a time"
is "$(json .epoch)" "$(sql "select queue_epoch from cm.concert where id = 803")" "and its epoch"
as 131
request POST /concert/803/queue
problem 410 queue-closed "joining it"
request GET /concert/803/queue/status
is "$status $(state)" "200 NOT_IN_QUEUE" "or asking"
# --- PostgreSQL hangs: of those who look at a summary that isn't kept one asks, the others wait for its answer ---
summaries() { curl -s "$OPS_URL/metrics" | awk '$1 == "cm_queue_summaries_total{pool=\"queue\"}" { print $2 }'; }
as 112
request POST /concert/802/queue
before=$(summaries)
postmaster=$(cat "$STATE/run/pg.pid")
all=$(pgrep -P "$postmaster")
# shellcheck disable=SC2086
kill -STOP "$postmaster" $all
looks=()
for n in $(seq 20); do
	curl -s -I -o /dev/null -w '%{http_code}\n' "$BASE_URL/concert/802/queue/now" >"$TEST_DIR/look$n" &
	looks+=($!)
done
wait "${looks[@]}"
# shellcheck disable=SC2086
kill -CONT $all "$postmaster" 2>/dev/null
is "$(cat "$TEST_DIR"/look* | sort | uniq -c | tr -s ' ')" " 20 200" "all have the summary of what Redis knows"
cmp_ok $(($(summaries) - before)) -le 2 "which was made once (twice, if that took longest)"
done_testing
