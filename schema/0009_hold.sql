-- A hold costs what its rows cost.
--
-- CPU of the server for one hold, measured in one run: what is below took half of what was before.
--   * The limit is counted from the member's reservations, while an advisory lock keeps that member's
--     own holds apart; before, a row of live seats was written for each.
--   * A hold writes no event: only the group cache took it, which the worker has told already.
--   * PostgreSQL parses a CHECK anew for every statement that writes, and a long one costs as much as
--     the row. A call of a function is short.

delete from cm.subscription where topic = 'reservation.held';
drop table cm.member_concert;

create function cm.seat_is_sound(p_state text, p_reservation bigint, p_held_until timestamptz) returns boolean
  language plpgsql immutable
as $$
begin
  return case p_state
    when 'AVAILABLE' then p_reservation is null and p_held_until is null
    when 'HELD' then p_reservation is not null and p_held_until is not null
    when 'SOLD' then p_reservation is not null and p_held_until is null
    when 'BLOCKED' then p_reservation is null and p_held_until is null
    else false end;
end
$$;
comment on function cm.seat_is_sound(text, bigint, timestamptz) is
  'CHECK of seat: which state goes with a reservation and an end of the hold';
alter table cm.seat drop constraint seat_state,
  add constraint seat_state check (cm.seat_is_sound(state, reservation_id, held_until));

create function cm.reservation_is_sound(p_status text, p_amount bigint, p_seats integer, p_paid_at timestamptz)
  returns boolean language plpgsql immutable
as $$
begin
  return p_amount >= 0 and p_seats > 0
     and (p_status in ('PENDING', 'CANCELLED', 'EXPIRED')) = (p_paid_at is null);
end
$$;
comment on function cm.reservation_is_sound(text, bigint, integer, timestamptz) is
  'CHECK of reservation: amount and seats, and that what was paid says when';
alter table cm.reservation drop constraint reservation_sane,
  add constraint reservation_sane check (cm.reservation_is_sound(status, amount, seat_count, paid_at));

-- PostgreSQL plans the statements of an SQL function anew at every call it can't inline, which cost
-- more than the statements themselves; PL/pgSQL keeps its plans.
create or replace function cm.event(p_topic text, p_key text, p_payload jsonb, p_trace text) returns void
  language plpgsql volatile set search_path = cm, pg_temp
as $$
begin
  insert into cm.outbox (topic, key, payload, trace) values (p_topic, p_key, p_payload, p_trace);
end
$$;

create or replace function cm.idempotency_put(p_member bigint, p_key text, p_operation text, p_hash bytea,
                                   p_code text, p_result jsonb) returns void
  language plpgsql volatile set search_path = cm, pg_temp
as $$
begin
  insert into cm.idempotency_key as k (member_id, key, operation, request_hash, code, result)
  values (p_member, p_key, p_operation, p_hash, p_code, p_result)
  on conflict (member_id, key) do update
     set operation = excluded.operation, request_hash = excluded.request_hash, code = excluded.code,
         result = excluded.result, created_at = excluded.created_at
   where k.created_at <= now() - interval '24 hours';
end
$$;

create or replace function cm.seats_count(p_concert bigint, p_grade bigint, p_available integer, p_held integer,
                               p_sold integer, p_blocked integer) returns void
  language plpgsql volatile set search_path = cm, pg_temp
as $$
begin
  insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held, sold, blocked)
  values (p_concert, p_grade, 1 + pg_backend_pid() % 256, p_available, p_held, p_sold, p_blocked)
  on conflict (concert_id, grade_id, slot) do update
     set available = c.available + excluded.available, held = c.held + excluded.held,
         sold = c.sold + excluded.sold, blocked = c.blocked + excluded.blocked;
end
$$;

create or replace function cm.seats_best(p_concert bigint, p_grade bigint, p_count integer, p_section text)
  returns bigint[]
  language plpgsql stable set search_path = cm, pg_temp
as $$
#variable_conflict use_column
begin
  return (
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
       and s.position between first and first + p_count - 1);
end
$$;

create or replace function cm.reservation_seats(p_reservation bigint) returns text
  language plpgsql stable set search_path = cm, pg_temp
