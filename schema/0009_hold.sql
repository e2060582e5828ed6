-- A hold is one statement after its locks.
--
-- Measured in one run, CPU of the server for one hold: seven statements, the member's row of live
-- seats and an event nobody waited for took three times as long as one statement whose parts hand
-- each other their rows. So the limit is now counted from the member's reservations while an advisory
-- lock keeps that member's own holds apart, and a hold writes no event: its worker tells the
-- seat-state cache, which also heals by comparison.

delete from cm.subscription where topic = 'reservation.held';
drop table cm.member_concert;

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
    when cardinality(p_seats) + cm.member_seats(p_member, p_concert) > c.max_tickets_per_member then 'LIMIT'
    else 'OK' end;
  if code = 'SEAT_TAKEN' then
    taken := s.taken;
  end if;
end
$$;

-- cm.reservation_hold: contract as before (0004), without the trace of an event.
-- Order of locks: idempotency key (try), member (waits), seats (try, ascending), then rows.
-- Advisory locks of a member: two-int form (3, hash of the id).
drop function cm.reservation_hold(bigint, bigint, bigint[], bigint, integer, text, text, bytea, text);
create function cm.reservation_hold(
    p_member bigint, p_concert bigint, p_seats bigint[], p_grade bigint, p_count integer, p_section text,
    p_key text, p_hash bytea,
    out code text, out reservation_id bigint, out amount bigint, out currency text, out status text,
    out expires_ms bigint, out created_ms bigint, out seats text, out taken text, out replayed boolean)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  l_seats bigint[] := p_seats;
  l_blocks bigint[];
  l_next integer := 1;
  l_held integer;
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

  perform pg_advisory_xact_lock(3, hashint8(p_member));
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

    with offer as materialized (
      select s.id, s.grade_id, s.position, s.seat_number, g.name, g.price, c.currency, c.hold_seconds,
             c.max_tickets_per_member
        from cm.seat s join cm.concert c on c.id = s.concert_id join cm.seat_grade g on g.id = s.grade_id
       where s.id = any (l_seats) and s.state = 'AVAILABLE' and s.concert_id = p_concert
         and c.status = 'PUBLISHED' and c.reservation_open_at <= now() and now() < c.reservation_close_at),
    made as (
      insert into cm.reservation (member_id, concert_id, amount, currency, seat_count, expires_at)
      select p_member, p_concert, sum(price), min(currency), count(*),
             now() + min(hold_seconds) * interval '1 second'
        from offer
      having count(*) = cardinality(l_seats)
         and count(*) + cm.member_seats(p_member, p_concert) <= min(max_tickets_per_member)
      returning id, amount, currency, status, expires_at, created_at),
    held as (
      update cm.seat s set state = 'HELD', reservation_id = made.id, held_until = made.expires_at
        from made where s.id = any (l_seats) and s.state = 'AVAILABLE' returning 1),
    line as (
      insert into cm.reservation_seat (reservation_id, seat_id, grade_id, price, position, seat_number, grade_name)
      select made.id, offer.id, grade_id, price, position, seat_number, name from made, offer),
    counted as (
      insert into cm.seat_counter as c (concert_id, grade_id, slot, available, held)
      select p_concert, grade_id, 1 + pg_backend_pid() % 256, -count(*), count(*)
        from made, offer group by grade_id order by grade_id
      on conflict (concert_id, grade_id, slot) do update
         set available = c.available + excluded.available, held = c.held + excluded.held),
    step as (
      insert into cm.reservation_audit (reservation_id, from_status, to_status, why)
      select id, 'NONE', 'PENDING', 'hold' from made)
    select made.id, made.amount, made.currency, made.status, extract(epoch from made.expires_at) * 1000,
           extract(epoch from made.created_at) * 1000, (select count(*) from held),
           (select string_agg(id || e'\x1f' || seat_number || e'\x1f' || name || e'\x1f' || price || e'\x1f'
                              || position || e'\x1e', '' order by position) from offer)
      into reservation_id, amount, currency, status, expires_ms, created_ms, l_held, seats
      from made;
    if found then
      if l_held <> cardinality(l_seats) then
        raise exception 'a seat changed under its lock' using errcode = 'serialization_failure';
      end if;
      code := 'HELD';
      exit;
    end if;

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
comment on function cm.reservation_hold(bigint, bigint, bigint[], bigint, integer, text, text, bytea) is
  'Holds seats for a member: all or none, or the best neighbours of a grade';

insert into cm.schema_migration (version, name) values (9, 'hold');
