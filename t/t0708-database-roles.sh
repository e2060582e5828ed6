#!/usr/bin/env bash
# Every program's database role may do its work and no more: a table of what each must be refused,
# tried on a connection of that role.
. "$(dirname "$0")/lib.sh"
start_instance
member owner@example.com

# refused ROLE <statements: each must fail for want of a right; one connection a role
refused() {
	local role=$1 statements statement n=0 got
	mapfile -t statements
	for statement in "${statements[@]}"; do
		printf '\\echo @%d\nbegin;\n%s;\nrollback;\n' "$n" "$statement"
		n=$((n + 1))
	done | psql -X -q -A -t -v VERBOSITY=sqlstate -d "${DATABASE_URL/user=postgres/user=$role}" >"$TEST_DIR/as" 2>&1
	n=0
	for statement in "${statements[@]}"; do
		got=$(sed -n "/^@$n\$/,/^@/p" "$TEST_DIR/as" | grep -o 'ERROR:  [0-9A-Z]*' | head -1)
		is "$got" "ERROR:  42501" "$role: $statement"
		n=$((n + 1))
	done
}
roles=(cm_auth cm_member cm_concert cm_queue cm_reservation cm_payment cm_ops cm_relay cm_consumer cm_sweeper cm_admin)
is "$(sql "select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname like 'cm\\_%'")" \
	"$(printf '%s\n' "${roles[@]}" | sort | tr '\n' ' ' | sed 's/ $//')" "these are the roles; each has rows here"

# --- what each must not -------------------------------------------------------------------------------------
cat >"$TEST_DIR/table" <<'END'
cm_auth|update cm.member set role = 'ROLE_ADMIN'
cm_auth|update cm.member set email = 'x'
cm_auth|select * from cm.payment
cm_auth|update cm.reservation set amount = 0
cm_auth|insert into cm.ticket (reservation_id) values (1)
cm_member|select password_hash from cm.member
cm_member|update cm.reservation set amount = 0
cm_member|update cm.payment set captured_at = null
cm_member|select amount from cm.payment
cm_member|update cm.member set role = 'ROLE_ADMIN'
cm_member|insert into cm.member (name, email, email_key, password_hash) values ('a', 'a', 'a', '!')
cm_member|select * from cm.payment
cm_member|update cm.reservation set status = 'PAID'
cm_member|update cm.seat set state = 'AVAILABLE'
cm_member|insert into cm.ticket (reservation_id) values (1)
cm_concert|select password_hash from cm.member
cm_concert|select email from cm.member
cm_concert|update cm.member set role = 'ROLE_ADMIN'
cm_concert|update cm.reservation set amount = 0
cm_concert|update cm.payment set amount = 0
cm_concert|select * from cm.refresh_token
cm_queue|select password_hash from cm.member
cm_queue|select email from cm.member
cm_queue|select * from cm.reservation
cm_queue|select * from cm.payment
cm_queue|update cm.seat set state = 'AVAILABLE'
cm_queue|update cm.concert set status = 'CANCELLED'
cm_queue|update cm.concert set reservation_open_at = now()
cm_queue|insert into cm.outbox (topic, key, payload) values ('payment.completed', 1, '{}')
cm_reservation|select password_hash from cm.member
cm_reservation|select * from cm.refresh_token
cm_reservation|update cm.concert set max_tickets_per_member = 1000
cm_reservation|update cm.seat_grade set price = 1
cm_reservation|insert into cm.payment (reservation_id) values (1)
cm_reservation|update cm.payment set status = 'SUCCESS'
cm_reservation|update cm.payment set amount = 0
cm_reservation|update cm.payment_refund set status = 'SUCCESS'
cm_reservation|update cm.reservation set amount = 0
cm_reservation|update cm.reservation set paid_at = now()
cm_reservation|update cm.reservation_seat set price = 0
cm_reservation|update cm.seat set grade_id = 1
cm_reservation|update cm.ticket set member_id = 1
cm_reservation|insert into cm.ticket (reservation_id) values (1)
cm_reservation|delete from cm.idempotency_key
cm_payment|select password_hash from cm.member
cm_payment|update cm.payment set amount = 0
cm_payment|update cm.payment_refund set amount = 0
cm_payment|update cm.payment_refund set status = 'SUCCESS'
cm_payment|update cm.reservation set amount = 0
cm_payment|update cm.reservation set member_id = 1
cm_payment|update cm.ticket set status = 'ISSUED'
cm_payment|insert into cm.reservation (member_id) values (1)
cm_payment|update cm.concert set status = 'CANCELLED'
cm_payment|update cm.seat_grade set price = 1
cm_payment|insert into cm.ticket (reservation_id) values (1)
cm_payment|delete from cm.outbox
cm_ops|select password_hash from cm.member
cm_ops|select email from cm.member
cm_ops|select * from cm.refresh_token
cm_ops|select * from cm.idempotency_key
cm_ops|select * from cm.queue_draw
cm_ops|update cm.concert set title = 'x'
cm_ops|insert into cm.outbox (topic, key, payload) values ('payment.completed', 1, '{}')
cm_ops|select pg_terminate_backend((select pid from pg_stat_activity where usename = 'cm_auth' limit 1))
cm_relay|select * from cm.member
cm_relay|select * from cm.payment
cm_relay|update cm.reservation set amount = 0
cm_relay|delete from cm.outbox
cm_relay|insert into cm.outbox (topic, key, payload) values ('payment.completed', 1, '{}')
cm_consumer|select password_hash from cm.member
cm_consumer|insert into cm.payment (reservation_id) values (1)
cm_consumer|update cm.payment set amount = 0
cm_consumer|update cm.payment set status = 'SUCCESS'
cm_consumer|update cm.payment_refund set amount = 0
cm_consumer|update cm.reservation set amount = 0
cm_consumer|update cm.reservation set expires_at = now()
cm_consumer|update cm.ticket set member_id = 1
cm_consumer|select * from cm.refresh_token
cm_consumer|update cm.member set role = 'ROLE_ADMIN'
cm_consumer|insert into cm.reservation (member_id) values (1)
cm_consumer|delete from cm.dead_letter
cm_sweeper|select password_hash from cm.member
cm_sweeper|insert into cm.payment (reservation_id) values (1)
cm_sweeper|update cm.payment set amount = 0
cm_sweeper|update cm.payment_refund set amount = 0
cm_sweeper|update cm.reservation set amount = 0
cm_sweeper|update cm.ticket set status = 'ISSUED'
cm_sweeper|insert into cm.reservation (member_id) values (1)
cm_sweeper|insert into cm.ticket (reservation_id) values (1)
cm_sweeper|update cm.concert set title = 'x'
cm_admin|delete from cm.outbox
END