as $$
begin
  return (select string_agg(seat_id || e'\x1f' || seat_number || e'\x1f' || grade_name || e'\x1f' || price
                            || e'\x1f' || position || e'\x1e', '' order by position)
            from cm.reservation_seat where reservation_id = p_reservation);
end
$$;

create or replace function cm.inbox_mark(p_group text, p_event bigint) returns boolean
  language plpgsql volatile set search_path = cm, pg_temp
as $$
begin
  insert into cm.inbox (consumer_group, event_id) values (p_group, p_event) on conflict do nothing;
  return found;
end
$$;

-- cm.member_seats(member, concert) -> seats of the member's live reservations
--   A hold past its end that no sweeper has met yet doesn't count.
create function cm.member_seats(p_member bigint, p_concert bigint) returns bigint
  language plpgsql stable set search_path = cm, pg_temp
as $$
begin
  return (select coalesce(sum(r.seat_count), 0) from cm.reservation r
           where r.member_id = p_member and r.concert_id = p_concert
             and (r.status in ('PAID', 'CONFIRMED')
                  or r.status = 'PENDING' and (r.paying or r.expires_at > now())));
end
$$;
comment on function cm.member_seats(bigint, bigint) is 'Live seats of a member in a concert';

create or replace function cm.seats_release(p_reservations bigint[])
  returns table (reservation_id bigint, concert_id bigint, seat_id bigint, "position" integer)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
begin
  return query
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
        from old where s.id = old.id),
    counted as (
      insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held, sold)
      select old.concert_id, old.grade_id, 1 + pg_backend_pid() % 256, count(*),
             -count(*) filter (where old.state = 'HELD'), -count(*) filter (where old.state = 'SOLD')
        from old group by old.concert_id, old.grade_id order by old.concert_id, old.grade_id
      on conflict (concert_id, grade_id, slot) do update
         set available = c.available + excluded.available, held = c.held + excluded.held,
             sold = c.sold + excluded.sold)
    select old.reservation_id, old.concert_id, old.id, old.position
      from old order by old.reservation_id, old.position;
end
$$;

