#!/usr/bin/env bash
# What an operator sees: alive, ready by dependency, totals that never fall, alarms on real names.
. "$(dirname "$0")/lib.sh"
start_instance

request GET "$OPS_URL/livez"
is "$status $(json .status)" '200 live' 'livez on the internal listener'
request GET "$OPS_URL/readyz"
is "$status $(json .status)" '200 ready' 'readyz is 200'
is "$(json '.checks | to_entries | map(.key + "=" + .value) | join(" ")')" \
	'database=ok migrations=ok redis=ok queueLibrary=ok' 'and names every dependency'
request GET /metrics
is "$status" 404 'no metrics on the public listener'
request GET "$OPS_URL/metrics"
is "$status" 200 'metrics on the internal one'
is "$(header Content-Type)" 'text/plain; version=0.0.4; charset=utf-8' 'as Prometheus text'

# sample NAME{LABELS}: its value now
sample() { curl -s "$OPS_URL/metrics" | awk -v name="$1" 'index($0, name " ") == 1 { print $NF }'; }

# The format: every sample belongs to the TYPE line above it, no series twice.
malformed() {
	curl -s "$OPS_URL/metrics" | awk '
		/^# TYPE / { name = $3; if (seen[name]++) print "TYPE twice: " name; next }
		/^#/ { next }
		{ series = $0; sub(/ [^ ]*$/, "", series); own = series; sub(/\{.*/, "", own)
		  if (own != name && own != name "_bucket" && own != name "_sum" && own != name "_count")
			print "astray: " $0
		  if (samples[series]++) print "twice: " $0
		  if ($NF !~ /^[-+0-9.e]+$/) print "no number: " $0 }'
}
is "$(malformed)" '' 'the text is well-formed'

# Totals outlive the worker that counted them.
series='cm_requests_total{pool="concert",route="GET /concert",status="4xx"}'
for _ in 1 2 3 4 5; do request GET /concert; done
is "$status" 401 'without a token: 401'
more() { [ "$(sample "$series")" -ge 5 ]; }
ok 'the refusals are counted' await more
before=$(sample "$series")
for pid in $(pgrep -P "$(cat "$STATE/run/concert.pid")"); do kill -9 "$pid"; done
crashed() { [ "$(sample 'cm_pool_restarts_total{pool="concert",reason="crash"}')" -ge 1 ]; }
ok 'killed workers are counted' await crashed
cmp_ok "$(sample "$series")" -ge "$before" 'their totals stay'
answers() { request GET /concert; [ "$status" = 401 ]; }
ok 'and the pool answers again' await answers
further() { [ "$(sample "$series")" -gt "$before" ]; }
ok 'counting on from there' await further

# Alarms and dashboard speak of what exists.
unknown() {
	curl -s "$OPS_URL/metrics" | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' | sort -u >"$TEST_DIR/names"
	grep -oEh 'cm_[a-z0-9_]+' "$SOURCE_DIR"/deploy/prometheus/alerts.yml "$SOURCE_DIR"/deploy/grafana/*.json |
		sed 's/_bucket$//' | sort -u | comm -23 - "$TEST_DIR/names"
}
is "$(unknown)" '' 'alarms and dashboard use names that are printed'
unwritten() {
	local row
	for row in $(sed -n 's/^METRIC(\([A-Z_]*\),.*/\1/p' "$SOURCE_DIR/lib/metrics/metric.def"); do
		grep -rqw --include='*.c' "METRIC_$row" "$SOURCE_DIR"/{fcgi,daemon,lib} || printf '%s ' "$row"
	done
}
is "$(unwritten)" '' 'every metric of the table is written somewhere'
ok 'the dashboard is JSON' jq -e .panels "$SOURCE_DIR"/deploy/grafana/concert-mania.json

# A dependency away: named, and metrics still answer. Without Redis bookings go on, so a load balancer
# must keep sending them here: degraded, but ready.
kill -STOP "$(cat "$STATE/run/redis.pid")"
gone() { request GET "$OPS_URL/readyz"; [ "$(json .status)" = degraded ]; }
ok 'Redis frozen: degraded' await gone
is "$status" 200 'but ready: bookings go on'
is "$(json .checks.redis)" redis-unavailable 'and says it is Redis'
is "$(json .checks.database)" ok 'the database is fine'
is "$(sample 'cm_up{dependency="redis"}')" 0 'cm_up tells the alarm'
kill -CONT "$(cat "$STATE/run/redis.pid")"
ready() { request GET "$OPS_URL/readyz"; [ "$status $(json .status)" = '200 ready' ]; }
ok 'ready again by itself' await ready
done_testing
