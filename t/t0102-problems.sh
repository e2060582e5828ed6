#!/usr/bin/env bash
# What nginx answers itself looks like any other problem; methods; ids of requests; what is internal.
. "$(dirname "$0")/lib.sh"
start_instance

# repeat N CHARACTER
repeat() { head -c "$1" /dev/zero | tr '\0' "$2"; }
# raw TEXT: sent as it is; sets status, headers and body
raw() {
	printf '%b' "$1" | curl -s -m 10 "telnet://${BASE_URL#http://}" >"$TEST_DIR/raw" 2>/dev/null
	headers=$(tr -d '\r' <"$TEST_DIR/raw" | sed '/^$/q')
	body=$(tr -d '\r' <"$TEST_DIR/raw" | sed '1,/^$/d')
	status=$(printf '%s' "$headers" | sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p')
}

request GET /nowhere
problem 404 not-found "a path nobody knows"
is "$(json .requestId)" "$(header X-Request-Id)" "the answer names the request"
is "$(header X-Content-Type-Options)" nosniff "nosniff"
is "$(header Server)" nginx "no version"
is "$(header Cache-Control)" no-store "a problem isn't stored"
like "$(json .detail)" '찾을 수 없' "in Korean by default"
request GET /nowhere '' -H 'Accept-Language: en-GB,en;q=0.9,ko;q=0.1'
like "$(json .detail)" 'nothing at this address' "in English when that comes first"
request GET /concertina
problem 404 not-found "a longer name isn't a shorter one's path"
for path in /metrics /nginx /instance /problem/404; do
	request GET "$path"
	problem 404 not-found "$path isn't public"
done
request GET "$OPS_URL/metrics"
is "$status" 200 "/metrics on the internal listener"
request GET /livez
is "$status" 200 "/livez"
request GET /readyz
is "$status" 200 "/readyz"

request BREW /seat/665
problem 405 method-not-allowed "an unknown method"
isnt "$(header Allow)" "" "with Allow"
request TRACE /seat/665
problem 405 method-not-allowed "TRACE"
request DELETE /seat/665
problem 405 method-not-allowed "a wrong method"
like "$(header Allow)" 'GET' "Allow has GET"
unlike "$(header Allow)" 'DELETE' "and not DELETE"
request GET /auth/signin
problem 405 method-not-allowed "GET of sign-in"
like "$(header Allow)" 'POST' "Allow has POST"
request OPTIONS /seat/665
is "$status" 204 "OPTIONS"
like "$(header Allow)" 'GET.*HEAD|HEAD.*GET' "lists what there is"
member head@example.com
request HEAD /seat/665
is "$status" 200 "HEAD"
like "$(header Content-Type)" '^application/json' "has the headers of GET"

request GET /nowhere '' -H 'X-Request-Id: my-request.1'
is "$(header X-Request-Id)" my-request.1 "a sane request id is taken"
request GET /seat/665 '' -H 'X-Request-Id: my-request.2'
is "$(header X-Request-Id)" my-request.2 "by the pools too"
is "$(printf '%s\n' "$headers" | grep -ci '^X-Request-Id:')" 1 "and sent once"
request GET /nowhere '' -H 'X-Request-Id: "><script>'
like "$(header X-Request-Id)" '^[0-9a-f]{32}$' "another one isn't"

repeat 20000 a >"$TEST_DIR/large"
request POST /reservation '' --data-binary "@$TEST_DIR/large" -H 'Expect:'
problem 413 body-too-large "a body above 16 KiB"
repeat 70000 a >"$TEST_DIR/large"
request POST /concert '' --data-binary "@$TEST_DIR/large" -H 'Expect:'
problem 413 body-too-large "a layout above 64 KiB"
request GET /seat/665 '' -H "X-Long: $(repeat 9000 a)"
problem 431 headers-too-large "a header above 8 KiB"
request GET "/$(repeat 9000 a)"
problem 414 uri-too-long "an address above 8 KiB"
raw 'GET / HTTP/1.1\r\n\r\n'
is "$status $(json .code)" "400 bad-request" "no Host"
raw 'GET /seat/665 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello'
is "$status $(json .code)" "400 bad-request" "two lengths"

# A pool that is away is a 503 that says when to come back.
pool=$(cat "$STATE/run/payment.pid")
kill "$pool"
gone() { request POST /payment '{"reservationId":1,"isSuccess":true}' && [ "$status" != 404 ]; }
await gone
problem 503 service-unavailable "a pool that is away"
like "$(header Retry-After)" '^[0-9]+$' "with Retry-After"
request GET /seat/665
is "$status" 200 "the others don't mind"
ok "scripts/up brings it back" up
request POST /payment '{"reservationId":1,"isSuccess":true}'
problem 404 reservation-not-found "and it answers"

# The same with limits in force, which the demo lifts for this host.
CM_ALLOW_SANDBOX=yes start_instance --profile production
codes=$(for _ in $(seq 60); do
	curl -s -o /dev/null -w '%{http_code}\n' -X POST -d '{}' -H 'Content-Type: application/json' "$BASE_URL/auth/signin"
done | sort | uniq -c | awk '{print $2}' | tr '\n' ' ')
is "$codes" "400 429 " "sign-ins from one address are limited"
limited() { request POST /auth/signin '{}' && [ "$status" = 429 ]; }
await limited
problem 429 rate-limited "as a problem"
like "$(header Retry-After)" '^[0-9]+$' "with Retry-After"
done_testing
