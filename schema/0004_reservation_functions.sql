-- Holding, cancelling and expiring: one function per write use case.
--
-- Contract of them all: VOLATILE, READ COMMITTED, one round trip, one implicit transaction. A business
-- outcome is a code in the row returned. Errors raised are only technical: 40001 and 40P01 (repeat),
-- 23505 on reservation_seat_live (the seat is taken), time-outs.
-- Order of locks, the same on every path: idempotency key (try), seats (try, ascending), reservation
-- rows, seat rows, member_concert, seat_counter.
-- Advisory locks: seats use the one-bigint form with the seat id; idempotency keys the two-int form
-- (2, hash). Lists of seats are text: records end in \x1e, fields in \x1f, as said at each function.

-- cm.event(topic, key, payload, trace): writes an event in this transaction.
create function cm.event(p_topic text, p_key text, p_payload jsonb, p_trace text) returns void
  language sql volatile set search_path = cm, pg_temp
as $$
  insert into cm.outbox (topic, key, payload, trace) values (p_topic, p_key, p_payload, p_trace)
$$;
comment on function cm.event(text, text, jsonb, text) is 'Writes an event into the outbox';

-- cm.idempotency_find(member, key, hash) -> (code, result)
--   code: NONE (first use), RUNNING (another request holds the key, or its payment is under way),
--   REUSED (another request body), REPLAY (answer = its code, result = its other columns).
--   In NONE the key stays locked until the transaction ends.
create function cm.idempotency_find(p_member bigint, p_key text, p_hash bytea,
                                    out code text, out answer text, out result jsonb)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l_hash bytea;
begin
  if not pg_try_advisory_xact_lock(2, hashtext(p_member || ':' || p_key)) then
    code := 'RUNNING';
    return;
  end if;
  select k.request_hash, k.code, k.result into l_hash, answer, result
    from cm.idempotency_key k where k.member_id = p_member and k.key = p_key
     and k.created_at > now() - interval '24 hours';
  code := case when not found then 'NONE' when l_hash <> p_hash then 'REUSED'
               when answer is null then 'RUNNING' else 'REPLAY' end;
end
$$;
comment on function cm.idempotency_find(bigint, text, bytea) is
  'The first answer given under an Idempotency-Key';

-- cm.idempotency_put(member, key, operation, hash, code, result): keeps an answer; replaces one past 24 h.
create function cm.idempotency_put(p_member bigint, p_key text, p_operation text, p_hash bytea,
                                   p_code text, p_result jsonb) returns void
  language sql volatile set search_path = cm, pg_temp
as $$
  insert into cm.idempotency_key as k (member_id, key, operation, request_hash, code, result)
  values (p_member, p_key, p_operation, p_hash, p_code, p_result)
  on conflict (member_id, key) do update
     set operation = excluded.operation, request_hash = excluded.request_hash, code = excluded.code,
         result = excluded.result, created_at = excluded.created_at
   where k.created_at <= now() - interval '24 hours'
$$;
comment on function cm.idempotency_put(bigint, text, text, bytea, text, jsonb) is
  'Keeps the first answer given under an Idempotency-Key';

