-- Seats that can't be blocked are named with their ids, as those that can't be held are.

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
  perform cm.event('concert.changed', p_concert::text,
    jsonb_build_object('concertId', p_concert, 'seats', to_jsonb(l_all)), null);
end
$$;

insert into cm.schema_migration (version, name) values (14, 'seats_block');
