#!/usr/bin/env bash
# Round trips of every route, on tables of some size: as many statements and Redis commands as the table
# below says, for one row and for twenty. Then: each index was needed by some of it.
. "$(dirname "$0")/lib.sh"
for pool in AUTH MEMBER CONCERT QUEUE RESERVATION PAYMENT OPS; do
	export "CM_POOL_${pool}_WORKERS=1"
done
export CM_SMTP_URL=smtp://127.0.0.1:1 CM_TOKEN_TTL_S=3600
start_instance
psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -f "$SOURCE_DIR/t/tool/fill.sql" || bail "filling"
admin=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")

# route "METHOD PATTERN" STATUS STATEMENTS REDIS METHOD PATH [BODY [curl options]]: one request, its
# answer, and the round trips its worker logs for it. 0-2: none, or some when what the worker knows of
# the queue's settings has aged since.
serial=0
# the line is written after the answer; nginx' own question has one under the same id
logged() {
	grep -h "\"requestId\":\"$1\"" "$STATE"/log/{auth,member,concert,queue,reservation,payment,ops}.log |
		grep -v '"route":"/auth/check"'
}
: >"$TEST_DIR/covered"
route() {
	local name=$1 wanted_status=$2 statements=$3 redis=$4 got asked scripts
	shift 4
	serial=$((serial + 1))
	local method=$1 path=$2 data=${3:-}
	shift 2
	[ $# = 0 ] || shift
	request "$method" "$path" "$data" -H "X-Request-Id: route-$serial" "$@"
	await logged "route-$serial"
	got=$(logged "route-$serial" | sed 's/.*"statements":\([0-9]*\),"scripts":\([0-9]*\).*/\1 statements, \2 Redis/')
	asked=${got%% statements*} scripts=${got##*, }
	scripts=${scripts% Redis}
	[[ $statements != *-* || $asked -lt ${statements%-*} || $asked -gt ${statements#*-} ]] || statements=$asked
	[[ $redis != *-* || $scripts -lt ${redis%-*} || $scripts -gt ${redis#*-} ]] || redis=$scripts
	is "$status: $got" "$wanted_status: $statements statements, $redis Redis" "$name ($path)"
	printf '%s\n' "$name" >>"$TEST_DIR/covered"
}
# connections are open, scripts loaded
for path in /auth/check /member/me /concert/802 /concert/802/queue/status /reservation/1 /payment/1; do
	token=$admin
	request GET "$path"
done
request POST /concert/801/queue
request POST /reservation '{"concertId":805,"seatId":1}'
curl -s -o /dev/null "$OPS_URL/metrics"

# --- members -------------------------------------------------------------------------------------
token=
route 'POST /member' 201 1 0 POST /member '{"name":"하나","email":"one@example.com","password":"secret-one@example.com"}'
me=$(json .id)
route 'POST /auth/signin' 200 2 3 POST /auth/signin '{"email":"one@example.com","password":"secret-one@example.com"}'
refresh=$(json .refreshToken)
token=$(json .accessToken)
route 'POST /auth/refresh' 200 1 0 POST /auth/refresh "{\"refreshToken\":\"$refresh\"}"
spare=$(json .refreshToken)
route 'GET /member/me' 200 1 0 GET /member/me
route 'PATCH /member/me' 200 2 0 PATCH /member/me '{"name":"둘"}'
route 'PATCH /member/me' 200 3 3 PATCH /member/me '{"currentPassword":"secret-one@example.com","password":"secret-two@example.com"}'
route 'GET /notification/settings' 200 1 0 GET /notification/settings
route 'PATCH /notification/settings' 200 2 0 PATCH /notification/settings '{"emailOptOut":true}'

# --- the organiser ---------------------------------------------------------------------------------
mine=$token token=$admin
# layout ROWS: a concert without queue
layout() {
	printf '{"title":"왕복 %s","place":"홀","dateTime":"2099-01-01T19:00","queue":{"mode":"none"},"maxTicketsPerMember":100,"grades":[' "$1"
	for n in $(seq "$1"); do
		[ "$n" = 1 ] || printf ,
		printf '{"name":"G%d","price":1000,"sections":[{"rows":[{"label":"R%d","from":1,"to":10}]}]}' "$n" "$n"
	done
	printf ']}'
}
route 'POST /concert' 201 3 1 POST /concert "$(layout 1)"
small=$(json .id)
route 'POST /concert' 201 3 1 POST /concert "$(layout 20)"
large=$(json .id)
route 'PATCH /concert/{id}' 200 3 1 PATCH "/concert/$small" '{"title":"왕복 일"}'
mapfile -t seats < <(sql "select id from cm.seat where concert_id = $large order by position")
route 'PATCH /concert/{id}/seat' 200 2 0 PATCH "/concert/$large/seat" "{\"block\":[${seats[199]}]}"
route 'PATCH /concert/{id}/seat' 200 2 0 PATCH "/concert/$large/seat" "{\"block\":[$(printf '%s,' "${seats[@]:180:19}")${seats[179]}]}"
route 'PATCH /concert/{id}/queue' 200 2 1 PATCH /concert/802/queue '{"capacity":400}'

# --- what everybody looks at: one row or many, one statement ---------------------------------------------
token=$mine
for n in 1 20; do
	route 'GET /concert' 200 1 0 GET "/concert?limit=$n&n=$n"
	route 'GET /concert' 200 1 0 GET "/concert?keyword=홀&limit=$n&n=$n"
done
for id in "$small" "$large"; do
	route 'GET /concert/{id}' 200 1 0 GET "/concert/$id?n=1"
	route 'GET /concert/{id}/seat' 200 1 0 GET "/concert/$id/seat?n=1"
	route 'GET /concert/{id}/seat/status' 200 1 3 GET "/concert/$id/seat/status?n=1"
	route 'GET /concert/{id}/seat/status' 200 0 1 GET "/concert/$id/seat/status?n=2"
done
route 'GET /seat/{id}' 200 1-2 0 GET "/seat/${seats[0]}"
route 'GET /seat/{id}' 200 1 0 GET "/seat/${seats[1]}"

# --- the queue ---------------------------------------------------------------------------------------------
route 'POST /concert/{id}/queue' 201 0-2 1-2 POST /concert/802/queue
route 'POST /concert/{id}/queue' 200 0-2 1-2 POST /concert/802/queue
route 'GET /concert/{id}/queue/status' 200 0-2 1-2 GET /concert/802/queue/status
# nginx asks once a second, whoever looks: the settings are read and the place is written down, unless
# the status above did that just now.
place_is_old() {
	[ "$(sql "select count(*) from cm.queue_checkpoint where concert_id = 802 and at > now() - interval '5 seconds'")" = 0 ]
}
await place_is_old
route 'GET /concert/{id}/queue/now' 200 2 1-2 GET /concert/802/queue/now
route 'GET /concert/{id}/queue/audit' 200 1-2 1-2 GET /concert/802/queue/audit
route 'GET /concert/{id}/queue/audit/calls' 200 0 1 GET /concert/802/queue/audit/calls
route 'POST /reservation' 201 1 1 POST /reservation '{"concertId":802,"seatId":665}'
route 'DELETE /reservation/{id}' 200 1 0 DELETE "/reservation/$(json .id)"
route 'DELETE /concert/{id}/queue' 204 0-2 1-2 DELETE /concert/802/queue

# without a queue: Redis knows since the concert was made
# --- buying --------------------------------------------------------------------------------------------------
route 'POST /reservation' 201 1 1 POST /reservation "{\"concertId\":$large,\"seatId\":${seats[0]}}" -H 'Idempotency-Key: one'
first=$(json .id)
route 'POST /reservation' 201 1 1 POST /reservation "{\"concertId\":$large,\"seatIds\":[$(printf '%s,' "${seats[@]:1:19}")${seats[20]}]}"
many=$(json .id)
route 'POST /reservation' 201 1 1 POST /reservation "{\"concertId\":$large,\"gradeId\":$(sql "select max(id) - 3 from cm.seat_grade where concert_id = $large"),\"count\":4}"
third=$(json .id)
route 'POST /reservation' 409 1 1 POST /reservation "{\"concertId\":$large,\"seatId\":${seats[199]}}"
route 'GET /reservation/{id}' 200 1 0 GET "/reservation/$many"
route 'POST /payment' 201 2 0 POST /payment "{\"reservationId\":$first,\"isSuccess\":true}" -H 'Idempotency-Key: two'
paid=$(json .id)
route 'POST /payment' 201 2 0 POST /payment "{\"reservationId\":$many,\"isSuccess\":true}"
route 'POST /payment' 402 2 0 POST /payment "{\"reservationId\":$third,\"isSuccess\":false}"
route 'GET /payment/{id}' 200 1 0 GET "/payment/$paid"
order=$(sql "select gateway_order_id from cm.payment where id = $paid")
route 'POST /payment/webhook' 200 1 0 POST /payment/webhook "{\"eventType\":\"PAYMENT_STATUS_CHANGED\",\"data\":{\"orderId\":\"$order\",\"status\":\"DONE\"}}"
confirmed() { [ "$(sql "select count(*) from cm.reservation where id in ($first, $many) and status = 'CONFIRMED'")" = 2 ]; }
await confirmed
for n in 1 20; do
	route 'GET /ticket' 200 1 0 GET "/ticket?limit=$n"
	is "$(json '.content | length')" "$n" "$n tickets"
done
ticket=$(json '.content[0].id') code=$(json '.content[0].code')
route 'GET /ticket/{id}' 200 1 0 GET "/ticket/$ticket"
route 'GET /ticket/{id}/qr' 200 1 0 GET "/ticket/$ticket/qr"
token=$admin
route 'POST /ticket/check-in' 200 1 0 POST /ticket/check-in "{\"code\":\"$code\"}"
token=$mine
sql "set session_replication_role = replica;
	insert into cm.reservation (member_id, concert_id, amount, expires_at, seat_count, status)
		select $me, 100001, 1, now(), 1, 'EXPIRED' from generate_series(1, 30);
	insert into cm.notification (member_id, event_id, kind, email_status)
		select $me, 7000000 + n, 'confirmed', 'SKIPPED' from generate_series(1, 30) n" >/dev/null
for n in 1 20; do
	route 'GET /reservation' 200 1 0 GET "/reservation?limit=$n"
	is "$(json '.content | length')" "$n" "$n reservations"
	route 'GET /notification' 200 2 0 GET "/notification?limit=$n"
	is "$(json '.content | length')" "$n" "$n notices"
done
route 'DELETE /reservation/{id}' 200 2 0 DELETE "/reservation/$first" '' -H 'Idempotency-Key: three'
route 'DELETE /reservation/{id}' 200 1 0 DELETE "/reservation/$first"
token=$admin
for id in "$small" "$large"; do
	route 'GET /concert/{id}/report' 200 1 0 GET "/concert/$id/report"
done
# parts of a thousand rows: one for 20 seats, and one that finds no more
route 'GET /concert/{id}/report/sales' 200 3 0 GET "/concert/$large/report/sales"
route 'DELETE /concert/{id}' 200 3 1 DELETE "/concert/$small"

# --- the end of a session, the system ------------------------------------------------------------------------
token=
route 'POST /auth/signout' 204 1 0 POST /auth/signout "{\"refreshToken\":\"$spare\"}"
token=$(sign_in one@example.com secret-two@example.com)
member leaver@example.com
route 'DELETE /member/me' 204 1 0 DELETE /member/me '{"password":"secret-leaver@example.com"}'
token=
route 'GET /livez' 200 0 0 GET /livez
route 'GET /readyz' 200 1 2 GET /readyz
sql "update cm.concert set queue_mode = 'none' where id <> 802" >/dev/null # a Redis call a sale with a queue
route 'GET /metrics' 200 4 2 GET "$OPS_URL/metrics"
# asked by nginx alone; its line is logged under the id of the request it guards
token=$mine
request GET '/concert?n=check'
is "$(grep -h '"route":"/auth/check"' "$STATE"/log/concert.log | grep -vc '"statements":0,"scripts":0')" 0 \
	"GET /auth/check asks no store"
printf 'GET /auth/check\n' >>"$TEST_DIR/covered"

for program in "$BUILD_DIR"/fcgi/cm-{auth,member,concert,queue,reservation,payment,ops}; do
	"$program" --routes
done | awk '{ print $1, $2 }' | sort -u >"$TEST_DIR/routes"
is "$(sort -u "$TEST_DIR/covered" | comm -13 - "$TEST_DIR/routes")" '' "every route has a row here"

# --- each index was needed ---------------------------------------------------------------------------------------
# sweeper and consumers look every second; a minute's round of the sweeper comes with its start
kill "$(cat "$STATE/run/sweeper.pid")"
await test ! -d "/proc/$(cat "$STATE/run/sweeper.pid")"
up || bail "restart"
# Constraints and unique indexes say what may not be; the others only serve reads.
unused() {
	sql "select string_agg(s.indexrelname || ' (' || coalesce(obj_description(s.indexrelid), '') || ')', ', ' order by 1)
		from pg_stat_user_indexes s join pg_index i using (indexrelid)
		where s.schemaname = 'cm' and not i.indisunique and s.idx_scan = 0"
}
# What a session used is counted a little later; body: what a wait in vain names.
all_used() { body=$(unused) && [ -z "$body" ]; }
await all_used
is "$(unused)" '' "every index that guards nothing serves a statement"
is "$(sql "select string_agg(c.relname, ' ') from pg_index i join pg_class c on c.oid = i.indexrelid
	join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = 'cm' and coalesce(obj_description(c.oid), '') = '' and not exists
	(select from pg_constraint k where k.conindid = c.oid and obj_description(k.oid) is not null)")" '' \
	"and says which"
# the check itself: an index that nothing needs is found
sql 'create index nobody_needs on cm.reservation (status_reason); analyze cm.reservation' >/dev/null
like "$(unused)" '^nobody_needs' "an index that nothing needs is found"
done_testing