-- cm.seats_release(reservations) -> rows (reservation_id, concert_id, seat_id, position)
--   The ONE function that takes seats from reservations. The caller has locked the reservations and
--   given them a status without seats in the same transaction. Idempotent: frees only live seats.
create function cm.seats_release(p_reservations bigint[])
  returns table (reservation_id bigint, concert_id bigint, seat_id bigint, "position" integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l record;
begin
  for l in
    with line as (
      update cm.reservation_seat r set live = false
       where r.reservation_id = any (p_reservations) and r.live
      returning r.reservation_id, r.seat_id),
    old as materialized (
      select s.id, s.concert_id, s.grade_id, s.state, s.position, s.reservation_id
        from line join cm.seat s on s.id = line.seat_id and s.reservation_id = line.reservation_id
       order by s.id for update of s),
    freed as (
      update cm.seat s set state = 'AVAILABLE', reservation_id = null, held_until = null
        from old where s.id = old.id returning s.id)
    select r.member_id, old.concert_id, old.reservation_id, old.grade_id,
           count(*) filter (where old.state = 'HELD')::integer as held,
           count(*) filter (where old.state = 'SOLD')::integer as sold,
           array_agg(old.id order by old.position) as ids,
           array_agg(old.position order by old.position) as positions
      from old join freed on freed.id = old.id join cm.reservation r on r.id = old.reservation_id
     group by r.member_id, old.concert_id, old.reservation_id, old.grade_id
     order by r.member_id, old.concert_id, old.reservation_id, old.grade_id
  loop
    update cm.member_concert m set live = m.live - l.held - l.sold
     where m.member_id = l.member_id and m.concert_id = l.concert_id;
    perform cm.seats_count(l.concert_id, l.grade_id, l.held + l.sold, -l.held, -l.sold, 0);
    return query select l.reservation_id, l.concert_id, seat, place
                   from unnest(l.ids, l.positions) as u (seat, place);
  end loop;
end
$$;
comment on function cm.seats_release(bigint[]) is
  'Takes their seats from ended reservations; the only function that frees seats';

-- cm.reservations_expire(reservations, why) -> rows as cm.seats_release
--   For reservations the caller has locked: those PENDING, past their end and without a payment in
--   flight become EXPIRED, with audit and event; the others are left alone.
create function cm.reservations_expire(p_reservations bigint[], p_why text)
  returns table (reservation_id bigint, concert_id bigint, seat_id bigint, "position" integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_dead bigint[];
begin
  with dead as (
    update cm.reservation r set status = 'EXPIRED', status_reason = p_why
     where r.id = any (p_reservations) and r.status = 'PENDING' and not r.paying
       and r.expires_at <= clock_timestamp()
    returning r.id, r.member_id, r.concert_id),
  told as (
    insert into cm.outbox (topic, key, payload)
    select 'reservation.expired', id,
           jsonb_build_object('reservationId', id, 'memberId', member_id, 'concertId', concert_id)
      from dead order by id)
  select array_agg(id) into l_dead from dead;
  if l_dead is not null then
    return query select * from cm.seats_release(l_dead);
  end if;
end
$$;
comment on function cm.reservations_expire(bigint[], text) is
  'Ends holds past their end: EXPIRED, audit, event, seats free';

-- cm.seats_best(concert, grade, count, section) -> ids of up to 64 candidates, best first
--   Blocks of count neighbours in one row that are free now; the array holds count ids a block, in order.
--   Best: leaves no single seat alone, then the row nearest to the stage, then its centre.
create function cm.seats_best(p_concert bigint, p_grade bigint, p_count integer, p_section text)
  returns bigint[]
  language sql stable set search_path = cm, pg_temp
as $$
  with free as (
    select s.section, s.row_label, s.x, s.y, s.position,
           s.position - row_number() over (order by s.position) as run
      from cm.seat_grade g
      join cm.seat s on s.concert_id = g.concert_id
       and s.position between g.first_position and g.first_position + g.seat_count - 1
     where g.id = p_grade and g.concert_id = p_concert
       and (s.state = 'AVAILABLE' or s.state = 'HELD' and s.held_until <= now())
       and (p_section is null or s.section = p_section)),
  spot as (
    select position, x, y, row_number() over island as nth,
           count(*) over (partition by section, row_label, run) as size
      from free window island as (partition by section, row_label, run order by position)),
  block as (
    select position as first, y, abs(x + p_count - 1) as off,
           (nth = 2)::integer + (size - nth - p_count + 1 = 1)::integer as alone
      from spot where size - nth + 1 >= p_count
     order by 4, 2, 3, 1 limit 64)
  select array_agg(s.id order by alone, b.y, off, first, s.position)
    from block b join cm.seat s on s.concert_id = p_concert
     and s.position between first and first + p_count - 1
$$;
comment on function cm.seats_best(bigint, bigint, integer, text) is
  'Candidates for best adjacent seats, best first';

-- cm.reservation_seats(reservation) -> its seats: id, number, grade, price, layout index a record
create function cm.reservation_seats(p_reservation bigint) returns text
  language sql stable set search_path = cm, pg_temp
as $$
  select string_agg(seat_id || e'\x1f' || seat_number || e'\x1f' || grade_name || e'\x1f' || price
                    || e'\x1f' || position || e'\x1e', '' order by position)
    from cm.reservation_seat where reservation_id = p_reservation
$$;
comment on function cm.reservation_seats(bigint) is
  'Seats of a reservation as text: id, number, grade, price, layout index';

-- cm.reservation_refusal(member, concert, seats) -> why the seats can not be held now
--   Codes: those of cm.reservation_hold, or OK when nothing stands against it any more, or EXPIRED
--   when some are held past their end (dead: those reservations). own: the member's reservation for
--   SAME. taken: the seats (id, number a record) for SEAT_TAKEN.
create function cm.reservation_refusal(p_member bigint, p_concert bigint, p_seats bigint[],
                                       out code text, out own bigint, out taken text, out dead bigint[])
  language plpgsql stable set search_path = cm, pg_temp
as $$
declare
  c record;
  s record;
begin
  select status, reservation_open_at, reservation_close_at, max_tickets_per_member into c
    from cm.concert where id = p_concert;
  if not found or c.status = 'DRAFT' then
    code := 'CONCERT_NOT_FOUND';
    return;
  end if;
  select count(*) as found,
         min(reservation_id) filter (where r.member_id = p_member and state = 'HELD' and held_until > now()) as mine,
         count(*) filter (where r.member_id = p_member and state = 'HELD' and held_until > now()) as mine_count,
         min(r.seat_count) as mine_size, count(distinct reservation_id) as holders,
         string_agg(seat.id || e'\x1f' || seat_number || e'\x1e', '' order by position) filter (where state <> 'AVAILABLE'
            and not (state = 'HELD' and held_until <= now() and not coalesce(r.paying, false))) as taken,
         array_agg(distinct reservation_id) filter (where state = 'HELD' and held_until <= now()
            and not coalesce(r.paying, false)) as dead
    into s
    from cm.seat left join cm.reservation r on r.id = reservation_id
   where seat.id = any (p_seats) and seat.concert_id = p_concert;
  own := s.mine;
  dead := s.dead;
  code := case
    when s.found <> cardinality(p_seats) then 'SEAT_NOT_FOUND'
    when s.mine_count = cardinality(p_seats) and s.holders = 1 and s.mine_size = s.mine_count then 'SAME'
    when c.status <> 'PUBLISHED' or now() >= c.reservation_close_at then 'CLOSED'
    when now() < c.reservation_open_at then 'NOT_OPEN'
    when s.taken is not null then 'SEAT_TAKEN'
    when s.dead is not null then 'EXPIRED'
    when cardinality(p_seats) + coalesce((select live from cm.member_concert m
          where m.member_id = p_member and m.concert_id = p_concert), 0) > c.max_tickets_per_member then 'LIMIT'
    else 'OK' end;
  if code = 'SEAT_TAKEN' then
    taken := s.taken;
  end if;
end
$$;
comment on function cm.reservation_refusal(bigint, bigint, bigint[]) is 'Why seats can not be held';

-- cm.reservation_hold(member, concert, seats, grade, count, section, key, hash, trace)
--   -> (code, reservation_id, amount, currency, status, expires_ms, created_ms, seats, taken, replayed)
--   Holds the seats, all or none, or (seats null) the best count neighbours of the grade (section null: any).
--   seats must be distinct. key and hash null: no Idempotency-Key.
--   HELD               held now; seats: id, number, grade, price, layout index a record
--   SAME               these are exactly the seats of the member's own live hold: that reservation
--   SEAT_TAKEN         taken: those seats (id, number a record)
--   SOLD_OUT           no such block is free (best adjacent only)
--   LIMIT              over max_tickets_per_member
--   NOT_OPEN, CLOSED   booking window, concert cancelled
--   CONCERT_NOT_FOUND, SEAT_NOT_FOUND (also: of another concert), GRADE_NOT_FOUND
--   BUSY               somebody is holding one of them at this very moment: try again or say taken
--   KEY_RUNNING, KEY_REUSED   Idempotency-Key in use, or used for another request
--   With replayed true the row is the first answer under the key.
create function cm.reservation_hold(
    p_member bigint, p_concert bigint, p_seats bigint[], p_grade bigint, p_count integer, p_section text,
    p_key text, p_hash bytea, p_trace text,
    out code text, out reservation_id bigint, out amount bigint, out currency text, out status text,
    out expires_ms bigint, out created_ms bigint, out seats text, out taken text, out replayed boolean)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_seats bigint[] := p_seats;
  l_blocks bigint[];
  l_next integer := 1;
  l_seat bigint;
  l_count integer;
  l_held integer;
  l_most integer;
  l_hold_seconds integer;
  l_grade bigint;
  l_last_grade bigint;
  l_expires_at timestamptz;
  l_created_at timestamptz;
  l_why record;
  l_take_overs integer := 0;
begin
  replayed := false;
  if p_key is not null then
    select * into code, reservation_id, amount, currency, status, expires_ms, created_ms, seats, taken, replayed
      from cm.reservation_replay(p_member, p_key, p_hash);
    if code <> 'NONE' then
      return;
    end if;
    code := null;
  end if;

  if p_seats is null then
    l_blocks := cm.seats_best(p_concert, p_grade, p_count, p_section);
    if l_blocks is null then
      code := 'SOLD_OUT';
    end if;
  elsif cardinality(p_seats) = 1 then
    if not pg_try_advisory_xact_lock(p_seats[1]) then
      code := 'BUSY';
    end if;
  else
    l_seats := array(select unnest(p_seats) order by 1);
    foreach l_seat in array l_seats loop
      if not pg_try_advisory_xact_lock(l_seat) then
        code := 'BUSY';
        exit;
      end if;
    end loop;
  end if;

  while code is null loop
    if p_seats is null then
      if l_next > cardinality(l_blocks) then
        code := 'BUSY';
        exit;
      end if;
      l_seats := l_blocks[l_next : l_next + p_count - 1];
      if not cm.seats_try_lock(l_seats) then
        l_next := l_next + p_count;
        continue;
      end if;
    end if;

    -- Plain statements: for one row they cost half of one large WITH.
    select count(*), sum(g.price), max(c.currency), max(c.hold_seconds), max(c.max_tickets_per_member),
           min(s.grade_id), max(s.grade_id),
           string_agg(s.id || e'\x1f' || s.seat_number || e'\x1f' || g.name || e'\x1f' || g.price || e'\x1f'
                      || s.position || e'\x1e', '' order by s.position)
      into l_count, amount, currency, l_hold_seconds, l_most, l_grade, l_last_grade, seats
      from cm.concert c
      join cm.seat s on s.concert_id = c.id
      join cm.seat_grade g on g.id = s.grade_id
     where c.id = p_concert and c.status = 'PUBLISHED'
       and c.reservation_open_at <= now() and now() < c.reservation_close_at
       and s.id = any (l_seats) and s.state = 'AVAILABLE';
    if l_count = cardinality(l_seats) then
      insert into cm.member_concert as m (member_id, concert_id, live)
      select p_member, p_concert, l_count where l_count <= l_most
      on conflict (member_id, concert_id) do update set live = m.live + excluded.live
       where m.live + excluded.live <= l_most;
      if not found then
        code := 'LIMIT';
        exit;
      end if;
      insert into cm.reservation (member_id, concert_id, amount, currency, seat_count, expires_at)
      values (p_member, p_concert, amount, currency, l_count, now() + l_hold_seconds * interval '1 second')
      returning id, reservation.status, expires_at, created_at into reservation_id, status, l_expires_at, l_created_at;
      with held as (
        update cm.seat s set state = 'HELD', reservation_id = reservation_hold.reservation_id, held_until = l_expires_at
         where s.id = any (l_seats) and s.state = 'AVAILABLE'
        returning s.id, s.grade_id, s.position, s.seat_number)
      insert into cm.reservation_seat (reservation_id, seat_id, grade_id, price, position, seat_number, grade_name)
      select reservation_hold.reservation_id, held.id, held.grade_id, g.price, held.position, held.seat_number, g.name
        from held join cm.seat_grade g on g.id = held.grade_id;
      get diagnostics l_held = row_count;
      if l_held <> l_count then
        raise exception 'a seat changed under its lock' using errcode = 'serialization_failure';
      end if;
      if l_grade = l_last_grade then
        insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held)
        values (p_concert, l_grade, 1 + pg_backend_pid() % 256, -l_count, l_count)
        on conflict (concert_id, grade_id, slot) do update
           set available = c.available + excluded.available, held = c.held + excluded.held;
      else
        insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held)
        select p_concert, s.grade_id, 1 + pg_backend_pid() % 256, -count(*)::integer, count(*)::integer
          from cm.seat s where s.id = any (l_seats) group by s.grade_id order by s.grade_id
        on conflict (concert_id, grade_id, slot) do update
           set available = c.available + excluded.available, held = c.held + excluded.held;
      end if;
      insert into cm.reservation_audit (reservation_id, from_status, to_status, why)
      values (reservation_id, 'NONE', 'PENDING', 'hold');
      insert into cm.outbox (topic, key, payload, trace)
      values ('reservation.held', reservation_id, format(
        '{"reservationId":%s,"memberId":%s,"concertId":%s}', reservation_id, p_member, p_concert)::jsonb, p_trace);
      expires_ms := extract(epoch from l_expires_at) * 1000;
      created_ms := extract(epoch from l_created_at) * 1000;
      code := 'HELD';
      exit;
    end if;
    amount := null;
    currency := null;
    seats := null;

    select * into l_why from cm.reservation_refusal(p_member, p_concert, l_seats);
    if l_why.code = 'EXPIRED' and l_take_overs < 8 then
      perform from cm.reservation where id = any (l_why.dead) order by id for update;
      perform from cm.reservations_expire(l_why.dead, 'take-over');
      l_take_overs := l_take_overs + 1;
    elsif l_why.code = 'SEAT_TAKEN' and p_seats is null then
      l_next := l_next + p_count;
    elsif l_why.code in ('OK', 'EXPIRED') then
      code := 'BUSY';
    else
      code := l_why.code;
    end if;
  end loop;

  if code = 'SOLD_OUT' then
    code := cm.grade_refusal(p_concert, p_grade);
  elsif code = 'SEAT_TAKEN' then
    taken := l_why.taken;
  elsif code = 'SAME' then
    select id, r.amount, r.currency, r.status, extract(epoch from expires_at) * 1000,
           extract(epoch from created_at) * 1000, cm.reservation_seats(id)
      into reservation_id, amount, currency, status, expires_ms, created_ms, seats
      from cm.reservation r where id = l_why.own;
  end if;
  if code = 'LIMIT' then
    amount := null;
    currency := null;
    seats := null;
  end if;
  if p_key is not null and code <> 'BUSY' then
    perform cm.idempotency_put(p_member, p_key, 'hold', p_hash, code, jsonb_build_object(
      'code', code, 'reservation_id', reservation_id, 'amount', amount, 'currency', currency,
      'status', status, 'expires_ms', expires_ms, 'created_ms', created_ms, 'seats', seats, 'taken', taken));
  end if;
