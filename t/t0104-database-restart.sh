#!/usr/bin/env bash
# PostgreSQL and Redis go away and come back under a running service.
. "$(dirname "$0")/lib.sh"
start_instance
member db@example.com
request POST /concert/802/queue
request POST /reservation '{"concertId":802,"seatId":665}'
is "$status" 201 "a reservation"
reservation=$(json .id)
pids=$(cd "$STATE/run" && cat auth.pid concert.pid reservation.pid payment.pid)

kill -QUIT "$(cat "$STATE/run/pg.pid")" # immediate: every connection breaks
away() { ! psql -X -d "$DATABASE_URL" -c 'select 1'; }
await away
request GET "/reservation/$reservation"
is "$status" 503 "without the database: 503"
like "$(header Retry-After)" '^[0-9]+$' "with Retry-After"
is "$(header Content-Type)" application/problem+json "as a problem"
request GET "$OPS_URL/livez"
is "$status" 200 "alive"
unready() { request GET "$OPS_URL/readyz" && [ "$status" = 503 ]; }
await unready
pass "but not ready"
like "$body" 'postgres|database' "and it says why"

ok "the database comes back" up
back() { request GET "/reservation/$reservation" && [ "$status" = 200 ]; }
await back
is "$(json .status)" PENDING "the service is back by itself, the acknowledged reservation too"
is "$(cd "$STATE/run" && cat auth.pid concert.pid reservation.pid payment.pid)" "$pids" "with the same processes"
request POST /payment "{\"reservationId\":$reservation,\"isSuccess\":true}"
is "$status" 201 "and sells"
confirmed() { request GET "/reservation/$reservation" && [ "$(json .status)" = CONFIRMED ]; }
await confirmed
pass "relay and consumer came back too"

# Redis: killed hard; the queue pass was given before. The seat path goes on, the queue says 503.
request POST /concert/802/queue
kill -9 "$(cat "$STATE/run/redis.pid")"
gone() { ! redis ping; }
await gone
request GET /concert/802
is "$status" 200 "without Redis the concert is there"
request GET /seat/666
is "$status" 200 "and the seat"
request POST /concert/803/queue
like "$status" '^(503|200|201|202)$' "joining the queue doesn't hang"
ok "Redis comes back" up
joined() { request POST /concert/802/queue && { [ "$status" = 200 ] || [ "$status" = 201 ]; }; }
await joined
pass "and so does the queue"
done_testing
