-- The organiser's changes: concert, prices, blocked seats, cancelling.

-- cm.concert_change(concert, version, changes) -> (code, version)
--   changes: as cm.concert_create takes them, only what changes; prices: [{"id","price"}].
--   version: the one the organiser saw, null: any.
--   OK; NOT_FOUND; STALE (another version); CANCELLED; HAS_SALES (back to draft, or another time or
--   place, while seats are held or sold); GRADE_NOT_FOUND; WINDOW (open < close <= start is broken).
create function cm.concert_change(p_concert bigint, p_version integer, p jsonb,
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
  perform cm.event('concert.changed', p_concert::text, jsonb_build_object('concertId', p_concert), null);
end
$$;
comment on function cm.concert_change(bigint, integer, jsonb) is
  'Changes a concert, if it still has the version its organiser saw';

-- cm.concert_cancel(concert, version) -> (code, version): OK, NOT_FOUND, STALE, ALREADY.
--   Refunds are made by the consumer of concert.cancelled, reservation by reservation.
create function cm.concert_cancel(p_concert bigint, p_version integer, out code text, out version integer)
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
    update cm.concert c set status = 'CANCELLED', cancelled_at = now(), updated_at = now(), version = c.version + 1
     where c.id = p_concert returning c.version into version;
    perform cm.event('concert.cancelled', p_concert::text, jsonb_build_object('concertId', p_concert), null);
  end if;
end
$$;
comment on function cm.concert_cancel(bigint, integer) is 'Cancels a concert and tells those who refund';

-- cm.seats_block(concert, block, unblock) -> (code, seats)
--   All or none. Blocking a blocked seat and unblocking a free one change nothing.
--   OK: seats is null; NOT_FOUND: a seat isn't of this concert; TAKEN: seats are the numbers of those
--   held or sold, each ended by \x1e.
create function cm.seats_block(p_concert bigint, p_block bigint[], p_unblock bigint[],
                               out code text, out seats text)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
declare
  l_all bigint[] := array(select distinct unnest(p_block || p_unblock) order by 1);
  l record;
begin
  perform pg_advisory_xact_lock(id) from unnest(l_all) as id;
  perform from cm.seat s where s.id = any (l_all) order by s.id for update;
  select count(*) as found, string_agg(s.seat_number || e'\x1e', '' order by s.position)
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
  perform cm.event('concert.changed', p_concert::text,
    jsonb_build_object('concertId', p_concert, 'seats', to_jsonb(l_all)), null);
end
$$;
comment on function cm.seats_block(bigint, bigint[], bigint[]) is 'Takes seats out of sale and back in';

insert into cm.schema_migration (version, name) values (7, 'organiser');
