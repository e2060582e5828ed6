-- A payment is failed for good only when the gateway said so, and what needs a person is seen and can
-- be settled by one.

alter table cm.payment add column asked_at timestamptz, add column recheck_at timestamptz;
create index payment_recheck on cm.payment (recheck_at) where recheck_at is not null;
create index payment_refund_failed on cm.payment_refund (payment_id) where status = 'FAILED';
comment on column cm.payment.asked_at is 'When the reconciler asked the gateway last';
comment on column cm.payment.recheck_at is
  'FAILED because the gateway knew of no such order, or a notice came since: when it is asked once more';
comment on index cm.payment_recheck is 'Reconciler: failed attempts to be asked about once more, by when';
comment on index cm.payment_refund_failed is 'Metric and scripts/payments: refunds that wait for a person';
comment on column cm.payment.deadline_at is
  'From when the reconciler asks about a PENDING attempt nobody asked about yet, and from when an order the gateway never saw is a no';

insert into cm.subscription (topic, consumer_group) values ('refund.failed', 'notification');

-- cm.payment_recheck_at(requested) -> when a failed attempt is asked about next: 2 minutes, half an hour
--   and a day after it began; then null. A charge that lands that late is given back.
create function cm.payment_recheck_at(p_requested timestamptz) returns timestamptz
  language sql stable set search_path = cm, pg_temp
as $$
  select min(p_requested + after) from unnest(array[interval '2 minutes', '30 minutes', '1 day']) as after
   where p_requested + after > now()
$$;
comment on function cm.payment_recheck_at(timestamptz) is 'When a failed attempt is asked about once more';

