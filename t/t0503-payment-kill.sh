#!/usr/bin/env bash
# Every program of the payment flow dies at random steps of it (a build with --enable-points). In the
# end: charged at most once; paid means CONFIRMED with exactly its tickets, or refunded; a success that
# was answered stays one. 20 rounds, 200 with CM_LONG.
. "$(dirname "$0")/lib.sh"
rounds=20
[ -z "${CM_LONG:-}" ] || rounds=200
points=$BUILD_DIR/points
mkdir -p "$points"
exec 7>"$points/.lock"
flock 7
[ -e "$points/Makefile" ] || (cd "$points" && "$SOURCE_DIR/configure" -q --enable-points) >"$TEST_DIR/configure" 2>&1 ||
	bail "configure --enable-points failed: $(tail -3 "$TEST_DIR/configure")"
make -s -C "$points" -j2 all >"$TEST_DIR/make" 2>&1 || bail "the build failed: $(tail -5 "$TEST_DIR/make")"
exec 7>&-
BUILD_DIR=$points
mkdir -m 777 "$TEST_DIR/bank"
export CM_POINT='?:12'
CM_SANDBOX_DIR=$TEST_DIR/bank start_instance
hold() { sql "select reservation_id from cm.reservation_hold($payer, 805, array[$1]::bigint[], null, null, null, null, null)"; }
sql "update cm.concert set max_tickets_per_member = 100000 where id = 805" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")

# Whoever dies is started again, by the command that starts everything.
keep_up() { while [ ! -e "$TEST_DIR/enough" ]; do up; sleep 0.2; done; }
keep_up &
keeper=$!

settled() {
	sql "update cm.payment set deadline_at = now(), next_query_at = now() where status = 'PENDING' and coalesce(next_query_at, deadline_at) > now();
		update cm.payment_refund set next_attempt_at = now() where status = 'PENDING' and next_attempt_at > now()" >/dev/null
	[ "$(sql "select (select count(*) from cm.payment where status = 'PENDING')
		+ (select count(*) from cm.reservation where status in ('PAID', 'REFUNDING') or paying)
		+ (select count(*) from cm.payment_refund where status = 'PENDING')
		+ (select count(*) from cm.outbox where published_at is null)
		+ (select count(*) from cm.delivery where done_at is null)")" = 0 ]
}
scripts=(success success timeout lost decline duplicate)
seat=2000
for round in $(seq "$rounds"); do
	jobs=()
	for _ in 1 2 3 4; do
		seat=$((seat + 1))
		script=${scripts[RANDOM % ${#scripts[@]}]}
		wanted=true
		[ "$script" != decline ] || { wanted=false; script=success; }
		reservation=$(hold "$seat")
		(
			curl -s -o /dev/null -w "$reservation %{http_code}\n" -H "Authorization: Bearer $token" \
				-H 'Content-Type: application/json' "$BASE_URL/payment" \
				-d "{\"reservationId\":$reservation,\"isSuccess\":$wanted,\"script\":\"$script\"}"
			[ $((RANDOM % 3)) != 0 ] || curl -s -o /dev/null -X DELETE -H "Authorization: Bearer $token" \
				"$BASE_URL/reservation/$reservation"
		) >>"$TEST_DIR/answers" &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do wait "$job"; done
	[ $((round % 5)) != 0 ] || await settled
done
await settled
touch "$TEST_DIR/enough"
wait "$keeper"

killed=$(cat "$STATE"/log/*.log | grep -c '"message":"started"')
cmp_ok "$killed" -gt 5 "daemons were killed and started again ($killed starts)"
answered=$(sort -u "$TEST_DIR/answers" | awk '$2 == 201 { print $1 }')
cmp_ok "$(wc -l <<<"$answered")" -gt 0 "some payments were answered ($(awk '{ print $2 }' "$TEST_DIR/answers" | sort | uniq -c | tr -s ' \n' ' '))"
is "$(sql "select count(*) from cm.reservation where id in ($(tr '\n' ',' <<<"$answered")0) and status not in ('CONFIRMED', 'REFUNDED')")" \
	0 "every 201 is still true"
is "$(awk '$1 == "charge" { print $2 }' "$TEST_DIR/bank/ledger" | sort | uniq -d | wc -l)" 0 "nobody was charged twice"
is "$(awk '$1 == "refund" { print $2 }' "$TEST_DIR/bank/ledger" | sort | uniq -d | wc -l)" 0 "nobody was refunded twice"
is "$(sql "select count(*) from cm.reservation r where status = 'CONFIRMED' and seat_count <>
	(select count(*) from cm.ticket t where t.reservation_id = r.id and t.status = 'ISSUED')")" 0 "confirmed means exactly its tickets"
is "$(sql "select count(*) from cm.ticket t join cm.reservation r on r.id = t.reservation_id where t.status = 'ISSUED' and r.status <> 'CONFIRMED'")" \
	0 "and no ticket without"
sql "select gateway_order_id from cm.payment p join cm.reservation r on r.id = p.reservation_id where r.status = 'CONFIRMED' order by 1" >"$TEST_DIR/confirmed"
awk '{ n[$2] += $1 == "charge" ? $3 : -$3 } END { for (o in n) if (n[o] != 0) print o }' "$TEST_DIR/bank/ledger" | sort >"$TEST_DIR/kept"
ok "the gateway kept money for just the confirmed ones" cmp "$TEST_DIR/confirmed" "$TEST_DIR/kept"
is "$(sql "select count(*) from cm.seat s where state = 'SOLD' and not exists (select from cm.reservation r where r.id = s.reservation_id and r.status = 'CONFIRMED')")" \
	0 "sold seats are confirmed ones"
is "$(sql "select count(*) from cm.dead_letter")" 0 "nothing was given up"
done_testing
