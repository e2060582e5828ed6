#!/usr/bin/env bash
# A checker that never failed proves nothing: t/verify must name each of these damages.
. "$(dirname "$0")/lib.sh"
start_instance
sql "update cm.concert set queue_mode = 'none' where id = 802;
	select code from cm.reservation_hold(1, 802, '{665}', null, null, null, null, null);
	select code from cm.reservation_hold(2, 802, '{666}', null, null, null, null, null)" >/dev/null
ok "sound to begin with" "$SOURCE_DIR/t/verify" "$DATABASE_URL"

# caught NAME DAMAGE REPAIR
caught() {
	sql "$2" >/dev/null
	like "$("$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/history")" "BROKEN +[0-9]+ +$1" "caught: $1"
	sql "$3" >/dev/null
}
: >"$TEST_DIR/history"
caught 'a seat has one live reservation' \
	"drop index cm.reservation_seat_live; insert into cm.reservation_seat select 2, seat_id, grade_id, price, position,
		true, seat_number, grade_name from cm.reservation_seat where seat_id = 665" \
	"delete from cm.reservation_seat where seat_id = 665 and reservation_id = 2"
caught 'seat state, holder and live line agree' \
	"update cm.seat set state = 'AVAILABLE', reservation_id = null, held_until = null where id = 665" \
	"update cm.seat s set state = 'HELD', reservation_id = 1, held_until = r.expires_at
		from cm.reservation r where r.id = 1 and s.id = 665"
caught 'counters equal the seats' \
	"update cm.seat_counter set held = held + 1 where concert_id = 802 and slot = 0" \
	"update cm.seat_counter set held = held - 1 where concert_id = 802 and slot = 0"
caught "members' live seats are within the limit" \
	"update cm.concert set max_tickets_per_member = 1; update cm.reservation set seat_count = 2 where id = 1" \
	"update cm.reservation set seat_count = 1 where id = 1; update cm.concert set max_tickets_per_member = 4"
caught 'amounts are the sum' "update cm.reservation set amount = 1 where id = 1" \
	"update cm.reservation set amount = 150000 where id = 1"
printf '%s\n' '{"member":1,"op":"hold","key":"k","start":1,"end":2,"status":201,"reservation":77,"seats":[670]}' >"$TEST_DIR/history"
caught 'every acknowledged hold is there' "select 1" "select 1"
vip=$(sql "select id from cm.seat_grade where concert_id = 802 and name = 'VIP'")
refusal='{"member":3,"op":"hold","key":"k","start":%s,"end":%s,"status":409,"code":"sold-out","grade":%s,"wanted":%s,"reservation":0,"seats":[]}\n'
now=$(date +%s%6N)
# shellcheck disable=SC2059
printf "$refusal" "$now" "$now" "$vip" 4 >"$TEST_DIR/history"
caught 'no group was refused while neighbours were free' "select 1" "select 1"
# shellcheck disable=SC2059
printf "$refusal" "$now" "$now" "$vip" 4000 >"$TEST_DIR/history"
ok "a group that fits nowhere was refused rightly" "$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/history"
: >"$TEST_DIR/history"
ok "sound again" "$SOURCE_DIR/t/verify" "$DATABASE_URL"
done_testing