# --- what nobody but the owner may -----------------------------------------------------------------------
everybody=(
	"create table cm.mine (id int)" "create table public.mine (id int)" "create schema mine"
	"drop table cm.seat" "alter table cm.seat disable trigger all" "truncate cm.reservation"
	"create function cm.mine() returns int language sql as 'select 1'"
	"copy cm.concert to program 'true'" "copy cm.concert to '/tmp/cm-roles'" "select pg_read_file('/etc/passwd')"
	"select rolpassword from pg_authid" "create role mine" "set role postgres"
	"alter role postgres password 'x'" "set session_replication_role = replica" "delete from cm.payment"
	"delete from cm.reservation" "delete from cm.member" "delete from cm.ticket" "delete from cm.reservation_audit"
	"update cm.schema_migration set version = 1"
)
for role in "${roles[@]}"; do
	ok "$role can connect" psql -X -q -d "${DATABASE_URL/user=postgres/user=$role}" -c 'select from cm.schema_migration'
	is "$(sql "select rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls from pg_roles where rolname = '$role'")" \
		f "$role has no power over the server"
	refused "$role" < <(printf '%s\n' "${everybody[@]}"; sed -n "s/^$role|//p" "$TEST_DIR/table")
done


# The roles' own time-outs, without which a stuck statement would hold its seats.
is "$(sql "select count(*) from pg_roles r join pg_db_role_setting s on s.setrole = r.oid where rolname like 'cm\\_%'
	and array_to_string(setconfig, ' ') ~ 'statement_timeout=' and array_to_string(setconfig, ' ') ~ 'lock_timeout='
	and array_to_string(setconfig, ' ') ~ 'client_connection_check_interval=500' and array_to_string(setconfig, ' ') ~ 'synchronous_commit=on'")" \
	"${#roles[@]}" "each role has its time-outs and commits durably"
# Each program really connects as its own.
is "$(sql "select count(*) from pg_stat_activity where datname = 'concert_mania' and application_name like 'cm\\_%'
	and usename <> application_name")" 0 "programs connect as their own role"
is "$(sql "select count(*) from pg_stat_activity where usename = 'cm_auth'")" 1 "as sign-up did here"
done_testing
