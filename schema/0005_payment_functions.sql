-- Paying, refunding, confirming. Same contract as the functions of reservations: a code and a row.
-- Order of locks: reservation row, payment row, refund row, then as in cm.seats_release.

-- cm.seats_sell(reservation) -> seats as text: id, layout index a record
create function cm.seats_sell(p_reservation bigint) returns text
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l record;
  l_seats text := '';
begin
  for l in
    with sold as (
      update cm.seat s set state = 'SOLD', held_until = null
        from cm.reservation_seat r
       where r.reservation_id = p_reservation and r.live and s.id = r.seat_id
         and s.reservation_id = p_reservation and s.state = 'HELD'
      returning s.concert_id, s.grade_id, s.id, s.position)
    select concert_id, grade_id, count(*)::integer as seats,
           string_agg(id || e'\x1f' || position || e'\x1e', '') as list
      from sold group by concert_id, grade_id order by grade_id
  loop
    perform cm.seats_count(l.concert_id, l.grade_id, 0, -l.seats, l.seats, 0);
    l_seats := l_seats || l.list;
  end loop;
  return l_seats;
end
$$;
comment on function cm.seats_sell(bigint) is 'Turns the held seats of a reservation into sold ones';

create function cm.payment_step() returns trigger
  language plpgsql set search_path = cm, pg_temp
as $$
begin
  if (old.status, new.status) not in (('PENDING', 'SUCCESS'), ('PENDING', 'FAILED'), ('PENDING', 'CANCELLED'),
                                      ('FAILED', 'CANCELLED'), ('SUCCESS', 'CANCELLED')) then
    raise exception 'payment % may not go from % to %', old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'payment_transition';
  end if;
  insert into cm.payment_audit (payment_id, from_status, to_status, why)
  values (new.id, old.status, new.status, coalesce(new.failure_code, 'gateway'));
  return new;
end
$$;
comment on function cm.payment_step() is 'Trigger: only allowed changes of status, each written to the audit';
create trigger payment_step before update on cm.payment
  for each row when (old.status is distinct from new.status) execute function cm.payment_step();

create function cm.refund_step() returns trigger
  language plpgsql set search_path = cm, pg_temp
as $$
begin
  insert into cm.payment_audit (payment_id, refund_id, from_status, to_status, why)
  values (new.payment_id, new.id, case tg_op when 'INSERT' then 'NONE' else old.status end, new.status,
          case when new.status = 'PENDING' then new.reason else coalesce(new.last_error, 'gateway') end);
  return null;
end
$$;
comment on function cm.refund_step() is 'Trigger: each step of a refund is written to the audit';
create trigger refund_born after insert on cm.payment_refund for each row execute function cm.refund_step();
create trigger refund_step after update on cm.payment_refund
  for each row when (old.status is distinct from new.status) execute function cm.refund_step();

-- cm.payment_begin(member, reservation, gateway, gateway_key, gateway_request, key, hash, trace)
--   -> (code, payment_id, order_id, amount, currency, concert_id, status, reservation_status, paid_ms,
--       answer, replayed)
--   Phase 1. gateway_key: what the client brought (paymentKey), may be null. gateway_request: what the
--   adapter needs to ask again.
--   OK            attempt made (PENDING) and the hold frozen: call the gateway, then cm.payment_settle
--   IN_FLIGHT     another attempt is under way: payment_id, status PENDING
--   ALREADY_PAID  payment_id of the successful attempt
--   EXPIRED       past the end of the hold;  CANCELLED  cancelled or declined before
--   NOT_FOUND     not this member's
--   KEY_RUNNING, KEY_REUSED  as for holds; with replayed true the row is the first answer: code is the
--                 code cm.payment_settle or this function gave then (PAID, DECLINED, UNKNOWN, ...)
create function cm.payment_begin(
    p_member bigint, p_reservation bigint, p_gateway text, p_gateway_key text, p_gateway_request jsonb,
    p_key text, p_hash bytea, p_trace text,
    out code text, out payment_id bigint, out order_id text, out amount bigint, out currency text,
    out concert_id bigint, out status text, out reservation_status text, out paid_ms bigint,
    out failure_code text, out replayed boolean)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_why record;
  l_expires timestamptz;
  l_paying boolean;