end
$$;
comment on function cm.reservation_hold(bigint, bigint, bigint[], bigint, integer, text, text, bytea, text) is
  'Holds seats for a member: all or none, or the best neighbours of a grade';

-- cm.reservation_replay(member, key, hash) -> the row cm.reservation_hold gave under the key
--   For requests that were refused before they reached the hold. Code NONE: the key is new.
create function cm.reservation_replay(
    p_member bigint, p_key text, p_hash bytea,
    out code text, out reservation_id bigint, out amount bigint, out currency text, out status text,
    out expires_ms bigint, out created_ms bigint, out seats text, out taken text, out replayed boolean)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l_why record;
begin
  replayed := false;
  select * into l_why from cm.idempotency_find(p_member, p_key, p_hash);
  if l_why.code = 'REPLAY' then
    select * into code, reservation_id, amount, currency, status, expires_ms, created_ms, seats, taken
      from jsonb_to_record(l_why.result) as r (code text, reservation_id bigint, amount bigint,
           currency text, status text, expires_ms bigint, created_ms bigint, seats text, taken text);
    replayed := true;
  else
    code := case l_why.code when 'NONE' then 'NONE' else 'KEY_' || l_why.code end;
  end if;
end
$$;
comment on function cm.reservation_replay(bigint, text, bytea) is
  'The first answer to a hold that carried this Idempotency-Key';

