-- Database roles, their rights and settings; safe to run again, after every migration.
--
-- One role a program, least privilege. No passwords here: over a Unix socket the cluster of scripts/up
-- trusts its own folder's socket, elsewhere the operator sets passwords or certificates.

do $$
declare
  l_role text;
begin
  foreach l_role in array array['cm_auth', 'cm_member', 'cm_concert', 'cm_queue', 'cm_reservation',
      'cm_payment', 'cm_ops', 'cm_relay', 'cm_consumer', 'cm_sweeper', 'cm_admin'] loop
    if not exists (select from pg_roles where rolname = l_role) then
      execute format('create role %I login', l_role);
    end if;
    execute format('alter role %I set statement_timeout = ''2s''', l_role);
    execute format('alter role %I set lock_timeout = ''500ms''', l_role);
    execute format('alter role %I set idle_in_transaction_session_timeout = ''5s''', l_role);
    execute format('alter role %I set client_connection_check_interval = ''500ms''', l_role);
    execute format('alter role %I set synchronous_commit = on', l_role);
    execute format('alter role %I set search_path = cm, pg_temp', l_role);
    execute format('alter role %I set timezone = ''UTC''', l_role);
    execute format('alter role %I set jit = off', l_role);
    execute format('alter role %I set plan_cache_mode = ''force_generic_plan''', l_role);
    execute format('revoke all on all tables in schema cm from %I', l_role);
    execute format('revoke all on all functions in schema cm from %I', l_role);
    execute format('grant usage on schema cm to %I', l_role);
    execute format('grant select on cm.schema_migration to %I', l_role);
  end loop;
  -- Plans are made once, often while tables are still empty, and must be good when they are full: where
  -- every statement has an index to go by, nothing else is considered.
  foreach l_role in array array['cm_auth', 'cm_queue', 'cm_reservation', 'cm_payment', 'cm_relay',
      'cm_consumer', 'cm_sweeper'] loop
    execute format('alter role %I set enable_seqscan = off', l_role);
    execute format('alter role %I set enable_bitmapscan = off', l_role);
    execute format('alter role %I set enable_hashjoin = off', l_role);
    execute format('alter role %I set enable_mergejoin = off', l_role);
  end loop;
  -- Whoever runs this owns the tables; daemons and the organiser's large layouts may take longer.
  execute 'alter role cm_sweeper set statement_timeout = ''10s''';
  execute 'alter role cm_admin set statement_timeout = ''60s''';
  execute 'alter role cm_relay set statement_timeout = ''10s''';
  execute 'alter role cm_consumer set statement_timeout = ''10s''';
  execute 'alter role cm_concert set statement_timeout = ''20s''';
end
$$;

revoke all on schema cm from public;
revoke execute on all functions in schema cm from public;
alter default privileges in schema cm revoke execute on functions from public;

-- Functions that only compute or only do what the caller's table rights allow (security invoker).
grant execute on all functions in schema cm to
  cm_reservation, cm_payment, cm_consumer, cm_sweeper, cm_admin, cm_concert;
grant execute on function cm.bigrams(text) to cm_member, cm_ops, cm_queue;

-- Accounts. Only who judges passwords reads their hashes; nobody but an operator changes a role.
grant select, insert on cm.member to cm_auth;
grant update (name, password_hash, updated_at) on cm.member to cm_auth; -- PATCH /member/me
grant select, insert, update, delete on cm.refresh_token to cm_auth;
grant select (id, name, email, email_key, role, language, notification_opt_out, created_at, updated_at,
              deleted_at) on cm.member to cm_member, cm_consumer;
grant update (name, email, email_key, language, notification_opt_out, password_hash, updated_at, deleted_at)
  on cm.member to cm_member;
grant select, update on cm.refresh_token to cm_member;
grant select on cm.reservation, cm.reservation_seat, cm.concert, cm.ticket, cm.notification to cm_member;
-- leaving: what is under way is locked, not changed
grant update (updated_at) on cm.reservation to cm_member;
grant select (reservation_id, id, captured_at) on cm.payment to cm_member;
grant select (payment_id, status) on cm.payment_refund to cm_member;
grant update (read_at) on cm.notification to cm_member;
grant update (status, used_at, used_by) on cm.ticket to cm_member;
grant select on cm.reservation, cm.concert to cm_auth;

-- Catalogue
grant select, insert, update on cm.concert, cm.seat_grade, cm.seat, cm.seat_counter to cm_concert;
grant insert on cm.concert_ladder to cm_concert;
grant select on cm.concert_ladder to cm_reservation;
grant select on cm.seat_availability, cm.reservation, cm.reservation_seat, cm.payment, cm.payment_refund
  to cm_concert;
grant select (id, role) on cm.member to cm_concert;
grant insert, select on cm.outbox to cm_concert;

