#!/usr/bin/env bash
# What money may and may not do: beside check-in, after a cancelled concert, under a changed ladder, for
# a member who leaves; and who is on record for each step.
. "$(dirname "$0")/lib.sh"
CM_EVENT_TRIES=4 start_instance
hold() { sql "select reservation_id from cm.reservation_hold($1, 802, array[$2]::bigint[], null, null, null, null, null)"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
is_waiting() { [ "$(sql "select count(*) from pg_stat_activity where usename = '$1' and wait_event_type = 'Lock'")" -gt 0 ]; }
is_open() { [ "$(sql "select count(*) from pg_stat_activity where state = 'idle in transaction' and usename = 'postgres'")" = 1 ]; }
# Transactions of the test's own, which requests run into: begin_with SQL, then end_with commit.
mkfifo "$TEST_DIR/statements"
psql -X -q -v ON_ERROR_STOP=1 -d "$DATABASE_URL" <"$TEST_DIR/statements" >"$TEST_DIR/session" 2>&1 &
exec 7>"$TEST_DIR/statements"
begin_with() { printf 'begin; %s;\n' "$1" >&7 && await is_open; }
end_with() { printf '%s;\n' "$1" >&7; }
# while_locked ROLE METHOD PATH [BODY]: a request that waits for the open transaction, which is committed then
while_locked() {
	local role=$1
	shift
	request "$@" &
	local asking=$!
	await is_waiting "$role"
	end_with commit
	wait "$asking"
	status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$TEST_DIR/headers")
	body=$(<"$TEST_DIR/body") headers=$(tr -d '\r' <"$TEST_DIR/headers")
}
sql "update cm.concert set max_tickets_per_member = 100, queue_mode = 'none' where id = 802" >/dev/null
admin=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
member payer@example.com
payer=$(sql "select id from cm.member where email_key = 'payer@example.com'")
# buy SEAT: sets bought once it is confirmed
buy() {
	bought=$(hold "$payer" "$1")
	request POST /payment "{\"reservationId\":$bought,\"isSuccess\":true}"
	await status_is "$bought" CONFIRMED
}

# --- check-in and refund at the same moment ---
buy 665
begin_with "update cm.ticket set status = 'USED', used_at = now() where reservation_id = $bought"
while_locked cm_reservation DELETE "/reservation/$bought"
problem 409 ticket-used "who is being let in gets no refund"
is "$(sql "select t.status || ' ' || r.status from cm.ticket t join cm.reservation r on r.id = t.reservation_id
	where r.id = $bought")" "USED CONFIRMED" "and stays in"
sql "select code from cm.refund_begin(null, $bought, 150000, 0, 'concert-cancelled', null, null, null)" >/dev/null
is "$(sql "select status || ' ' || (used_at is not null) from cm.ticket where reservation_id = $bought")" "VOID true" \
	"what the organiser takes back keeps when it was used"
await status_is "$bought" REFUNDED

# --- nobody leaves while money is on its way ---
member leaver@example.com
leaver=$(sql "select id from cm.member where email_key = 'leaver@example.com'")
held=$(hold "$leaver" 671)
request DELETE /member/me
problem 409 member-has-tickets "nobody leaves with a seat held"
# A payment that begins in the hold's last moment, and is not yet to be seen when the member leaves.
sql "update cm.reservation set expires_at = now() where id = $held" >/dev/null
begin_with "update cm.reservation set expires_at = now() + interval '1 minute' where id = $held;
	select from cm.payment_begin($leaver, $held, 'sandbox', null, '{}', null, null, null);
	update cm.reservation set expires_at = now() where id = $held"
while_locked cm_member DELETE /member/me
problem 409 member-has-tickets "nor while a payment is under way, not even one that has just begun"
attempt=$(sql "select id from cm.payment where reservation_id = $held")
sql "select code from cm.payment_settle($attempt, 'DECLINED', null, null, null, null)" >/dev/null
sql "set session_replication_role = replica;
	update cm.payment set captured_at = now(), status = 'CANCELLED' where id = $attempt" >/dev/null
request DELETE /member/me
problem 409 member-has-tickets "nor while what was taken for nothing is still here"
past=$(sql "select min(id) from cm.concert where id <> 802")
sql "set session_replication_role = replica;
	update cm.payment set captured_at = null, status = 'FAILED' where id = $attempt;
	update cm.reservation set status = 'REFUNDING', paid_at = now(), concert_id = $past where id = $held;
	update cm.concert set date_time = now() - interval '1 day', reservation_close_at = now() - interval '2 days',
		reservation_open_at = now() - interval '9 days' where id = $past" >/dev/null
request DELETE /member/me
problem 409 member-has-tickets "nor before a refund is made, also after the concert"
sql "set session_replication_role = replica; update cm.reservation set status = 'REFUNDED' where id = $held" >/dev/null
request DELETE /member/me
is "$status" 204 "then one may"
token=$(sign_in payer@example.com)

# --- a cancelled concert takes no money ---
late=$(hold "$payer" 666)
buy 672
early=$bought
sql "update cm.reservation set created_at = now() - interval '30 days' where id = $early;
	update cm.concert set status = 'CANCELLED', cancelled_at = now(), reservation_close_at = now() + interval '1 second',
	date_time = now() + interval '2 seconds' where id = 802" >/dev/null
over() { [ "$(sql 'select date_time < now() from cm.concert where id = 802')" = t ]; }
await over
request POST /payment "{\"reservationId\":$late,\"isSuccess\":true}"
problem 409 reservation-cancelled "nobody pays for a concert that is cancelled"
is "$(sql "select count(*) from cm.payment where reservation_id = $late")" 0 "no attempt was made"
# before the consumers know
request DELETE "/reservation/$early" '' -H 'Idempotency-Key: give-it-back'
is "$status $(json '[.status, .refundAmount, .fee] | join(" ")')" "200 REFUNDING 150000 0" "who cancels then pays no fee, and is never too late"
is "$(sql "select reason from cm.payment_refund where reservation_id = $early")" concert-cancelled "for it was not the member who cancelled"
await status_is "$early" REFUNDED
request DELETE "/reservation/$early" '' -H 'Idempotency-Key: give-it-back'
is "$status $(json '[.status, .refundAmount, .fee] | join(" ")') $(header Idempotency-Replayed)" "200 REFUNDED 150000 0 true" "once"
sql "update cm.concert set status = 'PUBLISHED', cancelled_at = null, date_time = now() + interval '40 days',
	reservation_close_at = now() + interval '39 days' where id = 802" >/dev/null

# --- the ladder is that of the hold ---
buy 667
user=$token token=$admin
request PATCH /concert/802 '{"cancellation":{"freeOnBookingDay":false,"freeDaysAfterBooking":0,"steps":[{"daysBefore":0,"percent":100}]}}'
is "$status $(json '.cancellation.steps[0].percent')" "200 100" "the organiser makes the ladder worse"
token=$user
request DELETE "/reservation/$bought"
is "$(json '[.status, .refundAmount, .fee] | join(" ")')" "REFUNDING 150000 0" "who bought before cancels as it was then"
mine=$bought
buy 668
request DELETE "/reservation/$bought"
is "$(json '[.status, .refundAmount, .fee] | join(" ")')" "REFUNDING 0 150000" "who buys now, as it is now"
sql "update cm.concert set cancellation = default where id = 802" >/dev/null

# --- an event that meets a time-out again and again keeps nobody waiting ---
begin_with "insert into cm.ticket (reservation_id, concert_id, seat_id, member_id, seat_number, grade_name)
	values ($bought, 802, 669, $payer, 'x', 'x')" # whoever issues that seat's ticket waits
slow=$(hold "$payer" 669)
request POST /payment "{\"reservationId\":$slow,\"isSuccess\":true}"
buy 670
is "$(sql "select status from cm.reservation where id = $slow")" PAID "others are confirmed while it can't be"
end_with rollback
await status_is "$slow" CONFIRMED
pass "and then it is"

# --- a cancelled concert's refunds end, whatever the books say ---
for seat in $(sql "select id from cm.seat where concert_id = 802 and state = 'AVAILABLE' order by id limit 51"); do
	sql "select s.code from cm.reservation_hold($payer, 802, array[$seat]::bigint[], null, null, null, null, null) h,
		lateral cm.payment_begin($payer, h.reservation_id, 'sandbox', null, '{}', null, null, null) b,
		lateral cm.payment_settle(b.payment_id, 'SUCCESS', 'k', null, null, null) s"
done >"$TEST_DIR/paid"
is "$(sort "$TEST_DIR/paid" | uniq -c | tr -s ' ')" " 51 PAID" "more than a batch is paid"
sql "update cm.payment set amount = amount - 1 where status = 'SUCCESS'" >/dev/null
user=$token token=$admin
request DELETE /concert/802
is "$status" 200 "the organiser cancels"
token=$user
nothing_paid() { [ "$(sql "select count(*) from cm.reservation where status in ('PAID', 'CONFIRMED', 'REFUNDING')")" = 0 ]; }
await nothing_paid
request DELETE "/reservation/$late"
told() { sql "select payload ->> 'reason' from cm.notification where reservation_id = $late and kind = 'cancelled'" | grep .; }
await told
is "$status $(told)" "200 concert-cancelled" "who had not paid yet is told that the concert is cancelled, not to book again"
is "$(sql "select string_agg(distinct key, ' ') from cm.outbox where topic like 'concert.%'")" "concert:802" \
	"a concert's events are in line behind the concert's only"
is "$(sql "select count(*) from cm.payment p join cm.payment_refund f on f.payment_id = p.id
	where f.reason = 'concert-cancelled' and f.amount <> p.amount")" 0 "everybody gets back what was charged"
is "$(sql "select count(*) <= 3 from cm.outbox where topic = 'concert.cancelled'")" t "in as many steps as it takes"

# --- who is on record ---
admin_id=$(sql "select id from cm.member where email_key = lower('$ADMIN_EMAIL')")
# steps PAYMENT: from>to who why, in order
steps() { sql "select string_agg(from_status || '>' || to_status || ' ' || who || ' ' || why, '; ' order by id)
	from cm.payment_audit where payment_id = $1"; }
payment_of() { sql "select id from cm.payment where reservation_id = $1"; }
is "$(steps "$(payment_of "$mine")")" "NONE>PENDING member $payer begin; PENDING>SUCCESS program payment gateway; \
NONE>PENDING member $payer member; PENDING>SUCCESS program sweeper gateway; SUCCESS>CANCELLED program sweeper member" \
	"a member pays and cancels: each step with who and why"
is "$(steps "$(payment_of "$slow")")" "NONE>PENDING member $payer begin; PENDING>SUCCESS program payment gateway; \
NONE>PENDING administrator $admin_id concert-cancelled; PENDING>SUCCESS program sweeper gateway; \
SUCCESS>CANCELLED program sweeper concert-cancelled" "an administrator cancels the concert: on record at each refund"
is "$(sql "select cancelled_by from cm.concert where id = 802")" "administrator $admin_id" "and at the concert"
is "$(sql "select count(*) from cm.payment_audit where at is null or who ~ '^cm_'")" 0 "with when, and no bare database role"

# --- a production that would give its tickets away ---
# starts NAME=VALUE...: what the programs say to such settings
starts() { env CM_PROFILE=production "$@" "$BUILD_DIR/fcgi/cm-payment" --check 2>&1; }
is "$(starts CM_GATEWAY=toss CM_TOSS_SECRET_KEY=k)" '' "a real gateway with its key may be started with"
is "$(starts CM_ALLOW_SANDBOX=yes)" '' "and a sandbox that is asked for"
is "$(starts CM_PROFILE=demo)" '' "as in a demo"
while IFS='|' read -r settings named; do
	# shellcheck disable=SC2086
	like "$(starts $settings)" "^$named " "not with $settings"
done <<'END'
CM_GATEWAY=sandbox|CM_GATEWAY
CM_GATEWAY=tos CM_ALLOW_SANDBOX=yes|CM_GATEWAY
CM_PROFILE=demo CM_GATEWAY=Toss|CM_GATEWAY
CM_GATEWAY=toss|CM_TOSS_SECRET_KEY
CM_ALLOW_SANDBOX=yes CM_SANDBOX_DIR=/tmp|CM_SANDBOX_DIR
END
# without keys they would end in any case
for program in fcgi/cm-payment daemon/cm-reconciler; do
	env CM_PROFILE=production "$BUILD_DIR/$program" </dev/null 2>"$TEST_DIR/said"
	like "$(<"$TEST_DIR/said")" 'CM_GATEWAY is sandbox' "$program itself doesn't start, and says why"
done
STATE=$TEST_DIR/serious
if up --profile production; then
	instances+=("$STATE")
	fail "scripts/up doesn't either"
else
	pass "scripts/up doesn't either"
fi
like "$(<"$TEST_DIR/up.log")" 'not started: CM_GATEWAY is sandbox.*CM_GATEWAY=toss' "and says plainly what to set"
is "$(ls "$STATE/run/"*.pid 2>/dev/null)" '' "before it starts anything"
done_testing
