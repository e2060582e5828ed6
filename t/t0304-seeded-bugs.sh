#!/usr/bin/env bash
# The tests are tested: builds with one seeded bug each (configure --enable-bug=NAME), which t/verify
# must catch after a load that a sound build passes.
. "$(dirname "$0")/lib.sh"
need_rush

# hold MEMBER-TOKEN KEY BODY: one hold; its line of the history and, in $TEST_DIR/held, its reservation.
hold() {
	local start answer id seats
	start=$(date +%s%6N)
	answer=$(curl -s -w '\n%{http_code}' -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
		${2:+-H "Idempotency-Key: $2"} "$BASE_URL/reservation" -d "$3")
	id=$(head -1 <<<"$answer" | jq -r '.id // 0')
	seats=$(head -1 <<<"$answer" | jq -c '[.seats[]?.id]')
	[ "${answer##*$'\n'}" -lt 300 ] || id=0 seats='[]'
	printf '{"member":%s,"op":"hold","key":"%s","start":%s,"end":%s,"status":%s,"reservation":%s,"seats":%s}\n' \
		"$buyer" "$2" "$start" "$(date +%s%6N)" "${answer##*$'\n'}" "$id" "$seats" >>"$TEST_DIR/history"
}
# at_same_time COUNT COMMAND...: with the number of each as last argument
at_same_time() {
	local n jobs=()
	for n in $(seq "$1"); do
		"${@:2}" "$n" &
		jobs+=($!)
	done
	wait "${jobs[@]}"
}
hold_seat() { hold "$token" "" "{\"concertId\":804,\"seatId\":$((1200 + $1))}"; }
hold_for_long() { hold "$token" "" "{\"concertId\":805,\"seatId\":$((2000 + $1))}"; }
hold_under_one_key() { hold "$token" one-key "{\"concertId\":805,\"gradeId\":$grade,\"count\":1}"; }
pay() {
	curl -s -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		"$BASE_URL/payment" -d "{\"reservationId\":$1,\"isSuccess\":true,\"script\":\"$2\"}"
}
last_hold() { sql "select max(id) from cm.reservation"; }

# --- the loads, one for each bug ------------------------------------------------------------------------
# (names have _ where the bug's has -)
load_unique_index() {
	rush "$TEST_DIR/history" concert=803 one-seat=1 first-seat=1001 first-member=1001 members=40 \
		connections=40 abandon=100 >"$TEST_DIR/rush.out" || bail "rush"
}
load_lock_token() { load_unique_index; }
load_member_limit() { at_same_time 8 hold_for_long; }
load_idempotency() { at_same_time 5 hold_under_one_key; }
published() { [ "$(sql "select count(*) from cm.outbox where published_at is not null and topic = '$1'")" -gt 0 ]; }
# An event whose transaction began first commits last.
load_relay_cursor() {
	hold_seat 20
	mkfifo "$TEST_DIR/late"
	psql -X -q -d "$DATABASE_URL" -f "$TEST_DIR/late" >/dev/null &
	local late=$! event
	exec 5>"$TEST_DIR/late"
	event="select cm.event('reservation.expired', '1', jsonb_build_object('reservationId', $(last_hold), 'memberId', $buyer,
		'concertId', 804), null)"
	printf 'begin; %s;\n' "$event" >&5
	await open_transaction
	pay "$(last_hold)" success
	await published payment.completed
	printf 'commit;\n' >&5
	exec 5>&-
	wait "$late"
	rm "$TEST_DIR/late"
}
open_transaction() { [ "$(sql "select count(*) from pg_stat_activity where state = 'idle in transaction' and backend_xid is not null")" -gt 0 ]; }
load_sweep_paying() {
	hold_seat 30
	pay "$(last_hold)" slow:5000
}
load_async_commit() {
	local n
	for n in 40 41 42 43 44 45 46 47; do hold_seat "$n"; done
	kill -QUIT "$(cat "$STATE/run/pg.pid")"
	await database_is_gone
	await up
}

prepare() { # an instance of the build at hand with a buyer
	start_instance
	rush_members 1040
	sql "update cm.concert set queue_mode = 'none' where id in (803, 804, 805);
		update cm.concert set hold_seconds = 2 where id = 804" >/dev/null
	member buyer@example.com
	buyer=$(sql "select id from cm.member where email_key = 'buyer@example.com'")
	grade=$(sql "select id from cm.seat_grade where concert_id = 805 and name = 'VIP'")
	: >"$TEST_DIR/history"
}
verify() { "$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/history" >"$TEST_DIR/verified"; }
caught() { ! verify && grep -Eq "^BROKEN +[0-9]+ +$1" "$TEST_DIR/verified"; }

# --- a sound build passes all of them -----------------------------------------------------------------------
prepare
for load in unique_index member_limit idempotency relay_cursor; do
	: >"$TEST_DIR/history"
	"load_$load"
	await verify
	pass "sound: $load"
done
sql "update cm.concert set max_tickets_per_member = 100 where id = 804" >/dev/null
for load in sweep_paying async_commit; do
	: >"$TEST_DIR/history"
	"load_$load"
	await verify
	pass "sound: $load"
done
# With nothing but Redis' lock in the way, held as it should be, a seat is still sold once.
psql -X -q -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -f "$SOURCE_DIR/t/bug/lock-token.sql" >/dev/null || bail "lock-token.sql"
rush "$TEST_DIR/history" concert=803 one-seat=1 first-seat=1002 first-member=1001 members=40 \
	connections=40 abandon=100 >"$TEST_DIR/rush.out" || bail "rush"
ok "sound: the lock in Redis alone" verify
down

# --- each bug is caught ----------------------------------------------------------------------------------------
mkdir "$TEST_DIR/build"
# seeded NAME INVARIANT
seeded() {
	(cd "$TEST_DIR/build" && "$SOURCE_DIR/configure" -q -C --enable-bug="$1" && make -s -j2 all) >"$TEST_DIR/made" 2>&1 ||
		bail "a build with --enable-bug=$1 failed: $(tail -3 "$TEST_DIR/made")"
	BUILD_DIR=$TEST_DIR/build
	prepare
	sql "update cm.concert set max_tickets_per_member = 100 where id = 804 and '$1' in ('sweep-paying', 'async-commit')" >/dev/null
	like "$(cat "$TEST_DIR/up.log")" "SEEDED BUG '$1'" "$1: the build says that it has a bug"
	"load_${1//-/_}"
	await caught "$2"
	pass "$1: caught"
	diag "$(grep '^BROKEN' "$TEST_DIR/verified")"
	down
}
seeded unique-index 'a seat has one live reservation'
seeded lock-token 'a seat has one live reservation'
seeded member-limit "members' live seats are within the limit"
seeded idempotency 'one Idempotency-Key, one reservation'
seeded relay-cursor 'no event was passed over'
seeded sweep-paying 'no hold ended while it was being paid'
seeded async-commit 'every acknowledged hold is there'
BUILD_DIR=$TEST_DIR/build
STATE=$TEST_DIR/serious
isnt "$(CM_ALLOW_SANDBOX=yes up --profile production && echo started)" started "a production instance refuses such a build"
like "$(cat "$TEST_DIR/up.log")" 'it is for tests only' "and says why"
instances+=("$STATE")
for name in nonsense change yes; do
	isnt "$(cd "$TEST_DIR" && "$SOURCE_DIR/configure" -q --enable-bug=$name >/dev/null 2>&1 && echo accepted)" accepted \
		"an unknown bug is refused: $name"
done
done_testing
