#!/usr/bin/env bash
# What nginx keeps from the programs: sizes, rates by address and by token, time-outs; the headers on
# every answer; what is never public; TLS as the sample configuration sets it up.
. "$(dirname "$0")/lib.sh"
# production: limits by address count for callers on this host, too
CM_LIMIT_SIGNIN_RATE=1 CM_LIMIT_SIGNUP_RATE=1 CM_LIMIT_QUEUE_RATE=5 CM_LIMIT_RESERVATION_RATE=5 \
	CM_LIMIT_TOKEN_RATE=1 CM_LIMIT_PAYMENT_RATE=5 CM_LIMIT_WEBHOOK_RATE=5 CM_ALLOW_SANDBOX=yes \
	start_instance --profile production

# --- sizes -------------------------------------------------------------------------------------------------
head -c 20000 /dev/zero | tr '\0' ' ' >"$TEST_DIR/large"
request POST /auth/signin "@$TEST_DIR/large"
problem 413 body-too-large "a body above 16 KiB"
head -c 70000 /dev/zero | tr '\0' ' ' >"$TEST_DIR/larger"
request POST /concert "@$TEST_DIR/larger"
problem 413 body-too-large "an organiser's body above 64 KiB"
request GET /livez '' -H "X-Long: $(head -c 9000 /dev/zero | tr '\0' a)"
problem 431 headers-too-large "a header line above 8 KiB"
request GET "/livez?$(head -c 9000 /dev/zero | tr '\0' a)"
problem 414 uri-too-long "an address above 8 KiB"
token=$(head -c 100000 /dev/zero | tr '\0' a)
request GET /member/me
problem 431 headers-too-large "a token of 100 KiB"
token=

# --- rates ---------------------------------------------------------------------------------------------------
# burst METHOD PATH BODY COUNT [header]: so many at once; prints how many were 429
burst() {
	for _ in $(seq "$4"); do
		printf 'next\nurl = "%s%s"\nrequest = "%s"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\nsilent\n' "$BASE_URL" "$2" "$1"
		[ -z "$3" ] || printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "$3"
		[ -z "${5:-}" ] || printf 'header = "%s"\n' "$5"
	done | sed 1d >"$TEST_DIR/burst"
	curl --parallel --parallel-immediate --parallel-max 50 -K "$TEST_DIR/burst" 2>/dev/null | sort | uniq -c | tr -s ' \n' ' ' >"$TEST_DIR/counts"
	grep -o '[0-9]* 429' "$TEST_DIR/counts" | cut -d' ' -f1
}
cmp_ok "$(burst POST /auth/signin '{}' 60)" -ge 20 "sign-in is limited by address ($(cat "$TEST_DIR/counts"))"
request POST /auth/signin '{}'
while [ "$status" != 429 ]; do request POST /auth/signin '{}'; done
problem 429 rate-limited "as a problem"
like "$(header Retry-After)" '^[0-9]+$' "with Retry-After"
cmp_ok "$(burst POST /auth/signin '{}' 30 'X-Real-IP: 192.0.2.1')" -ge 20 "an address that a caller claims means nothing"
cmp_ok "$(burst POST /member '{}' 60)" -ge 20 "sign-up is limited by address ($(cat "$TEST_DIR/counts"))"
cmp_ok "$(burst GET /concert/1/queue/status '' 300)" -ge 50 "the queue is limited by address ($(cat "$TEST_DIR/counts"))"
cmp_ok "$(burst GET /reservation '' 300)" -ge 50 "reservations are limited by address ($(cat "$TEST_DIR/counts"))"
cmp_ok "$(burst GET /payment/1 '' 300)" -ge 50 "payments are limited by address ($(cat "$TEST_DIR/counts"))"
is "$(burst POST /payment/webhook '{}' 100)" '' "which doesn't count against the gateway's notices"
cmp_ok "$(burst POST /payment/webhook '{}' 500)" -ge 50 "these have a limit of their own ($(cat "$TEST_DIR/counts"))"
# by token, for callers whose address isn't counted
CM_TRUSTED_PROXY='127.0.0.1 ::1' CM_LIMIT_QUEUE_RATE=100000 CM_LIMIT_RESERVATION_RATE=100000 \
	CM_LIMIT_PAYMENT_RATE=100000 up --profile production
raised() { [ "$(burst GET /reservation '' 300)" = '' ]; }
await raised
cmp_ok "$(burst GET /reservation '' 300 'Authorization: Bearer x')" -ge 50 "reservations are limited by token ($(cat "$TEST_DIR/counts"))"
cmp_ok "$(burst GET /concert/1/queue/status '' 100 'Authorization: Bearer y')" -ge 80 "the queue is limited by token, to one a second ($(cat "$TEST_DIR/counts"))"
is "$(burst GET /concert/1/queue/status '' 6 'Authorization: Bearer w')" '' "and five more at once"
cmp_ok "$(burst GET /payment/1 '' 300 'Authorization: Bearer y')" -ge 50 "payments are limited by token ($(cat "$TEST_DIR/counts"))"
is "$(burst GET /reservation '' 100 'Authorization: Bearer z')" '' "another token is not the same"
token=y
request GET /concert/1/queue/status
while [ "$status" != 429 ]; do request GET /concert/1/queue/status; done
problem 429 rate-limited "whose token asks for its place too often is told so"
like "$(header Retry-After)" '^[1-9][0-9]*$' "and when to come again"
token=v
request GET /concert/1/queue/status
problem 401 token-invalid "another token at that moment gets its answer"
token=