-- Queue: reads the concert and its numbers, writes only what is its own
grant select on cm.concert, cm.seat_counter, cm.seat_availability to cm_queue;
grant update (queue_mode, queue_rate_per_second, queue_capacity, queue_lobby_at, queue_paused, queue_message,
              queue_epoch, queue_settings, version, updated_at) on cm.concert to cm_queue;
grant select, insert, update on cm.queue_draw, cm.queue_checkpoint to cm_queue;
-- a changed concert's settings go to the queue at once; the consumer does it again, but never draws
grant select, insert, update on cm.queue_draw, cm.queue_checkpoint to cm_concert;
grant select on cm.queue_draw to cm_consumer;
grant select, insert, update on cm.queue_checkpoint to cm_consumer;
grant select (id, role, created_at) on cm.member to cm_queue;
-- after a loss: whose turn has been used
grant select (member_id, concert_id, paid_at) on cm.reservation to cm_queue;

-- Booking
grant select on cm.concert, cm.seat_grade, cm.reservation_transition, cm.seat_availability
  to cm_reservation, cm_payment, cm_consumer, cm_sweeper;
grant select, update (state, reservation_id, held_until) on cm.seat
  to cm_reservation, cm_payment, cm_consumer, cm_sweeper;
grant select, update (live) on cm.reservation_seat to cm_reservation, cm_payment, cm_consumer, cm_sweeper;
grant insert on cm.reservation_seat to cm_reservation;
grant select, insert, update on cm.seat_counter to cm_reservation;
grant select, update (status, status_reason) on cm.reservation to cm_reservation, cm_consumer;
grant select, update (status, status_reason, paying, paid_at) on cm.reservation to cm_payment, cm_sweeper;
grant insert (member_id, concert_id, amount, currency, seat_count, expires_at) on cm.reservation to cm_reservation;
grant select, insert, update on cm.seat_counter to cm_payment, cm_consumer, cm_sweeper;
grant insert, select on cm.reservation_audit, cm.payment_audit, cm.outbox
  to cm_reservation, cm_payment, cm_consumer, cm_sweeper;
grant select, insert, update on cm.idempotency_key to cm_reservation, cm_payment, cm_sweeper, cm_consumer;
grant delete on cm.idempotency_key to cm_sweeper;
-- Money: what was agreed (amounts, whose, for what) is written once; only outcomes change.
grant select on cm.payment, cm.payment_refund to cm_payment, cm_sweeper, cm_consumer, cm_reservation;
grant insert on cm.payment to cm_payment;
grant update (status, captured_at, settled_at, gateway_key, failure_code, failure_message, refunded_amount,
              query_count, next_query_at, asked_at, recheck_at) on cm.payment to cm_payment, cm_sweeper;
grant update (refunded_amount) on cm.payment to cm_reservation, cm_consumer;
grant insert on cm.payment_refund to cm_payment, cm_sweeper, cm_consumer, cm_reservation;
grant update (status, settled_at, next_attempt_at, attempt_count, gateway_key, last_error)
  on cm.payment_refund to cm_sweeper;
grant select on cm.ticket to cm_payment, cm_sweeper;
grant select, update (status, voided_at) on cm.ticket to cm_reservation, cm_consumer;
grant insert on cm.ticket to cm_consumer;

-- Events
grant select on cm.subscription to cm_relay, cm_consumer, cm_sweeper;
grant select, update on cm.outbox to cm_relay;
grant select, insert on cm.delivery to cm_relay;
grant select, update on cm.delivery to cm_consumer;
grant select, insert on cm.inbox, cm.dead_letter to cm_consumer;
grant select, insert, update on cm.notification to cm_consumer;
grant select, delete on cm.outbox, cm.delivery, cm.inbox, cm.refresh_token to cm_sweeper;
grant select on cm.dead_letter to cm_sweeper;

-- Operators read; scripts/admin may do what an operator must
grant select on all tables in schema cm to cm_ops;
revoke select on cm.member, cm.refresh_token, cm.idempotency_key, cm.queue_draw from cm_ops;
grant select (id, role, created_at, deleted_at) on cm.member to cm_ops;
-- Connections by state; where the migrating role may not grant it, they read as unknown.
do $$
begin
  grant pg_read_all_stats to cm_ops;
exception when insufficient_privilege then
  raise notice 'cm_ops can not see the state of other connections';
end
$$;
grant select, insert, update on all tables in schema cm to cm_admin;
revoke insert, update on cm.schema_migration from cm_admin;
revoke update on cm.reservation_audit, cm.payment_audit from cm_admin;
grant delete on cm.delivery, cm.inbox to cm_admin;
grant usage on all sequences in schema cm to cm_auth, cm_concert, cm_reservation, cm_payment, cm_consumer,
  cm_sweeper, cm_relay, cm_admin, cm_member;