begin
  replayed := false;
  if p_key is not null then
    select * into l_why from cm.idempotency_find(p_member, p_key, p_hash);
    if l_why.code = 'REPLAY' then
      select * into code, payment_id, amount, currency, concert_id, status, reservation_status, paid_ms, failure_code
        from jsonb_to_record(l_why.result) as r (code text, payment_id bigint, amount bigint, currency text,
             concert_id bigint, status text, reservation_status text, paid_ms bigint, failure_code text);
      replayed := true;
      return;
    elsif l_why.code <> 'NONE' then
      code := 'KEY_' || l_why.code;
      return;
    end if;
  end if;
  select r.status, r.expires_at, r.paying, r.amount, r.currency, r.concert_id
    into reservation_status, l_expires, l_paying, amount, currency, concert_id
    from cm.reservation r where r.id = p_reservation and r.member_id = p_member for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  code := case when l_paying then 'IN_FLIGHT'
               when reservation_status = 'PENDING' and l_expires > clock_timestamp() then 'OK'
               when reservation_status in ('PENDING', 'EXPIRED') then 'EXPIRED'
               when reservation_status = 'CANCELLED' then 'CANCELLED' else 'ALREADY_PAID' end;
  if code = 'OK' then
    insert into cm.payment as p (reservation_id, member_id, amount, currency, gateway, gateway_key,
                                 gateway_request, idempotency_key)
    values (p_reservation, p_member, amount, currency, p_gateway, p_gateway_key,
            coalesce(p_gateway_request, '{}'), p_key)
    returning p.id, p.gateway_order_id, p.status into payment_id, order_id, status;
    update cm.reservation r set paying = true where r.id = p_reservation;
    insert into cm.payment_audit (payment_id, from_status, to_status, why)
    values (payment_id, 'NONE', 'PENDING', 'begin');
  elsif code in ('IN_FLIGHT', 'ALREADY_PAID') then
    select p.id, p.status, p.gateway_order_id, extract(epoch from p.captured_at) * 1000
      into payment_id, status, order_id, paid_ms
      from cm.payment p where p.reservation_id = p_reservation and p.captured_at is not null or
           p.reservation_id = p_reservation and p.status = 'PENDING' order by p.id desc limit 1;
  end if;
  if p_key is not null and code <> 'IN_FLIGHT' then
    perform cm.idempotency_put(p_member, p_key, 'payment', p_hash, nullif(code, 'OK'), jsonb_build_object(
      'code', code, 'payment_id', payment_id, 'amount', amount, 'currency', currency, 'concert_id', concert_id,
      'status', status, 'reservation_status', reservation_status, 'paid_ms', paid_ms));
  end if;
end
$$;
comment on function cm.payment_begin(bigint, bigint, text, text, jsonb, text, bytea, text) is
  'Payment phase 1: the attempt is on record and the hold frozen before the gateway is called';

-- cm.refund_insert(payment, amount, fee, reason) -> refund id; the caller has locked the payment
create function cm.refund_insert(p_payment bigint, p_amount bigint, p_fee bigint, p_reason text) returns bigint
  language sql volatile set search_path = cm, pg_temp
as $$
  update cm.payment set refunded_amount = refunded_amount + p_amount where id = p_payment;
  insert into cm.payment_refund (payment_id, reservation_id, member_id, amount, fee, reason)
  select id, reservation_id, member_id, p_amount, p_fee, p_reason from cm.payment where id = p_payment
  returning id
$$;
comment on function cm.refund_insert(bigint, bigint, bigint, text) is 'Puts a refund on record';

