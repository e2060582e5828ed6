#!/usr/bin/env bash
# What an operator or organiser changes of a queue is in force when the answer comes, and stays.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
# one: the worker that is asked is the one that remembers
CM_POOL_QUEUE_WORKERS=1 start_instance
sign_tokens
state() { json .status; }
# info CONCERT NAME: of the queue's state and settings in Redis
info() { redis fcall_ro cm_queue_info 1 "cq:{$1}" | awk -v name="$2" 'found { print; exit } $0 == name { found = 1 }'; }
organise() { # CONCERT JSON
	as 1 ROLE_ADMIN
	request PATCH "/concert/$1" "$2"
}

# --- the concert's own PATCH and DELETE: the gate shuts with the answer ---
seat=$(sql "select min(id) from cm.seat where concert_id = 804")
organise 804 '{"queue":{"mode":"none"}}'
request GET /concert/804/queue/now
is "$(json .phase) $(info 804 gate)" "none 0" "without a queue the gate is open"
organise 804 '{"queue":{"mode":"on"}}'
is "$status $(json .queue.mode)" "200 on" "the organiser wants a queue"
as 101
request POST /reservation "{\"concertId\":804,\"seatId\":$seat}"
problem 403 queue-pass-required "and nobody holds a seat without a pass from then on"
organise 804 '{"queue":{"ratePerSecond":7,"capacity":9}}'
is "$(info 804 rate) $(info 804 capacity)" "7 9" "rate and capacity are in force"
as 101
request POST /concert/805/queue
is "$status" 201 "a place in the queue of a concert"
as 1 ROLE_ADMIN
request DELETE /concert/805
is "$status $(state)" "200 CANCELLED" "that is cancelled"
as 102
request POST /concert/805/queue
problem 410 queue-closed "is the last one"

# --- the draw is committed to when the lobby is announced, not when its first visitor comes ---
commitments() { sql "select count(*) from cm.queue_draw where concert_id = $1"; }
new_concert() { # STATUS QUEUE
	as 1 ROLE_ADMIN
	request POST /concert "{\"title\":\"t\",\"place\":\"h\",\"dateTime\":\"2099-02-01T19:00\",\"status\":\"$1\",
		\"reservationOpenAt\":\"2099-01-01T19:00\",\"queue\":$2,\"grades\":[{\"name\":\"R\",\"price\":1000,
		\"sections\":[{\"rows\":[{\"label\":\"A\",\"from\":1,\"to\":3}]}]}]}"
	concert=$(json .id)
}
lobby='{"mode":"on","lobbyAt":"2099-01-01T18:00"}'
new_concert PUBLISHED "$lobby"
is "$status $(commitments "$concert")" "201 1" "a concert made with a lobby: committed to"
token=
request GET "/concert/$concert/queue/now"
is "$(json .commit)" "$(sql "select encode(commitment, 'hex') from cm.queue_draw where concert_id = $concert")" "and published"
new_concert PUBLISHED '{"mode":"on"}'
is "$status $(commitments "$concert")" "201 0" "without a lobby there is nothing to draw"
organise "$concert" "{\"queue\":$lobby}"
is "$status $(commitments "$concert")" "200 1" "a lobby added later"
new_concert DRAFT "$lobby"
is "$status $(commitments "$concert")" "201 0" "a draft isn't public"
organise "$concert" '{"status":"PUBLISHED"}'
is "$status $(commitments "$concert")" "200 1" "until it is published"

# --- a reading of the database that comes late undoes nothing ---
tell() { redis fcall cm_queue_now 1 'cq:{77}' 1 "$@" >/dev/null; } # NAME VALUE...
tell version 5 capacity 7 free 10
tell version 6 capacity 8 free 9
tell version 5 capacity 7 free 10
is "$(info 77 capacity) $(info 77 free)" "8 9" "an older reading is ignored"
tell version 6 capacity 8 free 5
is "$(info 77 capacity) $(info 77 free)" "8 5" "the same version again tells of seats"
tell version 7 capacity 9
is "$(info 77 capacity)" 9 "a newer one counts"
tell clock $(($(date +%s) + 61))000000 version 4 capacity 3
is "$(info 77 capacity)" 3 "a minute later an older one is a database that was put back"
redis eval "redis.call('SET', KEYS[1], string.sub(redis.call('GET', KEYS[1]), 1, 160))" 1 'cq:{77}:f' >/dev/null
is "$(info 77 capacity) $(info 77 version)" "3 0" "settings stored by an older library can be read"
redis del 'cq:{77}' 'cq:{77}:f' >/dev/null

