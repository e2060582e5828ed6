#!/usr/bin/env bash
# Every program of the payment flow dies at each step of it (a build with --enable-points): first at
# every point that the sources name, with every answer of a gateway that leads there; then at random,
# 20 rounds, 200 with CM_LONG. In the end: charged at most once; paid means CONFIRMED with exactly its
# tickets, or refunded; a success that was answered stays one; the customer was told.
. "$(dirname "$0")/lib.sh"
rounds=20
[ -z "${CM_LONG:-}" ] || rounds=200
use_points
died=$TEST_DIR/deaths # point, program and process of each
mkdir -m 777 "$TEST_DIR/bank"
install -m 666 /dev/null "$TEST_DIR/bank/ledger"
CM_SANDBOX_DIR=$TEST_DIR/bank start_instance
hold() { sql "select reservation_id from cm.reservation_hold($payer, 805, array[$1]::bigint[], null, null, null, null, null)"; }
sql "update cm.concert set max_tickets_per_member = 100000 where id in (801, 802, 805)" >/dev/null
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")

# settled: nothing is on its way any more. What waits for its time is due at once.
settled() {
	sql "update cm.payment set deadline_at = now(), next_query_at = now() where status = 'PENDING' and coalesce(next_query_at, deadline_at) > now();
		update cm.payment_refund set next_attempt_at = now() where status = 'PENDING' and next_attempt_at > now()" >/dev/null
	[ "$(sql "select (select count(*) from cm.payment where status = 'PENDING')
		+ (select count(*) from cm.reservation where status in ('PAID', 'REFUNDING') or paying)
		+ (select count(*) from cm.payment_refund where status = 'PENDING')
		+ (select count(*) from cm.outbox where published_at is null)
		+ (select count(*) from cm.delivery where done_at is null)")" = 0 ]
}

# --- at every point ---------------------------------------------------------------------------------

seat=2000
# pay SCRIPT [SEAT]: by a client that sees its connection break; sets reservation.
pay() {
	local wanted=true script=$1
	seat=$((seat + 1))
	[ "$script" != decline ] || { wanted=false; script=success; }
	reservation=$(hold "$seat")
	request POST /payment "{\"reservationId\":$reservation,\"isSuccess\":$wanted,\"script\":\"$script\"}"
}
order() { touch "$TEST_DIR/orders/$1"; }
deaths() { grep -c "^$1 $2 " "$died"; }
has_died() { [ "$(deaths "$1" "$2")" -gt "$3" ]; }
# What is due at its time is due now, until somebody dies of it.
has_died_of_work() {
	settled
	has_died "$@"
}
moved() { grep -c "^$1 $(printf 'cm-%010d' "$2") " "$TEST_DIR/bank/ledger"; }
# end_of RESERVATION: payment, reservation, seat, valid tickets, charges, refunds, notices
end_of() {
	sql "select concat_ws(' ', p.status, r.status, s.state,
			(select count(*) from cm.ticket t where t.reservation_id = r.id and t.status = 'ISSUED'),
			$(moved charge "$1"), $(moved refund "$1"),
			(select string_agg(kind, ',' order by kind) from cm.notification n where n.reservation_id = r.id))
		from cm.reservation r join cm.payment p on p.reservation_id = r.id
		join cm.reservation_seat l on l.reservation_id = r.id join cm.seat s on s.id = l.seat_id where r.id = $1"
}
# last_victim: whether the last to die is no more; a zombie isn't
last_victim() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$(tail -1 "$died" | cut -d' ' -f3)/status" 2>/dev/null)
	case $state in '' | Z) echo dead ;; *) echo alive ;; esac
}
paid='SUCCESS CONFIRMED SOLD 1 1 0 confirmed'
free='FAILED CANCELLED AVAILABLE 0 0 0 declined'
refunded='CANCELLED REFUNDED AVAILABLE 0 1 1 cancelled,confirmed,refunded'

# A worker of the pool: the point, the gateway's answer, how it must end.
while read -r point script end; do
	before=$(deaths "$point" cm-payment)
	order "$point"
	pay "$script"
	await has_died "$point" cm-payment "$before"
	printf '%s %s %s|%s %s|%s\n' "$point" "$script" "$reservation" "$(last_victim)" "$status" "$end"
