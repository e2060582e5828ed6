-- A sale of some size in every table, so that the planner decides as it would at work: what a member
-- did, finished, with a little of everything that still waits. Run as superuser on a demo database.
set session_replication_role = replica;
set client_min_messages = warning;
\set many 20000
insert into cm.member (id, email, email_key, name, password_hash)
  select 100000 + n, 'm' || n || '@fill.example', 'm' || n || '@fill.example', 'm' || n, '!' from generate_series(1, :many) n;
insert into cm.refresh_token (member_id, family, token_hash, expires_at, revoked_at)
  select 100000 + n, gen_random_uuid(), sha256(n::text::bytea), now() + interval '1 day' + n * interval '1 second',
         case when n % 10 > 0 then now() end
    from generate_series(1, :many) n;
insert into cm.concert (id, title, place, date_time, reservation_open_at, reservation_close_at, queue_mode, seat_count)
  select 100000 + n, '공연 ' || md5(n::text), '홀 ' || n % 100, now() + interval '30 days' + n * interval '1 minute',
         now() - interval '1 day', now() + interval '29 days', 'none', 0
    from generate_series(1, 3000) n;
insert into cm.seat_grade (id, concert_id, name, price, first_position, seat_count)
  select 100000 + n, 100000 + n, 'R', 1000, 0, case n when 1 then :many else 0 end from generate_series(1, 3000) n;
insert into cm.seat_counter (concert_id, grade_id, slot, available, held, sold, blocked)
  select 100000 + n, 100000 + n, 1, 0, 0, case n when 1 then :many else 0 end, 0 from generate_series(1, 3000) n;
insert into cm.seat (id, concert_id, grade_id, position, number, x, y, row_label, seat_number, state, reservation_id)
  select 1000000 + n, 100001, 100001, n - 1, n, n, 0, 'A', 'A-' || n, 'SOLD', 1000000 + n from generate_series(1, :many) n;
insert into cm.reservation (id, member_id, concert_id, amount, expires_at, created_at, paid_at, seat_count, status)
  select 1000000 + n, 100000 + n, 100001, 1000, now() - interval '1 hour', now() - interval '2 hours',
         now() - interval '1 hour', 1, 'CONFIRMED'
    from generate_series(1, :many) n;
insert into cm.reservation_seat (reservation_id, seat_id, grade_id, price, position, seat_number, grade_name)
  select 1000000 + n, 1000000 + n, 100001, 1000, n - 1, 'A-' || n, 'R' from generate_series(1, :many) n;
insert into cm.reservation_audit (reservation_id, from_status, to_status, why)
  select 1000000 + n, 'NONE', 'PENDING', 'hold' from generate_series(1, :many) n;
insert into cm.payment (id, reservation_id, member_id, amount, captured_at, settled_at, status, gateway)
  select 1000000 + n, 1000000 + n, 100000 + n, 1000, now(), now(), 'SUCCESS', 'sandbox' from generate_series(1, :many) n;
insert into cm.payment_refund (id, payment_id, reservation_id, member_id, amount, settled_at, status, reason)
  select 1000000 + n, 2000000 + n, 2000000 + n, 100000 + n, 1000, now(), 'SUCCESS', 'member' from generate_series(1, :many) n;
insert into cm.ticket (id, reservation_id, concert_id, seat_id, member_id, seat_number, grade_name)
  select 1000000 + n, 1000000 + n, 100001, 1000000 + n, 100000 + n, 'A-' || n, 'R' from generate_series(1, :many) n;
insert into cm.notification (id, member_id, event_id, kind, email_status)
  select 1000000 + n, 100000 + n, 1000000 + n, 'confirmed', 'SKIPPED' from generate_series(1, :many) n;
insert into cm.outbox (id, topic, key, payload, published_at, created_at)
  select 1000000 + n, 'fill', n::text, '{}', now(), now() from generate_series(1, :many) n;
insert into cm.delivery (consumer_group, event_id, key, done_at)
  select g, 1000000 + n, n::text, now() from generate_series(1, :many) n, unnest(array['cache', 'reservation']) g;
insert into cm.inbox (consumer_group, event_id)
  select 'reservation', 1000000 + n from generate_series(1, :many) n;
insert into cm.dead_letter (event_id, attempt_count, consumer_group, topic, key, payload, error, closed_at, closed_how)
  select 1000000 + n, 8, 'cache', 'fill', n::text, '{}', 'x', now(), 'dropped' from generate_series(1, 5000) n;
insert into cm.idempotency_key (member_id, key, operation, request_hash, code)
  select 100000 + n, 'k', 'hold', 'x', 'OK' from generate_series(1, :many) n;
select setval(pg_get_serial_sequence('cm.' || t, 'id'), 5000000) from unnest(array['member', 'concert', 'seat_grade',
  'seat', 'reservation', 'payment', 'payment_refund', 'ticket', 'notification', 'outbox']) t;
vacuum analyze;
select pg_stat_reset();