# --- what a join adds to the draw is the server's own ---
new_concert PUBLISHED '{"mode":"on","lobbyAt":"2020-01-01T18:00"}'
as 103
request POST "/concert/$concert/queue" '' -H 'X-Request-Id: mine'
is "$status $(state) $(json .lobbyIndex)" "201 PRE_QUEUE 0" "the first in a lobby"
tag=$(python3 - "$concert" 103 <<'END'
import base64, hashlib, hmac, os, sys
kid, _, key = os.environ["CM_TOKEN_KEYS"].split()[0].partition(":")
b64 = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
text = "%s.%s" % (b64(b'{"alg":"HS256","kid":"%s","typ":"qm"}' % kid.encode()),
                  b64(b'{"c":%s,"m":%s,"e":0,"n":0,"k":0,"iat":0,"exp":0}' % (sys.argv[1].encode(), sys.argv[2].encode())))
sealed = text + "." + b64(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest())
print(hashlib.sha256(sealed.encode()).hexdigest()[:16])
END
)
sha1() { printf '%s' "$1" | sha1sum | cut -d' ' -f1; }
is "$(redis hget "cq:{$concert}:e1:a" transcript)" "$(sha1 "${tag}0")" "the transcript takes a mark of the member made with the server's key, nothing the client sent"

# --- the very opening: whoever comes between the lobby's end and the draw brings the draw about ---
new_concert PUBLISHED '{"mode":"on","lobbyAt":"2020-01-01T18:00"}'
as 104
request POST "/concert/$concert/queue"
is "$(state)" PRE_QUEUE "one in the lobby"
as 105
# the time comes in both stores, and no worker has looked since
sql "update cm.concert set reservation_open_at = now() - interval '1 second' where id = $concert" >/dev/null
frozen=$(redis fcall cm_queue_now 1 "cq:{$concert}" 1 open_at 1000 | sed -n 3p)
request POST "/concert/$concert/queue"
is "$frozen $status $(json .ticketNumber)" "3 201 1" "a join in the phase drawing is no refusal"

# no seat is free at the opening
new_concert PUBLISHED '{"mode":"on","lobbyAt":"2020-01-01T18:00"}'
as 105
request POST "/concert/$concert/queue"
sql "update cm.seat_counter set held = available, available = 0 where concert_id = $concert;
	update cm.concert set reservation_open_at = now() - interval '1 second' where id = $concert" >/dev/null
numbered() { request GET "/concert/$concert/queue/status" && [ "$(json .ticketNumber)" = 0 ]; }
await numbered
request GET "/concert/$concert/queue/audit"
like "$(state) $(json .seed)" '^null [0-9a-f]{64}$' "numbers are drawn when no seat is free, too"