-- cm.payment_settle(payment, outcome, gateway_key, failure_code, failure_message, trace)
--   -> (code, status, reservation_status, reservation_id, member_id, concert_id, amount, currency, paid_ms,
--       seats, refund_id, failure_code)
--   Phase 3, also the reconciler's and the webhook's. outcome: SUCCESS, DECLINED or UNKNOWN.
--   seats: those whose state changed: id, layout index a record (SOLD for PAID, free for DECLINED).
--   PAID       SUCCESS, reservation PAID, seats SOLD, event payment.completed
--   DECLINED   FAILED, reservation CANCELLED, seats free, event payment.failed
--   UNKNOWN    still PENDING; the reconciler asks again (back-off 2 s doubling to 5 min)
--   REFUND     success but the seats are gone: CANCELLED, refund_id PENDING for the full amount
--   ALREADY    settled before: the row as it is
--   NOT_FOUND  no such payment
create function cm.payment_settle(
    p_payment bigint, p_outcome text, p_gateway_key text, p_failure_code text, p_failure_message text,
    p_trace text,
    out code text, out status text, out reservation_status text, out reservation_id bigint,
    out member_id bigint, out concert_id bigint, out amount bigint, out currency text, out paid_ms bigint,
    out seats text, out refund_id bigint, out failure_code text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_key text;
  l_captured timestamptz;
  l_facts jsonb;
begin
  select r.id, r.status, r.concert_id, r.member_id
    into reservation_id, reservation_status, concert_id, member_id
    from cm.reservation r
   where r.id = (select p.reservation_id from cm.payment p where p.id = p_payment) for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  select p.status, p.amount, p.currency, p.captured_at, p.idempotency_key, p.failure_code
    into status, amount, currency, l_captured, l_key, failure_code
    from cm.payment p where p.id = p_payment for update;
  l_facts := jsonb_build_object('reservationId', reservation_id, 'paymentId', p_payment,
    'memberId', member_id, 'concertId', concert_id, 'amount', amount);

  code := case
    when status = 'PENDING' and p_outcome = 'UNKNOWN' then 'UNKNOWN'
    when status = 'PENDING' and p_outcome = 'DECLINED' then 'DECLINED'
    when status = 'PENDING' and p_outcome = 'SUCCESS' and reservation_status = 'PENDING' then 'PAID'
    when p_outcome = 'SUCCESS' and status in ('PENDING', 'FAILED') and l_captured is null then 'REFUND'
    else 'ALREADY' end;
  if code = 'PAID' then
    update cm.payment p set status = 'SUCCESS', captured_at = now(), settled_at = now(),
           gateway_key = coalesce(p_gateway_key, p.gateway_key) where p.id = p_payment;
    update cm.reservation r set status = 'PAID', status_reason = 'payment', paying = false, paid_at = now()
     where r.id = reservation_id;
    seats := cm.seats_sell(reservation_id);
    perform cm.event('payment.completed', reservation_id::text, l_facts, p_trace);
    status := 'SUCCESS';
    reservation_status := 'PAID';
    l_captured := now();
  elsif code = 'DECLINED' then
    failure_code := coalesce(p_failure_code, 'declined');
    update cm.payment p set status = 'FAILED', settled_at = now(), failure_code = coalesce(p_failure_code, 'declined'),
           failure_message = p_failure_message where p.id = p_payment;
    if reservation_status = 'PENDING' then
      update cm.reservation r set status = 'CANCELLED', status_reason = 'declined', paying = false
       where r.id = reservation_id;
      select string_agg(seat_id || e'\x1f' || position || e'\x1e', '') into seats
        from cm.seats_release(array[reservation_id]);
      reservation_status := 'CANCELLED';
    end if;
    perform cm.event('payment.failed', reservation_id::text, l_facts, p_trace);
    status := 'FAILED';
  elsif code = 'REFUND' then
    update cm.payment p set status = 'CANCELLED', captured_at = now(), settled_at = now(),
           gateway_key = coalesce(p_gateway_key, p.gateway_key), failure_code = 'seats-gone' where p.id = p_payment;
    refund_id := cm.refund_insert(p_payment, amount, 0, 'seats-gone');
    status := 'CANCELLED';
    l_captured := now();
  elsif code = 'UNKNOWN' then
    update cm.payment p set query_count = p.query_count + 1,
           next_query_at = now() + least(interval '2 seconds' * power(2, least(p.query_count, 20)), interval '5 minutes'),
           gateway_key = coalesce(p_gateway_key, p.gateway_key)
     where p.id = p_payment;
  end if;
  paid_ms := extract(epoch from l_captured) * 1000;
  if l_key is not null and code in ('PAID', 'DECLINED', 'REFUND') then
    update cm.idempotency_key k set code = payment_settle.code, result = jsonb_build_object(
        'code', payment_settle.code, 'payment_id', p_payment, 'amount', payment_settle.amount,
        'currency', payment_settle.currency, 'concert_id', payment_settle.concert_id,
        'status', payment_settle.status, 'reservation_status', payment_settle.reservation_status,
        'paid_ms', payment_settle.paid_ms, 'failure_code', payment_settle.failure_code)
     where k.member_id = payment_settle.member_id and k.key = l_key and k.code is null;
  end if;
end
$$;
comment on function cm.payment_settle(bigint, text, text, text, text, text) is
  'Payment phase 3: the outcome, once; late successes without seats are refunded';

-- cm.payment_due(limit) -> PENDING attempts the reconciler must ask about, leased for 30 s
create function cm.payment_due(p_limit integer)
  returns table (payment_id bigint, reservation_id bigint, amount bigint, currency text, gateway text,
                 order_id text, gateway_key text, gateway_request text, query_count integer)
  language sql volatile set search_path = cm, pg_temp
as $$
  update cm.payment p set next_query_at = now() + interval '30 seconds'
   where p.id in (select d.id from cm.payment d
                   where d.status = 'PENDING' and coalesce(d.next_query_at, d.deadline_at) <= now()
                   order by coalesce(d.next_query_at, d.deadline_at) limit p_limit for update skip locked)
  returning p.id, p.reservation_id, p.amount, p.currency, p.gateway, p.gateway_order_id, p.gateway_key,
            p.gateway_request::text, p.query_count
$$;
comment on function cm.payment_due(integer) is 'Reconciler: attempts whose outcome is unknown';

-- cm.refund_begin(member, reservation, amount, fee, reason, key, hash, trace)
--   -> (code, refund_id, payment_id, gateway, order_id, gateway_key, currency, concert_id, status,
--       refund_amount, fee, seats)
--   Takes back a PAID or CONFIRMED reservation: REFUNDING, seats free, tickets VOID, refund on record,
--   event reservation.refunding. member null: the organiser's side. The refund itself is made by the
--   reconciler (cm.refund_due), so this never waits for a gateway.
--   OK, ALREADY (refund_amount and fee of the first), NOT_FOUND, NOT_PAID, TICKET_USED (a member's
--   ticket was used), AMOUNT (amount + fee is not what was paid).
create function cm.refund_begin(
    p_member bigint, p_reservation bigint, p_amount bigint, p_fee bigint, p_reason text,
    p_key text, p_hash bytea, p_trace text,
    out code text, out refund_id bigint, out payment_id bigint, out gateway text, out order_id text,
    out gateway_key text, out currency text, out concert_id bigint, out status text,
    out refund_amount bigint, out fee bigint, out seats text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_member bigint;
  l_paid bigint;
begin
  select r.status, r.concert_id, r.currency, r.member_id into status, concert_id, currency, l_member
    from cm.reservation r
   where r.id = p_reservation and (p_member is null or r.member_id = p_member) for update;
  if not found then
    code := 'NOT_FOUND';
  elsif status in ('REFUNDING', 'REFUNDED') then
    code := 'ALREADY';
    select f.id, f.payment_id, f.amount, f.fee into refund_id, payment_id, refund_amount, fee
      from cm.payment_refund f where f.reservation_id = p_reservation order by f.id desc limit 1;
  elsif status not in ('PAID', 'CONFIRMED') then
    code := 'NOT_PAID';
  elsif p_member is not null and exists (select from cm.ticket t
          where t.reservation_id = p_reservation and t.status = 'USED') then
    code := 'TICKET_USED';
  end if;
  if code is not null then
    return;
  end if;
  select p.id, p.gateway, p.gateway_order_id, p.gateway_key, p.amount
    into payment_id, gateway, order_id, gateway_key, l_paid
    from cm.payment p where p.reservation_id = p_reservation and p.status = 'SUCCESS' for update;
  if l_paid is null or p_amount < 0 or p_fee < 0 or p_amount + p_fee <> l_paid then
    code := 'AMOUNT';
    return;
  end if;
  update cm.reservation r set status = 'REFUNDING', status_reason = p_reason where r.id = p_reservation;
  select string_agg(seat_id || e'\x1f' || position || e'\x1e', '') into seats
    from cm.seats_release(array[p_reservation]);
  update cm.ticket t set status = 'VOID', voided_at = now(), used_at = null
   where t.reservation_id = p_reservation and t.status <> 'VOID';
  refund_id := cm.refund_insert(payment_id, p_amount, p_fee, p_reason);
  perform cm.event('reservation.refunding', p_reservation::text, jsonb_build_object(
    'reservationId', p_reservation, 'paymentId', payment_id, 'refundId', refund_id, 'memberId', l_member,
    'concertId', concert_id, 'amount', p_amount, 'fee', p_fee, 'reason', p_reason), p_trace);
  code := 'OK';
  status := 'REFUNDING';
  refund_amount := p_amount;
  fee := p_fee;
  if p_key is not null then
    perform cm.idempotency_put(p_member, p_key, 'refund', p_hash, code, jsonb_build_object(
      'status', status, 'refund_amount', refund_amount, 'fee', fee));
  end if;
end
$$;
comment on function cm.refund_begin(bigint, bigint, bigint, bigint, text, text, bytea, text) is
  'Takes a paid reservation back: seats free, tickets void, the refund on record';

-- cm.refund_due(limit) -> refunds to make at the gateway now, leased for 30 s
create function cm.refund_due(p_limit integer)
  returns table (refund_id bigint, payment_id bigint, reservation_id bigint, amount bigint, currency text,
                 gateway text, order_id text, gateway_key text, gateway_request text, reason text,
                 attempt_count integer)
  language sql volatile set search_path = cm, pg_temp
as $$
  update cm.payment_refund f set next_attempt_at = now() + interval '30 seconds'
    from cm.payment p
   where p.id = f.payment_id
     and f.id in (select d.id from cm.payment_refund d where d.status = 'PENDING' and d.next_attempt_at <= now()
                   order by d.next_attempt_at limit p_limit for update skip locked)
  returning f.id, p.id, f.reservation_id, f.amount, p.currency, p.gateway, p.gateway_order_id, p.gateway_key,
            p.gateway_request::text, f.reason, f.attempt_count
$$;
comment on function cm.refund_due(integer) is 'Reconciler: refunds still to make';

-- cm.refund_settle(refund, outcome, gateway_key, error, trace) -> (code, reservation_id, member_id, status)
--   outcome: SUCCESS, RETRY (asked again with back-off) or FAILED (the gateway's final no: an operator acts).
--   REFUNDED  payment CANCELLED, reservation REFUNDED if it was REFUNDING, event payment.refunded
--   RETRY, FAILED, ALREADY, NOT_FOUND
create function cm.refund_settle(p_refund bigint, p_outcome text, p_gateway_key text, p_error text, p_trace text,
    out code text, out reservation_id bigint, out member_id bigint, out status text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l record;
begin
  select r.id, r.status, r.member_id, r.concert_id into l from cm.reservation r
   where r.id = (select f.reservation_id from cm.payment_refund f where f.id = p_refund) for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  reservation_id := l.id;
  member_id := l.member_id;
  status := l.status;
  perform from cm.payment p
    where p.id = (select f.payment_id from cm.payment_refund f where f.id = p_refund) for update;
  perform from cm.payment_refund f where f.id = p_refund and f.status = 'PENDING' for update;
  if not found then
    code := 'ALREADY';
  elsif p_outcome = 'SUCCESS' then
    code := 'REFUNDED';
    update cm.payment_refund f set status = 'SUCCESS', settled_at = now(), gateway_key = p_gateway_key,
           attempt_count = f.attempt_count + 1, last_error = null where f.id = p_refund;
    update cm.payment p set status = 'CANCELLED', failure_code = f.reason from cm.payment_refund f
     where f.id = p_refund and p.id = f.payment_id and p.status <> 'CANCELLED';
    if l.status = 'REFUNDING' then
      update cm.reservation r set status = 'REFUNDED', status_reason = 'refund' where r.id = l.id;
      status := 'REFUNDED';
    end if;
    perform cm.event('payment.refunded', l.id::text, jsonb_build_object(
      'reservationId', l.id, 'paymentId', f.payment_id, 'refundId', p_refund, 'memberId', l.member_id,
      'concertId', l.concert_id, 'amount', f.amount, 'fee', f.fee, 'reason', f.reason), p_trace)
      from cm.payment_refund f where f.id = p_refund;
  elsif p_outcome = 'FAILED' then
    code := 'FAILED';
    update cm.payment p set refunded_amount = p.refunded_amount - f.amount from cm.payment_refund f
     where f.id = p_refund and p.id = f.payment_id;
    update cm.payment_refund f set status = 'FAILED', settled_at = now(), last_error = p_error,
           attempt_count = f.attempt_count + 1 where f.id = p_refund;
  else
    code := 'RETRY';
    update cm.payment_refund f set attempt_count = f.attempt_count + 1, last_error = p_error,
           next_attempt_at = now() + least(interval '2 seconds' * power(2, least(f.attempt_count, 20)), interval '10 minutes')
     where f.id = p_refund;
  end if;
end
$$;
comment on function cm.refund_settle(bigint, text, text, text, text) is 'The outcome of a refund at the gateway';

-- cm.inbox_mark(group, event) -> true when this is the first time; the effect follows in the same transaction
create function cm.inbox_mark(p_group text, p_event bigint) returns boolean
  language sql volatile set search_path = cm, pg_temp
as $$
  with marked as (insert into cm.inbox (consumer_group, event_id) values (p_group, p_event)
                  on conflict do nothing returning 1)
  select exists (select from marked)
$$;
comment on function cm.inbox_mark(text, bigint) is 'Marks an event as seen by a group, once';

-- cm.reservation_confirm(group, event, reservation, trace) -> (code, status, tickets)
--   PAID -> CONFIRMED with its tickets and event reservation.confirmed, and the inbox mark, at once.
--   CONFIRMED, SEEN (event had its effect before), SKIPPED (not PAID any more: status), NOT_FOUND
create function cm.reservation_confirm(p_group text, p_event bigint, p_reservation bigint, p_trace text,
    out code text, out status text, out tickets integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_member bigint;
  l_concert bigint;
begin
  tickets := 0;
  if not cm.inbox_mark(p_group, p_event) then
    code := 'SEEN';
    return;
  end if;
  select r.status, r.member_id, r.concert_id into status, l_member, l_concert
    from cm.reservation r where r.id = p_reservation for update;
  if not found then
    code := 'NOT_FOUND';
  elsif status <> 'PAID' then
    code := 'SKIPPED';
  else
    insert into cm.ticket (reservation_id, concert_id, seat_id, member_id, seat_number, grade_name)
    select p_reservation, l_concert, l.seat_id, l_member, l.seat_number, l.grade_name
      from cm.reservation_seat l where l.reservation_id = p_reservation and l.live order by l.position
    on conflict (reservation_id, seat_id) do nothing;
    get diagnostics tickets = row_count;
    update cm.reservation r set status = 'CONFIRMED', status_reason = 'tickets' where r.id = p_reservation;
    perform cm.event('reservation.confirmed', p_reservation::text, jsonb_build_object(
      'reservationId', p_reservation, 'memberId', l_member, 'concertId', l_concert), p_trace);
    code := 'CONFIRMED';
    status := 'CONFIRMED';
  end if;
end
$$;
comment on function cm.reservation_confirm(text, bigint, bigint, text) is
  'Consumer: a paid reservation gets its tickets';

comment on column cm.seat_availability.concert_id is 'Concert';
comment on column cm.seat_availability.grade_id is 'Grade';
comment on column cm.seat_availability.available is 'Available seats';
comment on column cm.seat_availability.held is 'Held seats (until the sweeper ended those past their end)';
comment on column cm.seat_availability.sold is 'Sold seats';
comment on column cm.seat_availability.blocked is 'Seats blocked by the organiser';
comment on index cm.schema_migration_pkey is 'scripts/migrate: which migrations ran';
comment on index cm.member_pkey is 'Everything that names one member';
comment on index cm.refresh_token_pkey is 'Refresh: mark a token as used';
comment on index cm.concert_pkey is 'Everything that names one concert';
comment on index cm.seat_grade_pkey is 'Hold: price and name of a seat''s grade';
comment on index cm.seat_pkey is 'GET /seat/{id}, hold, sell, release';
comment on index cm.payment_audit_pkey is 'Order of the steps';

insert into cm.schema_migration (version, name) values (5, 'payment_functions');
