-- Whoever cancels a booking of a concert that is cancelled gets back everything, also before the consumer
-- of concert.cancelled has come to it: no fee, and no day on which it is too late.

-- cm.reservation_cancel(member, reservation, key, hash, trace)
--   -> (code, status, concert_id, amount, seats, replayed, refund columns)
--   CANCELLED   was PENDING: cancelled now, seats free; seats: id, layout index a record
--   ALREADY     was cancelled before: same answer, nothing done
--   EXPIRED     ended by itself before
--   PAYING      a payment is in flight: its outcome decides
--   PAID        paid (PAID or CONFIRMED): nothing done; compute the fee from the columns concert_ms,
--               created_ms, paid_ms, now_ms, ladder (that of the hold), seat_count and call cm.refund_begin
--   REFUNDING   refund asked for before (also REFUNDED, see status), or now in full, because the concert is
--               cancelled: refund_amount, fee
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
  l_held_at timestamptz;
  l_concert text;
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
         extract(epoch from r.paid_at) * 1000, extract(epoch from now()) * 1000, r.created_at
    into status, concert_id, amount, seat_count, l_paying, created_ms, paid_ms, now_ms, l_held_at
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
    select extract(epoch from c.date_time) * 1000, coalesce((select o.cancellation from cm.concert_ladder o
             where o.concert_id = c.id and o.until > l_held_at order by o.until limit 1), c.cancellation)::text,
           c.status
      into concert_ms, ladder, l_concert from cm.concert c where c.id = concert_id;
    if l_concert = 'CANCELLED' then
      select case r.code when 'OK' then 'REFUNDING' else r.code end, r.status, r.refund_amount, r.fee
        into code, status, refund_amount, fee
        from cm.payment p, cm.refund_begin(null, p_reservation, p.amount, 0, 'concert-cancelled', null, null, p_trace) r
       where p.reservation_id = p_reservation and p.status = 'SUCCESS';
      if p_key is not null and code = 'REFUNDING' then
        perform cm.idempotency_put(p_member, p_key, 'refund', p_hash, code, jsonb_build_object(
          'status', status, 'refund_amount', refund_amount, 'fee', fee));
      end if;
    end if;
  elsif code = 'REFUNDING' then
    select f.amount, f.fee into refund_amount, fee from cm.payment_refund f
     where f.reservation_id = p_reservation order by f.id desc limit 1;
  end if;
end
$$;

insert into cm.schema_migration (version, name) values (21, 'cancelled_refund');
