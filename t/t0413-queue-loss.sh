#!/usr/bin/env bash
# What the waiting queue is over HTTP after Redis lost it: nothing that comes first makes an empty one of it.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
start_instance
# shellcheck disable=SC1091
. "$STATE/etc/cm.env"
export CM_TOKEN_KEYS
as() { token=$(python3 "$SOURCE_DIR/t/queue/access_token.py" "$@"); }
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
done_testing