# --- the beacon: its source named before the first join, its value given once the lobby is closed ---
operate() { # CONCERT JSON
	as 1 ROLE_ADMIN
	request PATCH "/concert/$1/queue" "$2"
}
audit() { request GET "/concert/$concert/queue/audit"; }
refused() { is "$status $(json '.errors[0].field')" "400 $1" "$2"; }
new_concert PUBLISHED '{"mode":"on"}'
operate "$concert" '{"beaconSource":"drand quicknet 4242"}'
refused beaconSource "without a lobby there is nothing to name a beacon for"
operate "$concert" '{"lobbyAt":"2020-01-01T18:00","beaconSource":"drand quicknet 4242"}'
is "$status" 200 "lobby and source in one change"
audit
is "$(json .beaconSource) $(json .beacon)" "drand quicknet 4242 null" "the source is public at once"
like "$(json .committedAt) $(json .beaconNamedAt)" '^20[^ ]* 20[^ ]*$' "and since when"
operate "$concert" '{"beaconSource":"drand quicknet 4243"}'
refused beaconSource "it is named once"
operate "$concert" '{"beacon":"f00d","capacity":77}'
refused beacon "a value before the lobby is closed could be chosen"
is "$(sql "select queue_capacity from cm.concert where id = $concert")" 500 "nothing of a refused change is stored"
as 106
request POST "/concert/$concert/queue"
sql "update cm.concert set reservation_open_at = now() - interval '1 second' where id = $concert" >/dev/null
drawing() { request GET "/concert/$concert/queue/now" && [ "$(json .phase)" = drawing ]; }
await drawing
audit
is "$(json .participants) $(json .seed)" "1 null" "the lobby is closed, and the draw waits for the beacon"
is "$(json .transcript)" "$(redis hget "cq:{$concert}:e1:a" transcript)" "what it will be mixed with is public"
as 107
request POST "/concert/$concert/queue"
is "$status $(json .code) $(header Retry-After)" "409 queue-not-open 1" "who joins meanwhile is told to come again"
operate "$concert" '{"beacon":"f00d"}'
is "$status" 200 "the value is given"
audit
is "$(json .beacon) $(json .participants)" "f00d 1" "and published"
like "$(json .seed) $(json .beaconAt) $(json .drawnAt)" '^[0-9a-f]{64} 20[^ ]* 20[^ ]*$' "with the draw, and when"
is "$("$SOURCE_DIR/scripts/audit-draw" "$concert" --url "$BASE_URL" | grep -c '^ok')" 5 "anybody can recompute it, and that the source was named before"
operate "$concert" '{"beacon":"cafe"}'
refused beacon "a beacon is given once"
source=$(printf '가%.0s' $(seq 200))
operate "$concert" "{\"reset\":true,\"beaconSource\":\"$source\"}"
request GET "/concert/$concert/queue/audit"
is "$(json .beaconSource)" "$source" "a source may be as long as in English in any language"
operate "$concert" '{"reset":true,"beaconSource":"drand quicknet 5000"}'
audit
is "$status $(json .epoch) $(json .beaconSource)" "200 3 drand quicknet 5000" "a new use of the queue has its own"
new_concert PUBLISHED '{"mode":"on","lobbyAt":"2020-01-01T18:00"}'
as 108
request POST "/concert/$concert/queue"
operate "$concert" '{"beaconSource":"drand quicknet 4242"}'
refused beaconSource "not after the first join"

ok "audit-draw believes no server that lies" python3 "$SOURCE_DIR/t/queue/lying_server.py"

# --- a worker keeps the settings of many queues, whatever their ids ---
new_concert PUBLISHED '{"mode":"on"}'
one=$concert
sql "select setval(pg_get_serial_sequence('cm.concert', 'id'), $one + 63)" >/dev/null
new_concert PUBLISHED '{"mode":"on"}'
is $((concert - one)) 64 "two concerts whose ids are 64 apart"
calls() { redis info commandstats | sed -n 's/^cmdstat_fcall:calls=\([0-9]*\).*/\1/p'; }
as 109
both() { # TIMES
	local urls=()
	for _ in $(seq "$1"); do urls+=("$BASE_URL/concert/$one/queue/status" "$BASE_URL/concert/$concert/queue/status"); done
	curl -s -H "Authorization: Bearer $token" "${urls[@]}" >/dev/null
}
both 10
before=$(calls)
both 100
cmp_ok $(($(calls) - before)) -lt 300 "200 questions by turns, about one call each"

# --- a lobby nobody entered owes its secret, too ---
draw() { "$SOURCE_DIR/scripts/audit-draw" "$concert" --url "$BASE_URL" "$@"; }
new_concert PUBLISHED '{"mode":"on","lobbyAt":"2020-01-01T18:00"}'
audit
commitment=$(json .commitment)
sql "update cm.concert set reservation_open_at = now() - interval '1 second' where id = $concert" >/dev/null
empty() { audit && [ "$(json .participants)" = 0 ]; }
await empty
is "$(draw)" "nobody was in the lobby; commitment: $commitment" "nobody came to the lobby"
as 109
request POST "/concert/$concert/queue"
is "$status $(json .ticketNumber)" "201 0" "the first comes after the opening"
revealed() { audit && [ "$(json .secret)" != null ]; }
await revealed
is "$(json .participants) $(json .commitment)" "0 $commitment" "the secret is shown"
ok "and is the one committed to" draw --commitment "$commitment"
is "$(draw --index 0 | tail -1)" "WRONG: there is no place 0: 0 were in the lobby" "a place that nobody had is refused"
ok "with an exit status" test "$(draw --index 50 >/dev/null; echo $?)" = 1

