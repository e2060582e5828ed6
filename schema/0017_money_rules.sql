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

insert into cm.schema_migration (version, name) values (17, 'money_rules');