-- cm.payment_settle(payment, outcome, gateway_key, failure_code, failure_message, trace)
--   -> (code, status, reservation_status, reservation_id, member_id, concert_id, amount, currency, paid_ms,
--       seats, refund_id, failure_code)
--   Phase 3, also the reconciler's. outcome: SUCCESS, DECLINED (the gateway's final no), ABSENT (it
--   knows of no such order: unknown before the deadline, for a charge may still be on its way; a no
--   after it) or UNKNOWN.
--   seats: those whose state changed: id, layout index a record (SOLD for PAID, free for DECLINED).
--   PAID       SUCCESS, reservation PAID, seats SOLD, event payment.completed
--   DECLINED   FAILED, reservation CANCELLED, seats free, event payment.failed
--   UNKNOWN    still PENDING; the reconciler asks again (back-off 2 s doubling to 5 min, and at the deadline)
--   REFUND     success but the seats are gone: CANCELLED, refund_id PENDING for the full amount
--   ALREADY    settled before: the row as it is; one that waited to be asked once more has been
--   NOT_FOUND  no such payment
create or replace function cm.payment_settle(
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
  l_requested timestamptz;
  l_deadline timestamptz;
begin
  select r.id, r.status, r.concert_id, r.member_id
    into reservation_id, reservation_status, concert_id, member_id
    from cm.reservation r
   where r.id = (select p.reservation_id from cm.payment p where p.id = p_payment) for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  select p.status, p.amount, p.currency, p.captured_at, p.idempotency_key, p.failure_code,
         p.requested_at, p.deadline_at
    into status, amount, currency, l_captured, l_key, failure_code, l_requested, l_deadline
    from cm.payment p where p.id = p_payment for update;
  l_facts := jsonb_build_object('reservationId', reservation_id, 'paymentId', p_payment,
    'memberId', member_id, 'concertId', concert_id, 'amount', amount);

  code := case
    when status = 'PENDING' and (p_outcome = 'UNKNOWN' or p_outcome = 'ABSENT' and now() < l_deadline) then 'UNKNOWN'
    when status = 'PENDING' and p_outcome in ('DECLINED', 'ABSENT') then 'DECLINED'
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
           failure_message = p_failure_message,
           recheck_at = case p_outcome when 'ABSENT' then cm.payment_recheck_at(l_requested) end
     where p.id = p_payment;
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
           gateway_key = coalesce(p_gateway_key, p.gateway_key), failure_code = 'seats-gone', recheck_at = null
     where p.id = p_payment;
    refund_id := cm.refund_insert(p_payment, amount, 0, 'seats-gone');
    status := 'CANCELLED';
    l_captured := now();
  elsif code = 'UNKNOWN' then
    update cm.payment p set query_count = p.query_count + 1,
           next_query_at = least(
             now() + least(interval '2 seconds' * power(2, least(p.query_count, 20)), interval '5 minutes'),
             case when now() < l_deadline then l_deadline end),
           gateway_key = coalesce(p_gateway_key, p.gateway_key)
     where p.id = p_payment;
  elsif status = 'FAILED' then
    update cm.payment p set
           recheck_at = case when p_outcome <> 'DECLINED' then cm.payment_recheck_at(l_requested) end
     where p.id = p_payment and p.recheck_at is not null;
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

-- cm.payment_due(limit) -> attempts the reconciler must ask about, leased for a minute: PENDING ones, then
--   failed ones that are asked about once more
create or replace function cm.payment_due(p_limit integer)
  returns table (payment_id bigint, reservation_id bigint, amount bigint, currency text, gateway text,
                 order_id text, gateway_key text, gateway_request text, query_count integer)
  language sql volatile set search_path = cm, pg_temp
as $$
  with pending as (
    select d.id from cm.payment d
     where d.status = 'PENDING' and coalesce(d.next_query_at, d.deadline_at) <= now()
     order by coalesce(d.next_query_at, d.deadline_at) limit p_limit for update skip locked),
  again as (
    select d.id from cm.payment d where d.recheck_at <= now()
     order by d.recheck_at limit p_limit - (select count(*) from pending) for update skip locked)
  update cm.payment p set asked_at = now(),
         next_query_at = case when p.status = 'PENDING' then now() + interval '1 minute' else p.next_query_at end,
         recheck_at = case when p.recheck_at <= now() then now() + interval '1 minute' else p.recheck_at end
   where p.id in (select id from pending union all select id from again)
  returning p.id, p.reservation_id, p.amount, p.currency, p.gateway, p.gateway_order_id, p.gateway_key,
            p.gateway_request::text, p.query_count
$$;

-- cm.payment_hint(order_id): somebody says that something happened to the order. Not believed, only a
--   reason to ask soon: no sooner than 10 s after a running attempt began or was asked about, and a
--   failed one of the last week once a minute at most.
create function cm.payment_hint(p_order text) returns void
  language sql volatile set search_path = cm, pg_temp
as $$
  update cm.payment p set next_query_at = greatest(now(), coalesce(asked_at, requested_at) + interval '10 seconds')
   where p.gateway_order_id = p_order and p.status = 'PENDING' and coalesce(next_query_at, deadline_at)
         > greatest(now(), coalesce(asked_at, requested_at) + interval '10 seconds');
  update cm.payment p set recheck_at = greatest(now(), coalesce(asked_at, settled_at) + interval '1 minute')
   where p.gateway_order_id = p_order and p.status = 'FAILED' and settled_at > now() - interval '7 days'
         and coalesce(recheck_at, 'infinity') > greatest(now(), coalesce(asked_at, settled_at) + interval '1 minute')
$$;
comment on function cm.payment_hint(text) is 'A gateway''s notice: the reconciler asks soon';

-- cm.refund_due(limit) -> refunds to make at the gateway now, leased for a minute
create or replace function cm.refund_due(p_limit integer)
  returns table (refund_id bigint, payment_id bigint, reservation_id bigint, amount bigint, currency text,
                 gateway text, order_id text, gateway_key text, gateway_request text, reason text,
                 attempt_count integer)
  language sql volatile set search_path = cm, pg_temp
as $$
  update cm.payment_refund f set next_attempt_at = now() + interval '1 minute'
    from cm.payment p
   where p.id = f.payment_id
     and f.id in (select d.id from cm.payment_refund d where d.status = 'PENDING' and d.next_attempt_at <= now()
                   order by d.next_attempt_at limit p_limit for update skip locked)
  returning f.id, p.id, f.reservation_id, f.amount, p.currency, p.gateway, p.gateway_order_id, p.gateway_key,
            p.gateway_request::text, f.reason, f.attempt_count
$$;

-- cm.refund_settle(refund, outcome, gateway_key, error, trace) -> (code, reservation_id, member_id, status)
--   outcome: SUCCESS, RETRY (asked again with back-off) or FAILED (the gateway's final no: an operator acts).
--   REFUNDED  payment CANCELLED, reservation REFUNDED if it was REFUNDING, event payment.refunded
--   FAILED    event refund.failed
--   RETRY, ALREADY, NOT_FOUND
create or replace function cm.refund_settle(p_refund bigint, p_outcome text, p_gateway_key text, p_error text, p_trace text,
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
    perform cm.event('refund.failed', l.id::text, jsonb_build_object(
      'reservationId', l.id, 'paymentId', f.payment_id, 'refundId', p_refund, 'memberId', l.member_id,
      'concertId', l.concert_id, 'amount', f.amount, 'fee', f.fee, 'reason', f.reason), p_trace)
      from cm.payment_refund f where f.id = p_refund;
  else
    code := 'RETRY';
    update cm.payment_refund f set attempt_count = f.attempt_count + 1, last_error = p_error,
           next_attempt_at = now() + least(interval '2 seconds' * power(2, least(f.attempt_count, 20)), interval '10 minutes')
     where f.id = p_refund;
  end if;
end
$$;

-- cm.reservation_cancel(member, reservation, key, hash, trace)
--   -> (code, status, concert_id, amount, seats, replayed, refund columns)
--   CANCELLED   was PENDING: cancelled now, seats free; seats: id, layout index a record
--   ALREADY     was cancelled before: same answer, nothing done
--   EXPIRED     ended by itself before
--   PAYING      a payment is in flight: its outcome decides
--   PAID        paid (PAID or CONFIRMED): nothing done; compute the fee from the columns concert_ms,
--               created_ms, paid_ms, now_ms, ladder, seat_count and call cm.refund_begin
--   REFUNDING   refund asked for before (also REFUNDED, see status): refund_amount, fee
--   NOT_FOUND   not this member's;  KEY_RUNNING, KEY_REUSED as for holds
create or replace function cm.reservation_cancel(
    p_member bigint, p_reservation bigint, p_key text, p_hash bytea, p_trace text,
    out code text, out status text, out concert_id bigint, out amount bigint, out seat_count integer,
    out seats text, out refund_amount bigint, out fee bigint, out concert_ms bigint, out created_ms bigint,
    out paid_ms bigint, out now_ms bigint, out ladder text, out replayed boolean)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_why record;
  l_paying boolean;
begin
  replayed := false;
  if p_key is not null then
    select * into l_why from cm.idempotency_find(p_member, p_key, p_hash);
    if l_why.code in ('RUNNING', 'REUSED') then
      code := 'KEY_' || l_why.code;
      return;
    end if;
    replayed := l_why.code = 'REPLAY';
  end if;
  select r.status, r.concert_id, r.amount, r.seat_count, r.paying, extract(epoch from r.created_at) * 1000,
         extract(epoch from r.paid_at) * 1000, extract(epoch from now()) * 1000
    into status, concert_id, amount, seat_count, l_paying, created_ms, paid_ms, now_ms
    from cm.reservation r where r.id = p_reservation and r.member_id = p_member for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  code := case when l_paying then 'PAYING' when status = 'PENDING' then 'CANCELLED'
               when status = 'CANCELLED' then 'ALREADY' when status = 'EXPIRED' then 'EXPIRED'
               when status in ('PAID', 'CONFIRMED') then 'PAID' else 'REFUNDING' end;
  if code = 'CANCELLED' then
    update cm.reservation r set status = 'CANCELLED', status_reason = 'member' where r.id = p_reservation;
    select string_agg(seat_id || e'\x1f' || position || e'\x1e', '') into seats
      from cm.seats_release(array[p_reservation]);
    perform cm.event('reservation.cancelled', p_reservation::text, jsonb_build_object(
      'reservationId', p_reservation, 'memberId', p_member, 'concertId', concert_id), p_trace);
    status := 'CANCELLED';
    if p_key is not null then
      perform cm.idempotency_put(p_member, p_key, 'cancel', p_hash, code, jsonb_build_object('status', status));
    end if;
  elsif code = 'PAID' then
    select extract(epoch from c.date_time) * 1000, c.cancellation::text into concert_ms, ladder
      from cm.concert c where c.id = concert_id;
  elsif code = 'REFUNDING' then
    select f.amount, f.fee into refund_amount, fee from cm.payment_refund f
     where f.reservation_id = p_reservation order by f.id desc limit 1;
  end if;
end
$$;

-- What a person does (scripts/payments). Each step is in the audit with the operator's name and reason.

-- cm.payment_by_hand(payment, outcome, who, why) -> (code, status, reservation_status)
--   Ends an attempt the gateway leaves open, or finds that a failed one took money after all. outcome:
--   SUCCESS or DECLINED. code: as cm.payment_settle, or REFUSED. One that is declined is asked about
--   later all the same.
create function cm.payment_by_hand(p_payment bigint, p_outcome text, p_who text, p_why text,
    out code text, out status text, out reservation_status text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l_from text;
begin
  perform from cm.reservation r
    where r.id = (select p.reservation_id from cm.payment p where p.id = p_payment) for update;
  select p.status into l_from from cm.payment p where p.id = p_payment for update;
  if l_from is null then
    code := 'NOT_FOUND';
  elsif (l_from, p_outcome) not in (('PENDING', 'SUCCESS'), ('PENDING', 'DECLINED'), ('FAILED', 'SUCCESS')) then
    code := 'REFUSED';
    status := l_from;
  else
    select s.code, s.status, s.reservation_status into code, status, reservation_status
      from cm.payment_settle(p_payment, p_outcome, null, 'by-hand', null, null) s;
    update cm.payment p set recheck_at = cm.payment_recheck_at(p.requested_at)
     where p.id = p_payment and p.status = 'FAILED';
    insert into cm.payment_audit (payment_id, from_status, to_status, who, why)
    values (p_payment, l_from, status, 'operator ' || p_who, p_why);
  end if;
end
$$;
comment on function cm.payment_by_hand(bigint, text, text, text) is 'An operator settles an attempt';

-- cm.refund_by_hand(refund, step, who, why) -> (code, new_refund, status)
--   fail   a PENDING refund isn't tried any more
--   retry  a FAILED one is tried again as a new refund, so with a new key at the gateway
--   close  the money of a FAILED one went back another way: a new refund that succeeded
--   code: OK, NOT_FOUND or REFUSED (not in that status, or the payment has a later refund)
create function cm.refund_by_hand(p_refund bigint, p_step text, p_who text, p_why text,
    out code text, out new_refund bigint, out status text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l record;
begin
  perform from cm.reservation r
    where r.id = (select f.reservation_id from cm.payment_refund f where f.id = p_refund) for update;
  perform from cm.payment p where p.id = (select f.payment_id from cm.payment_refund f where f.id = p_refund) for update;
  select f.*, exists (select from cm.payment_refund o where o.payment_id = f.payment_id
                      and (o.status <> 'FAILED' or o.id > f.id)) as stands
    into l from cm.payment_refund f where f.id = p_refund for update;
  status := l.status;
  code := case when l.id is null then 'NOT_FOUND'
               when p_step = 'fail' and l.status = 'PENDING' then 'OK'
               when p_step in ('retry', 'close') and l.status = 'FAILED' and not l.stands then 'OK'
               else 'REFUSED' end;
  if code <> 'OK' then
    return;
  end if;
  new_refund := p_refund;
  if p_step <> 'fail' then
    new_refund := cm.refund_insert(l.payment_id, l.amount, l.fee, l.reason);
  end if;
  if p_step <> 'retry' then
    perform cm.refund_settle(new_refund, case p_step when 'fail' then 'FAILED' else 'SUCCESS' end, 'by-hand', 'by-hand', null);
  end if;
  select f.status into status from cm.payment_refund f where f.id = new_refund;
  insert into cm.payment_audit (payment_id, refund_id, from_status, to_status, who, why)
  values (l.payment_id, new_refund, l.status, status, 'operator ' || p_who, p_why);
end
$$;
comment on function cm.refund_by_hand(bigint, text, text, text) is 'An operator ends, repeats or closes a refund';

insert into cm.schema_migration (version, name) values (16, 'reconcile');
