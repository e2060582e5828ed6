-- Rules of money: what a used ticket, a cancelled concert and a changed ladder mean, and who asked.

-- Who is on record ----------------------------------------------------------------------------------

-- Pure SQL without settings of its own: PostgreSQL puts it in the place where it is called.
create function cm.actor() returns text language sql stable
as $$
  select coalesce(nullif(current_setting('cm.actor', true), ''),
    case when current_setting('application_name') like 'cm\_%' and current_setting('application_name') <> 'cm_admin'
         then 'program ' || substr(current_setting('application_name'), 4)
         when session_user like 'cm\_%' and session_user <> 'cm_admin' then 'program ' || substr(session_user, 4)
         else 'operator ' || session_user end)
$$;
comment on function cm.actor() is
  'Who acts in this transaction: cm.actor where a function set it, else the program, else an operator''s role';
alter table cm.payment_audit alter column who set default cm.actor();
comment on column cm.payment_audit.who is
  'member ID, administrator ID, program NAME or operator NAME; in rows before this migration the database role';
alter table cm.concert add column cancelled_by text;
comment on column cm.concert.cancelled_by is 'Who cancelled it, as in payment_audit.who';

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
  l_actor text := current_setting('cm.actor', true);
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
  perform set_config('cm.actor', coalesce('member ' || p_member, case p_reason when 'concert-cancelled' then
    (select c.cancelled_by from cm.concert c where c.id = concert_id) end, l_actor, ''), true);
  refund_id := cm.refund_insert(payment_id, p_amount, p_fee, p_reason);
  perform set_config('cm.actor', coalesce(l_actor, ''), true);
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
    insert into cm.payment_audit (payment_id, from_status, to_status, who, why)
    values (payment_id, 'NONE', 'PENDING', 'member ' || p_member, 'begin');
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

-- The fee ladder of a reservation is that of its hold -----------------------------------------------
-- As with prices. Kept by concert and not by reservation: an organiser changes it once, a sale holds a
-- hundred thousand times.

create table cm.concert_ladder (
  concert_id   bigint not null,
  until        timestamptz not null default clock_timestamp(),
  cancellation jsonb not null,
  primary key (concert_id, until)
);
comment on table cm.concert_ladder is 'Fee ladders that a published concert had before: whoever held under one cancels under it';
comment on column cm.concert_ladder.concert_id is 'Concert';
comment on column cm.concert_ladder.until is 'When it was replaced';
comment on column cm.concert_ladder.cancellation is 'The ladder, as in concert.cancellation';
comment on index cm.concert_ladder_pkey is 'cm.reservation_cancel: the ladder of a hold, the first replaced after it';

create function cm.concert_ladder_kept() returns trigger
  language plpgsql set search_path = cm, pg_temp
as $$
begin
  insert into cm.concert_ladder (concert_id, cancellation) values (old.id, old.cancellation);
  return null;
end
$$;
comment on function cm.concert_ladder_kept() is 'Trigger: a published ladder is kept when it is replaced';
create trigger concert_ladder_kept after update of cancellation on cm.concert
  for each row when (old.cancellation is distinct from new.cancellation and old.status <> 'DRAFT')
  execute function cm.concert_ladder_kept();

-- schema/roles.sql says it again; workers that sell meanwhile must not miss it
do $$
begin
  if exists (select from pg_roles where rolname = 'cm_reservation') then
    grant select on cm.concert_ladder to cm_reservation;
  end if;
  if exists (select from pg_roles where rolname = 'cm_concert') then
    grant insert on cm.concert_ladder to cm_concert;
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
--               created_ms, paid_ms, now_ms, ladder (that of the hold), seat_count and call cm.refund_begin
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
  l_held_at timestamptz;
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
             where o.concert_id = c.id and o.until > l_held_at order by o.until limit 1), c.cancellation)::text
      into concert_ms, ladder from cm.concert c where c.id = concert_id;
  elsif code = 'REFUNDING' then
    select f.amount, f.fee into refund_amount, fee from cm.payment_refund f
     where f.reservation_id = p_reservation order by f.id desc limit 1;
  end if;
