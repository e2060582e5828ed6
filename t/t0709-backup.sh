#!/usr/bin/env bash
# A backup taken while the service sells, restored into a new instance: the sold seats, the members, the
# tickets' codes and the places in the queue are there, and it goes on selling.
. "$(dirname "$0")/lib.sh"
start_instance
old=$STATE
member buyer@example.com
request POST /concert/802/queue
request POST /reservation '{"concertId":802,"seatId":665}'
request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":true}"
is "$status" 201 "a seat is sold"
confirmed() { request GET /reservation && [ "$(json '.content[0].status')" = CONFIRMED ]; }
await confirmed
request GET /ticket
ticket=$(json '.content[0].id')
request POST /concert/802/queue
place=$(json .ticket) pass=$(json .pass) number=$(json .ticketNumber)
like "$place" '^ey' "and somebody is in the queue, with a signed ticket"

# where the queue stands is written down every few seconds in which anybody looks
checkpoint() {
	curl -s -o /dev/null "$BASE_URL/concert/802/queue/now"
	[ "$(sql "select count(*) from cm.queue_checkpoint where concert_id = 802 and tail > $number")" = 1 ]
}
await checkpoint

backup() { "$SOURCE_DIR/scripts/backup" --state "$old" --to "$TEST_DIR/backups" "$@"; }
ok "a backup of the running instance" backup
saved=$(echo "$TEST_DIR"/backups/*)
is "$(stat -c %a "$saved" "$saved/database.dump" "$saved/secrets.env" | tr '\n' ' ')" "700 600 600 " "is its owner's alone"
is "$(find "$TEST_DIR/backups" -mindepth 1 -maxdepth 1 | wc -l)" 1 "and nothing else is left"
seats=$(sql "select count(*) from cm.seat") reservations=$(sql "select count(*) from cm.reservation")
newer() { backup --keep 1; [ ! -d "$saved" ]; }
await newer
is "$(find "$TEST_DIR/backups" -mindepth 1 -maxdepth 1 | wc -l)" 1 "--keep 1 leaves the newest"
saved=$(echo "$TEST_DIR"/backups/*)

# the old machine is gone
"$SOURCE_DIR/scripts/down" --state "$old" >/dev/null
STATE=$TEST_DIR/restored
instances+=("$STATE")
restore() { "$SOURCE_DIR/scripts/restore" "$1" --state "$STATE" --profile demo --build "$BUILD_DIR" --no-build; }
ok "is restored into a new state" restore "$saved"
refuses() { ! restore "$saved"; }
ok "not over an instance" refuses
ok "which starts" up
is "$(sql "select count(*) from pg_sequences where schemaname = 'cm' and coalesce(last_value, 0) < 10000000")" 0 \
	"numbers given after the backup are never given again"
request GET /reservation
is "$(json '.content[0] | "\(.status) \(.seats[0].id)"')" "CONFIRMED 665" "the token is good, the sold seat is its buyer's"
request GET /seat/665
is "$(json .status)" SOLD "and sold for everybody"
request GET "/ticket/$ticket"
is "$status" 200 "the ticket is there"
isnt "$(sign_in buyer@example.com)" '' "its owner can sign in"
is "$(sql "select count(*) from cm.seat") $(sql "select count(*) from cm.reservation")" "$seats $reservations" "nothing is missing"
ok "the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL"
recovered() {
	request GET /concert/802/queue/status '' -H "X-Queue-Ticket: $place" -H "X-Queue-Pass: $pass"
	[ "$status $(json .ticketNumber)" = "200 $number" ]
}
await recovered
pass "the signed ticket puts the place in the queue back"
request POST /reservation '{"concertId":802,"seatId":665}' -H "X-Queue-Pass: $pass"
problem 409 seat-taken "what was sold isn't sold again"
sells() {
	request POST /reservation '{"concertId":802,"seatId":666}' -H "X-Queue-Pass: $pass"
	[[ $status == 20[01] ]]
}
await sells
cmp_ok "$(json .id)" -gt 10000000 "and so the gateway is asked for an order it has never seen"
request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":true}"
is "$status" 201 "and it goes on selling"
is "$(psql -X -q -A -t -d "${DATABASE_URL/user=postgres/user=cm_queue}" -c 'select count(*) from cm.payment' 2>&1 | grep -c 'permission denied')" \
	1 "the roles' rights are as narrow as before"

# --- what isn't a whole backup is refused -----------------------------------------------------------------
cp -r "$saved" "$TEST_DIR/damaged"
printf 'x' | dd of="$TEST_DIR/damaged/database.dump" bs=1 seek=500 conv=notrunc 2>/dev/null
STATE=$TEST_DIR/never
damaged() { ! restore "$TEST_DIR/damaged" && [ ! -e "$STATE" ]; }
ok "a damaged backup is refused, and nothing is made" damaged
done_testing