is "$(burst POST /auth/signin '{}' 20 'X-Real-IP: 192.0.2.2')" '' "behind a proxy that is trusted the caller's address counts"
cmp_ok "$(burst POST /auth/signin '{}' 20 'X-Real-IP: 192.0.2.2')" -ge 10 "each for itself"
is "$(burst POST /auth/signin '{}' 20 'X-Real-IP: 192.0.2.3')" '' "not for its neighbours"

# --- headers on every answer ----------------------------------------------------------------------------------
for path in /livez /nowhere /member/me /concert /docs/ /openapi.json /problems/; do
	request GET "$path"
	is "$(header X-Content-Type-Options)" nosniff "$path: nosniff"
	unlike "$(header Server)" '[0-9]' "$path: no version of the server"
	like "$(header X-Request-Id)" '^[A-Za-z0-9._-]+$' "$path: a request id"
done
for path in /member/me /reservation /ticket /notification /payment/1; do
	request GET "$path"
	is "$(header Cache-Control)" no-store "$path: never stored by others"
done

# --- what is never public ---------------------------------------------------------------------------------------
for path in /metrics /nginx /instance /auth/check /problem/503 '/%2e%2e/metrics' //metrics /metrics/; do
	request GET "$path"
	like "$status" '^40[04]$' "$path is not public"
	unlike "$body" 'cm_|Active connections' "$path tells nothing"
done
internal=${OPS_URL##*:}
for address in $(hostname -I 2>/dev/null); do
	case $address in *:*) continue ;; esac
	is "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "http://$address:$internal/metrics")" 000 \
		"the internal listener does not answer on $address"
done
is "$(stat -c %a "$STATE/run/auth.sock")" 660 "a pool's socket is nginx' alone"
is "$(stat -c %a "$STATE/etc") $(stat -c %a "$STATE/etc/cm.env") $(stat -c %a "$STATE/demo.env")" "700 600 600" \
	"settings and secrets are their owner's alone"

# --- TLS ----------------------------------------------------------------------------------------------------------
tls=$TEST_DIR/tls
mkdir -m 755 "$tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$tls/key.pem" -out "$tls/cert.pem" 2>/dev/null || bail "openssl"
free_port() {
	local port
	while port=$((10000 + RANDOM % 20000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	printf '%s' "$port"
}
port=$(free_port) plain=$(free_port)
{
	printf 'pid %s/pid; error_log %s/error.log; events { } http { access_log off;\n' "$tls" "$tls"
	for area in client_body fastcgi proxy scgi uwsgi; do printf '%s_temp_path %s/%s;\n' "$area" "$tls" "$area"; done
	sed -e "s|tickets.example.com|localhost|g" -e "s|listen 443|listen 127.0.0.1:$port|" -e '/listen \[::\]/d' \
		-e "s|listen 80\b|listen 127.0.0.1:$plain|" -e "s|127.0.0.1:8080|${BASE_URL#http://}|" \
		-e "s|/etc/ssl/concert-mania/fullchain.pem|$tls/cert.pem|" \
		-e "s|/etc/ssl/concert-mania/privkey.pem|$tls/key.pem|" "$SOURCE_DIR/deploy/nginx/tls.conf"
	printf '}\n'
} >"$tls/nginx.conf"
ok "the sample is a valid configuration" /usr/sbin/nginx -t -e "$tls/error.log" -c "$tls/nginx.conf"
/usr/sbin/nginx -e "$tls/error.log" -c "$tls/nginx.conf" -g 'daemon off;' &
nginx=$!
secure() { curl -sS --cacert "$tls/cert.pem" --resolve "localhost:$port:127.0.0.1" -D "$TEST_DIR/headers" -o "$TEST_DIR/body" -w '%{http_code}' "$@" "https://localhost:$port/livez" 2>"$TEST_DIR/curl"; }
await secure
is "$(secure)" 200 "https answers"
headers=$(tr -d '\r' <"$TEST_DIR/headers")
like "$(header Strict-Transport-Security)" '^max-age=[1-9][0-9]{7,}' "with HSTS"
is "$(secure --tls-max 1.1 --tlsv1.0)" 000 "not with TLS 1.1"
is "$(curl -s -o /dev/null -w '%{http_code} %{redirect_url}' "http://127.0.0.1:$plain/livez" -H 'Host: localhost')" \
	"308 https://localhost/livez" "plain HTTP is sent there"
# The caller's own address arrives, and nobody can claim another one from outside.
is "$(curl -s --cacert "$tls/cert.pem" --resolve "localhost:$port:127.0.0.1" -H 'X-Request-Id: tls-1' \
	-o /dev/null -D - "https://localhost:$port/livez" | tr -d '\r' | sed -n 's/^X-Request-Id: //Ip' | sort -u)" tls-1 "request ids go through"
kill "$nginx"
wait "$nginx"
done_testing