# --- the first to look after a while sees how things are, not how they were ---
token=
opened() { request GET /concert/804/queue/now && [ "$(json .phase)" = open ]; } # the one from above may be kept still
await opened
pass "a summary is kept"
kept=$(date +%s)
operate 804 '{"paused":true}'
aged() { [ $(($(date +%s) - kept)) -gt 6 ]; } # nobody looks meanwhile
await aged
token=
request GET /concert/804/queue/now
is "$(json .phase)" paused "what is older than its second and the next four is asked for again"
operate 804 '{"paused":false}'

# --- the log of calls ---
new_concert PUBLISHED '{"mode":"on"}'
sql "update cm.concert set reservation_open_at = now() - interval '1 second' where id = $concert" >/dev/null
token=
request GET "/concert/$concert/queue/audit/calls"
is "$status $body" '200 {"epoch":1,"from":0,"total":0,"next":null,"callsDigest":null,"tickets":[]}' "nobody was called yet"
for n in 201 202 203; do
	as "$n"
	request POST "/concert/$concert/queue"
done
token=
request GET "/concert/$concert/queue/audit/calls?from=1"
is "$(json '[.from, .total, .next, .tickets[]] | join(" ")')" "1 3  1 2" "every call is in the log"
audit
is "$(json .callsDigest)" "$(sha1 "$(sha1 "$(sha1 ' 0') 1") 2")" "whose digest the audit has"
ok "audit-draw recomputes it" draw --calls
# a queue that an older library began has a digest, but no log
redis del "cq:{$concert}:e1:k" >/dev/null
ok "a digest without a log counts for nothing" draw --calls
as 204
request POST "/concert/$concert/queue"
token=
is "$(draw --calls | head -1)" "1 calls, 0 of them of numbers passed before (their owners came late)" "the log begins"
ok "and the digest with it" draw --calls
# 12,000 calls, and those of two who came late
redis eval "local d = '' for i = 0, 12001 do local t = string.format('%d', i < 12000 and i or i - 12000)
	redis.call('RPUSH', KEYS[1]..':k', t) d = redis.sha1hex(d..' '..t) end redis.call('HSET', KEYS[1]..':a', 'calls', d)" \
	1 "cq:{$concert}:e1" >/dev/null
redis ltrim "cq:{$concert}:e1:k" 1 -1 >/dev/null
ok "in parts, too" draw --calls
is "$(draw --calls | head -1)" "12002 calls, 2 of them of numbers passed before (their owners came late)" "and says who came late"
redis lset "cq:{$concert}:e1:k" 7000 7001 >/dev/null
like "$(draw --calls)" 'WRONG: the log of calls' "a log that was changed is noticed"
request GET "/concert/$concert/queue/audit/calls?from=-1"
refused from "from is a number of calls"
request GET "/concert/999999/queue/audit/calls"
problem 404 concert-not-found "no concert, no calls"

# --- a setting stored when less was allowed is what is allowed now ---
sql "update cm.concert set queue_settings = '{\"noticeSeconds\":5}', version = version + 1 where id = 804" >/dev/null
operate 804 '{"capacity":9}'
is "$(json .noticeSeconds) $(info 804 notice)" "10 10000" "a notice is ten seconds at least"

# --- who could not tell Redis is followed by the consumer ---
sql "update cm.concert set queue_mode = 'none', version = version + 1 where id = 804;
	select cm.event('concert.changed', '804', '{\"concertId\":804}', null)" >/dev/null
opened() { [ "$(info 804 gate)" = 0 ]; }
await opened
pass "a change that only PostgreSQL heard of reaches Redis by its event"
sql "select cm.event('concert.changed', '999999', '{\"concertId\":999999}', null)" >/dev/null
sql "update cm.concert set queue_mode = 'on', version = version + 1 where id = 804;
	select cm.event('concert.changed', '804', '{\"concertId\":804}', null)" >/dev/null
shut() { [ "$(info 804 gate)" = 1 ]; }
await shut
pass "also after an event of a concert that is no more"
is "$(sql "select count(*) from cm.dead_letter")" 0 "no event is buried"
done_testing
