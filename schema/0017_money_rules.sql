-- Rules of money: what a used ticket, a cancelled concert and a changed ladder mean, and who asked.

-- A ticket taken back by the organiser keeps when it was used --------------------------------------

alter table cm.ticket drop constraint ticket_used,
  add constraint ticket_used check (case status when 'USED' then used_at is not null
                                                when 'ISSUED' then used_at is null else true end);
comment on column cm.ticket.used_at is 'When it was checked in; stays when the organiser takes it back';

-- cm.refund_begin(member, reservation, amount, fee, reason, key, hash, trace)
--   -> (code, refund_id, payment_id, gateway, order_id, gateway_key, currency, concert_id, status,
--       refund_amount, fee, seats)
--   Takes back a PAID or CONFIRMED reservation: REFUNDING, seats free, tickets VOID, refund on record,
--   event reservation.refunding. member null: the organiser's side. The refund itself is made by the
--   reconciler (cm.refund_due), so this never waits for a gateway.
--   OK, ALREADY (refund_amount and fee of the first), NOT_FOUND, NOT_PAID, TICKET_USED (a member's
--   ticket was used), AMOUNT (amount + fee is not what was paid).
create or replace function cm.refund_begin(
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
  if status in ('PAID', 'CONFIRMED') then
    -- Check-in changes the ticket's row alone: from here on it can't.
    perform from cm.ticket t where t.reservation_id = p_reservation order by t.id for update;
  end if;
  if status is null then
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
  update cm.ticket t set status = 'VOID', voided_at = now()
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

-- Nobody pays for a concert that is cancelled -------------------------------------------------------

-- cm.payment_begin(member, reservation, gateway, gateway_key, gateway_request, key, hash, trace)
--   -> (code, payment_id, order_id, amount, currency, concert_id, status, reservation_status, paid_ms,
--       answer, replayed)
--   Phase 1. gateway_key: what the client brought (paymentKey), may be null. gateway_request: what the
--   adapter needs to ask again.
--   OK            attempt made (PENDING) and the hold frozen: call the gateway, then cm.payment_settle
--   IN_FLIGHT     another attempt is under way: payment_id, status PENDING
--   ALREADY_PAID  payment_id of the successful attempt
--   EXPIRED       past the end of the hold;  CANCELLED  it, or its concert, was cancelled, or it was declined
--   NOT_FOUND     not this member's
--   KEY_RUNNING, KEY_REUSED  as for holds; with replayed true the row is the first answer: code is the
--                 code cm.payment_settle or this function gave then (PAID, DECLINED, UNKNOWN, ...)
create or replace function cm.payment_begin(
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
  l_concert text;
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
  select r.status, r.expires_at, r.paying, r.amount, r.currency, r.concert_id,
         (select c.status from cm.concert c where c.id = r.concert_id)
    into reservation_status, l_expires, l_paying, amount, currency, concert_id, l_concert
    from cm.reservation r where r.id = p_reservation and r.member_id = p_member for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  code := case when l_paying then 'IN_FLIGHT'
               when reservation_status = 'PENDING' and l_concert = 'CANCELLED' then 'CANCELLED'
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

insert into cm.schema_migration (version, name) values (17, 'money_rules');
