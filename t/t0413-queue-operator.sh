#!/usr/bin/env bash
# What an operator sees and does beyond t0410: the clock of Redis set back and rebased, the age of the public summary,
# a checkpoint that a scrape doesn't take away, a queue that time has closed.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
start_instance
sign_tokens
patch() { # JSON
	as 1 ROLE_ADMIN
	request PATCH /concert/802/queue "$1"
}
number() { curl -s "$OPS_URL/metrics" | awk -v name="cm_queue_$1{concert=\"802\"}" '$1 == name { print $2 }'; }
state() { json .status; }

# --- the age of the summary ----------------------------------------------------------------------------------
as 451
request POST /concert/802/queue
is "$(state) $(number summary_age_seconds)" "ADMITTED -1" "nobody has asked for the summary yet"
curl -s -o /dev/null "$BASE_URL/concert/802/queue/audit"
is "$(number summary_age_seconds)" -1 "the audit is no summary"
request GET /concert/802/queue/now
cmp_ok "$(number summary_age_seconds)" -ge 0 "then it has an age"
aged() { [ "$(number summary_age_seconds)" -ge 2 ]; }
await aged
pass "it grows, whoever reads the gauges"
request GET /concert/802/queue/status
aged_still() { [ "$(number summary_age_seconds)" -ge 2 ]; }
ok "nor does asking for one's place make it younger" aged_still
younger() { curl -s -o /dev/null "$BASE_URL/concert/802/queue/now" && [ "$(number summary_age_seconds)" -le 1 ]; }
await younger
pass "reading the summary does"
# a scrape advances the queue as the summary does, but has no place to keep a checkpoint
as 452
request POST /concert/802/queue
for _ in 1 2 3 4 5; do number epoch >/dev/null; done
kept() {
	number epoch >/dev/null
	curl -s -o /dev/null "$BASE_URL/concert/802/queue/now"
	[ "$(sql "select tail from cm.queue_checkpoint where concert_id = 802")" = 2 ]
}
await kept
pass "checkpoints are kept beside a scrape"

# --- Redis' clock steps back ---------------------------------------------------------------------------------------
# Seen from the queue: the highest time it saw (the second number of its packed state) is ahead of TIME by a minute.
ahead() {
	python3 -c 'import struct, sys, time
sys.stdout.buffer.write(struct.pack("<d", (time.time() + 60) * 1e6))' | redis -x setrange 'cq:{802}' 8 >/dev/null
}
ahead
cmp_ok "$(number clock_back_ms)" -gt 50000 "the operator sees by how much"
as 453
request POST /concert/802/queue
ends=$(date -d "$(json .passExpiresAt)" +%s)
cmp_ok "$ends" -gt $(($(date +%s) + 210)) "turns are counted from the highest time seen"
patch '{"rebaseClock":false}'
is "$status" 200 "the verb that isn't given"
cmp_ok "$(number clock_back_ms)" -gt 50000 "changes nothing"
patch '{"rebaseClock":"yes"}'
is "$status $(json ".errors[0].field")" "400 rebaseClock" "a wrong value is refused, and the field is named"
as 453
request PATCH /concert/802/queue '{"rebaseClock":true}'
problem 403 admin-required "it is the operator's"
patch '{"rebaseClock":true}'
is "$status $(json .capacity)" "200 500" "rebased; nothing else changes"
is "$(number clock_back_ms)" 0 "the queue's clock is Redis' again"
as 453
request GET /concert/802/queue/status
is "$(state)" ADMITTED "who was inside is"
cmp_ok "$(date -d "$(json .passExpiresAt)" +%s)" -le $((ends - 55)) "for as long as before"

# --- closed by time --------------------------------------------------------------------------------------------------
sql "update cm.concert set reservation_close_at = now() - interval '1 second', reservation_open_at = now() - interval '1 hour'
	where id = 802" >/dev/null
closed() { request GET /concert/802/queue/now && [ "$(json .phase)" = closed ]; }
await closed
as 454
request POST /concert/802/queue
problem 410 queue-closed "nobody joins after the closing"
is "$(number phase)" 9 "the phase says so"
as 453
request GET /concert/802/queue/status
is "$(state)" ADMITTED "who is inside keeps the turn until it ends"
done_testing