end
$$;

-- A cancelled concert's bookings are found without looking at all others -----------------------------

create index reservation_paid on cm.reservation (concert_id, id) where status in ('PAID', 'CONFIRMED');
comment on index cm.reservation_paid is 'Consumer of concert.cancelled: the next paid reservations of the concert';

-- An event of a concert has the key concert:ID: reservation ID is somebody else's ---------------------

-- cm.concert_change(concert, version, changes) -> (code, version)
--   changes: as cm.concert_create takes them, only what changes; prices: [{"id","price"}].
--   version: the one the organiser saw, null: any.
--   OK; NOT_FOUND; STALE (another version); CANCELLED; HAS_SALES (back to draft, or another time or
--   place, while seats are held or sold); GRADE_NOT_FOUND; WINDOW (open < close <= start is broken).
create or replace function cm.concert_change(p_concert bigint, p_version integer, p jsonb,
                                  out code text, out version integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  o cm.concert;
  n cm.concert;
  l_sales boolean;
begin
  select * into o from cm.concert where id = p_concert for update;
  if not found then
    code := 'NOT_FOUND';
    return;
  end if;
  version := o.version;
  select coalesce(sum(held) + sum(sold), 0) > 0 into l_sales from cm.seat_counter where concert_id = p_concert;
  n := o;
  n.title := coalesce(p ->> 'title', o.title);
  n.artist := coalesce(p ->> 'artist', o.artist);
  n.place := coalesce(p ->> 'place', o.place);
  n.description := coalesce(p ->> 'description', o.description);
  n.status := coalesce(p ->> 'status', o.status);
  n.date_time := coalesce(to_timestamp((p ->> 'dateTime')::bigint / 1000.0), o.date_time);
  n.reservation_open_at := coalesce(to_timestamp((p ->> 'openAt')::bigint / 1000.0), o.reservation_open_at);
  n.reservation_close_at := coalesce(to_timestamp((p ->> 'closeAt')::bigint / 1000.0),
    least(o.reservation_close_at, n.date_time));
  code := case
    when p_version is not null and p_version <> o.version then 'STALE'
    when o.status = 'CANCELLED' then 'CANCELLED'
    when l_sales and (n.status = 'DRAFT' and o.status <> 'DRAFT' or n.date_time <> o.date_time
      or n.place <> o.place) then 'HAS_SALES'
    when n.reservation_open_at >= n.reservation_close_at or n.reservation_close_at > n.date_time then 'WINDOW'
    when exists (select from jsonb_array_elements(p -> 'prices') e where not exists (
      select from cm.seat_grade g where g.id = (e ->> 'id')::bigint and g.concert_id = p_concert))
      then 'GRADE_NOT_FOUND'
    else 'OK' end;
  if code <> 'OK' then
    return;
  end if;
  update cm.seat_grade g set price = (e ->> 'price')::bigint
    from jsonb_array_elements(p -> 'prices') e
   where g.id = (e ->> 'id')::bigint and g.concert_id = p_concert;
  update cm.concert c
     set title = n.title, artist = n.artist, place = n.place, description = n.description, status = n.status,
         date_time = n.date_time, reservation_open_at = n.reservation_open_at,
         reservation_close_at = n.reservation_close_at,
         hold_seconds = coalesce((p ->> 'holdSeconds')::integer, c.hold_seconds),
         max_tickets_per_member = coalesce((p ->> 'maxTickets')::integer, c.max_tickets_per_member),
         queue_mode = coalesce(p ->> 'queueMode', c.queue_mode),
         queue_rate_per_second = coalesce((p ->> 'ratePerSecond')::integer, c.queue_rate_per_second),
         queue_capacity = coalesce((p ->> 'capacity')::integer, c.queue_capacity),
         queue_lobby_at = coalesce(to_timestamp((p ->> 'lobbyAt')::bigint / 1000.0), c.queue_lobby_at),
         cancellation = coalesce(p -> 'cancellation', c.cancellation),
         min_price = (select min(price) from cm.seat_grade where concert_id = p_concert),
         max_price = (select max(price) from cm.seat_grade where concert_id = p_concert),
         layout_version = c.layout_version + (p ? 'prices')::integer,
         version = c.version + 1, updated_at = now()
   where c.id = p_concert returning c.version into version;
  perform cm.event('concert.changed', 'concert:' || p_concert, jsonb_build_object('concertId', p_concert), null);
end
$$;
-- cm.concert_cancel(concert, version, by) -> (code, version): OK, NOT_FOUND, STALE, ALREADY.
--   by: the administrator; workers of the build before don't say.
--   Refunds are made by the consumer of concert.cancelled, reservation by reservation.
drop function cm.concert_cancel(bigint, integer);
create function cm.concert_cancel(p_concert bigint, p_version integer, p_by bigint default null, out code text, out version integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  o cm.concert;
begin
  select * into o from cm.concert where id = p_concert for update;
  version := o.version;
  code := case when not found then 'NOT_FOUND'
               when o.status = 'CANCELLED' then 'ALREADY'
               when p_version is not null and p_version <> o.version then 'STALE'
               else 'OK' end;
  if code = 'OK' then
    update cm.concert c set status = 'CANCELLED', cancelled_at = now(),
           cancelled_by = coalesce('administrator ' || p_by, cm.actor()), updated_at = now(), version = c.version + 1
     where c.id = p_concert returning c.version into version;
    perform cm.event('concert.cancelled', 'concert:' || p_concert, jsonb_build_object('concertId', p_concert), null);
  end if;
end
$$;
comment on function cm.concert_cancel(bigint, integer, bigint) is 'Cancels a concert and tells those who refund';
-- cm.seats_block(concert, block, unblock) -> (code, seats)
--   All or none. Blocking a blocked seat and unblocking a free one change nothing.
--   OK: seats is null; NOT_FOUND: a seat isn't of this concert; TAKEN: seats are id \x1f number \x1e
--   of those held or sold.
create or replace function cm.seats_block(p_concert bigint, p_block bigint[], p_unblock bigint[],
                               out code text, out seats text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l_all bigint[] := array(select distinct unnest(p_block || p_unblock) order by 1);
  l record;
begin
  perform pg_advisory_xact_lock(id) from unnest(l_all) as id;
  perform from cm.seat s where s.id = any (l_all) order by s.id for update;
  select count(*) as found, string_agg(s.id || e'\x1f' || s.seat_number || e'\x1e', '' order by s.position)
           filter (where s.state in ('HELD', 'SOLD')) as taken into l
    from cm.seat s where s.id = any (l_all) and s.concert_id = p_concert;
  code := case when l.found <> cardinality(l_all) then 'NOT_FOUND'
               when l.taken is not null then 'TAKEN' else 'OK' end;
  seats := case when code = 'TAKEN' then l.taken end;
  if code <> 'OK' then
    return;
  end if;
  for l in
    with changed as (
      update cm.seat s set state = case when s.id = any (p_block) then 'BLOCKED' else 'AVAILABLE' end
       where s.id = any (l_all)
         and s.state = case when s.id = any (p_block) then 'AVAILABLE' else 'BLOCKED' end
      returning s.grade_id, s.state)
    select grade_id, sum(case state when 'BLOCKED' then 1 else -1 end)::integer as more
      from changed group by grade_id order by grade_id
  loop
    perform cm.seats_count(p_concert, l.grade_id, -l.more, 0, 0, l.more);
  end loop;
  perform cm.event('concert.changed', 'concert:' || p_concert,
    jsonb_build_object('concertId', p_concert, 'seats', to_jsonb(l_all)), null);
end
$$;

insert into cm.schema_migration (version, name) values (17, 'money_rules');