create function cm.seats_try_lock(p_seats bigint[]) returns boolean
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l_seat bigint;
begin
  foreach l_seat in array p_seats loop
    if not pg_try_advisory_xact_lock(l_seat) then
      return false;
    end if;
  end loop;
  return true;
end
$$;
comment on function cm.seats_try_lock(bigint[]) is
  'Locks seats for this transaction without waiting; those locked before a refusal stay so until it ends';

create function cm.grade_refusal(p_concert bigint, p_grade bigint) returns text
  language sql stable set search_path = cm, pg_temp
as $$
  select case when c.id is null or c.status = 'DRAFT' then 'CONCERT_NOT_FOUND'
              when not exists (select from cm.seat_grade where id = p_grade and concert_id = p_concert)
                then 'GRADE_NOT_FOUND'
              when c.status <> 'PUBLISHED' or now() >= c.reservation_close_at then 'CLOSED'
              when now() < c.reservation_open_at then 'NOT_OPEN'
              else 'SOLD_OUT' end
    from (select 1) as one left join cm.concert c on c.id = p_concert
$$;
comment on function cm.grade_refusal(bigint, bigint) is 'Why no block of a grade can be held';

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
create function cm.reservation_cancel(
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
     where f.reservation_id = p_reservation and f.status <> 'FAILED' order by f.id desc limit 1;
  end if;
end
$$;
comment on function cm.reservation_cancel(bigint, bigint, text, bytea, text) is
  'A member cancels: frees seats before payment, tells what a refund needs after it';

-- cm.reservation_expire_batch(limit) -> rows (reservation_id, concert_id, seat_id, position)
--   Ends up to limit holds past their end. Several sweepers may run; each takes others' leavings.
create function cm.reservation_expire_batch(p_limit integer)
  returns table (reservation_id bigint, concert_id bigint, seat_id bigint, "position" integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_due bigint[];
begin
  l_due := array(select id from cm.reservation
                  where status = 'PENDING' and not paying and expires_at <= now()
                  order by expires_at limit p_limit for update skip locked);
  if cardinality(l_due) > 0 then
    return query select * from cm.reservations_expire(l_due, 'expired');
  end if;
end
$$;
comment on function cm.reservation_expire_batch(integer) is 'Sweeper: ends holds past their end';

insert into cm.schema_migration (version, name) values (4, 'reservation_functions');