create or replace function cm.reservation_refusal(p_member bigint, p_concert bigint, p_seats bigint[],
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
   where seat.id = any (p_seats) and (seat.concert_id = p_concert) is true;
  own := s.mine;
  dead := s.dead;
  code := case
    when s.found <> cardinality(p_seats) then 'SEAT_NOT_FOUND'
    when s.mine_count = cardinality(p_seats) and s.holders = 1 and s.mine_size = s.mine_count then 'SAME'
    when c.status <> 'PUBLISHED' or now() >= c.reservation_close_at then 'CLOSED'
    when now() < c.reservation_open_at then 'NOT_OPEN'
    when s.taken is not null then 'SEAT_TAKEN'
    when s.dead is not null then 'EXPIRED'
    when cardinality(p_seats) + cm.member_seats(p_member, p_concert) > c.max_tickets_per_member then 'LIMIT'
    else 'OK' end;
  if code = 'SEAT_TAKEN' then
    taken := s.taken;
  end if;
end
$$;

-- cm.reservation_hold: contract as before (0004). It writes no event, so nothing needs p_trace: it stays
-- for workers of the build before, which go on until their pool is rolled.
-- Order of locks: idempotency key (try), member (waits), seats (try, ascending), then rows.
-- Advisory locks of a member: two-int form (4, hash of the id).
create or replace function cm.reservation_hold(
    p_member bigint, p_concert bigint, p_seats bigint[], p_grade bigint, p_count integer, p_section text,
    p_key text, p_hash bytea, p_trace text default null,
    out code text, out reservation_id bigint, out amount bigint, out currency text, out status text,
    out expires_ms bigint, out created_ms bigint, out seats text, out taken text, out replayed boolean)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_seats bigint[] := p_seats;
  l_blocks bigint[];
  l_next integer := 1;
  l_count integer;
  l_held integer;
  l_grade bigint;
  l_is_mixed boolean;
  l_expires_at timestamptz;
  l record;
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

  perform pg_advisory_xact_lock(4, hashint8(p_member));
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
    if not cm.seats_try_lock(l_seats) then
      code := 'BUSY';
    end if;
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

    -- Plain statements: one WITH of all their parts cost half as much again. Seats come in order of
    -- their ids, which is layout order.
    l_count := 0;
    l_grade := null;
    l_is_mixed := false;
    amount := 0;
    seats := '';
    -- is true: or the planner may think a walk through all seats of the concert worth its while.
    for l in
      select s.id, s.grade_id, s.position, s.seat_number, g.name, g.price, c.currency, c.hold_seconds,
             c.max_tickets_per_member
        from cm.seat s join cm.concert c on c.id = s.concert_id join cm.seat_grade g on g.id = s.grade_id
       where s.id = any (l_seats) and s.state = 'AVAILABLE' and (s.concert_id = p_concert) is true
         and c.status = 'PUBLISHED' and c.reservation_open_at <= now() and now() < c.reservation_close_at
    loop
      l_count := l_count + 1;
      l_is_mixed := l_is_mixed or l.grade_id <> l_grade;
      l_grade := l.grade_id;
      amount := amount + l.price;
      seats := seats || l.id || e'\x1f' || l.seat_number || e'\x1f' || l.name || e'\x1f' || l.price || e'\x1f'
               || l.position || e'\x1e';
    end loop;
    if l_count = cardinality(l_seats)
       and l_count + cm.member_seats(p_member, p_concert) <= l.max_tickets_per_member then
      currency := l.currency;
      l_expires_at := now() + l.hold_seconds * interval '1 second';
      insert into cm.reservation (member_id, concert_id, amount, currency, seat_count, expires_at)
      values (p_member, p_concert, amount, currency, l_count, l_expires_at)
      returning id, reservation.status into reservation_id, status;
      with held as (
        update cm.seat s set state = 'HELD', reservation_id = reservation_hold.reservation_id,
               held_until = l_expires_at
         where s.id = any (l_seats) and s.state = 'AVAILABLE'
        returning s.id, s.grade_id, s.position, s.seat_number)
      insert into cm.reservation_seat (reservation_id, seat_id, grade_id, price, position, seat_number, grade_name)
      select reservation_hold.reservation_id, held.id, held.grade_id, g.price, held.position, held.seat_number, g.name
        from held join cm.seat_grade g on g.id = held.grade_id;
      get diagnostics l_held = row_count;
      if l_held <> l_count then
        raise exception 'a seat changed under its lock' using errcode = 'serialization_failure';
      end if;
      if l_is_mixed then
        insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held)
        select p_concert, s.grade_id, 1 + pg_backend_pid() % 256, -count(*), count(*)
          from cm.seat s where s.id = any (l_seats) group by s.grade_id order by s.grade_id
        on conflict (concert_id, grade_id, slot) do update
           set available = c.available + excluded.available, held = c.held + excluded.held;
      else
        insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held)
        values (p_concert, l_grade, 1 + pg_backend_pid() % 256, -l_count, l_count)
        on conflict (concert_id, grade_id, slot) do update
           set available = c.available + excluded.available, held = c.held + excluded.held;
      end if;
      insert into cm.reservation_audit (reservation_id, from_status, to_status, why)
      values (reservation_id, 'NONE', 'PENDING', 'hold');
      expires_ms := extract(epoch from l_expires_at) * 1000;
      created_ms := extract(epoch from now()) * 1000;
      code := 'HELD';
      exit;
    end if;
    amount := null;
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
  if p_key is not null and code <> 'BUSY' then
    perform cm.idempotency_put(p_member, p_key, 'hold', p_hash, code, jsonb_build_object(
      'code', code, 'reservation_id', reservation_id, 'amount', amount, 'currency', currency,
      'status', status, 'expires_ms', expires_ms, 'created_ms', created_ms, 'seats', seats, 'taken', taken));
  end if;
end
$$;
comment on function cm.reservation_hold(bigint, bigint, bigint[], bigint, integer, text, text, bytea, text) is
  'Holds seats for a member: all or none, or the best neighbours of a grade';

insert into cm.schema_migration (version, name) values (9, 'hold');