done >"$TEST_DIR/workers" <<TABLE
payment-begun success $free
payment-begun decline $free
payment-begun late $paid
payment-charged success $paid
payment-charged decline $free
payment-charged timeout $paid
payment-charged lost $free
payment-charged late $paid
payment-charged duplicate $paid
payment-charged error500 $paid
payment-charged lost500 $free
payment-settled success $paid
payment-settled decline $free
payment-settled timeout $paid
payment-settled lost $free
payment-settled late $paid
TABLE
await settled
while IFS='|' read -r what got end; do
	is "$got $(end_of "${what##* }")" "dead 503 $end" "a worker dies at ${what% *}: ${end%% *}"
done <"$TEST_DIR/workers"

# dies_and_ends POINT PROGRAM BEFORE WHAT END: it died there, once, and all ends well after a restart
dies_and_ends() {
	local victim
	await has_died_of_work "$1" "$2" "$3"
	victim=$(last_victim)
	[ -z "$others" ] || kill -CONT $others
	ok "scripts/up starts ${2#cm-} again" up
	await settled
	is "$(($(deaths "$1" "$2") - $3)) $victim $(end_of "$reservation")" "1 dead $5" "${2#cm-} dies at $1, $4: ${5%% *}"
}
others=
while read -r point program script end; do
	[[ $end != *refunded* ]] || { pay "$script"; await settled; }
	before=$(deaths "$point" "$program")
	order "$point"
	if [[ $end == *refunded* ]]; then request DELETE "/reservation/$reservation"; else pay "$script"; fi
	dies_and_ends "$point" "$program" "$before" "$script" "$end"
done <<TABLE
reconcile-asked cm-reconciler timeout $paid
reconcile-asked cm-reconciler lost $free
reconcile-asked cm-reconciler late $paid
reconcile-settled cm-reconciler timeout $paid
reconcile-settled cm-reconciler lost $free
refund-made cm-reconciler success $refunded
refund-settled cm-reconciler success $refunded
relay-handed-over cm-relay success $paid
relay-handed-over cm-relay decline $free
relay-marked cm-relay success $paid
TABLE

# Each consumer group, the others standing still meanwhile.
groups=(reservation notification cache)
alone() {
	local group
	others=
	for group in "${groups[@]}"; do
		[ "$group" = "$1" ] || others+=" $(<"$STATE/run/consumer-$group.pid")"
	done
	# shellcheck disable=SC2086
	kill -STOP $others
}
for point in consumer-effect consumer-committed; do
	for group in "${groups[@]}"; do
		before=$(deaths "$point" cm-consumer)
		alone "$group"
		order "$point"
		pay success
		dies_and_ends "$point" cm-consumer "$before" "$group" "$paid"
	done
done

# The concert is cancelled, and the consumer that takes back what was paid dies of it.
while read -r point concert; do
	before=$(deaths "$point" cm-consumer)
	reservation=$(sql "select reservation_id from cm.reservation_hold($payer, $concert, array[(select min(id) from cm.seat
		where concert_id = $concert and state = 'AVAILABLE')], null, null, null, null, null)")
	request POST /payment "{\"reservationId\":$reservation,\"isSuccess\":true}"
	await settled
	alone reservation
	order "$point"
	user=$token
	token=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
	request DELETE "/concert/$concert"
	token=$user
	dies_and_ends "$point" cm-consumer "$before" "a cancelled concert" "${refunded/cancelled,confirmed/concert-cancelled,confirmed}"
done <<'TABLE'
consumer-effect 801
consumer-committed 802
TABLE
others=
is "$(cut -d' ' -f1 "$died" | sort -u | xargs)" \
	"$(grep -oh 'POINT("[a-z-]*")' "$SOURCE_DIR"/lib/{event,payment}/*.c | cut -d'"' -f2 | sort -u | xargs)" \
	"somebody died at every point of payments and events (that of the mail: t0507)"

# --- at random --------------------------------------------------------------------------------------

ok "everything stops" down
rm "$died"
install -m 666 /dev/null "$died"
export CM_POINT='?:20'
ok "and starts again" up
# Whoever dies is started again, by the command that starts everything.
keep_up() { while [ ! -e "$TEST_DIR/enough" ]; do up; sleep 0.2; done; }
keep_up &
keeper=$!
scripts=(success success timeout lost decline duplicate late error500 lost500)
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

diag "$(printf 'died at random: '; cut -d' ' -f1 "$died" | sort | uniq -c | tr -s ' \n' ' ')"
is "$(wc -l <"$TEST_DIR/answers")" $((4 * rounds)) "$rounds rounds of four payments"
cmp_ok "$(wc -l <"$died")" -ge $((rounds / 2)) "somebody died in every second round, or more often: $(wc -l <"$died") times"
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
