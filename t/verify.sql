-- The invariants of quality.md, one row each: invariant, how many were looked at, how many break it.
-- Needs the temporary table history (call jsonb); empty when only the database is looked at.

create temp table call as
  select (call ->> 'member')::bigint as member, call ->> 'op' as op, call ->> 'key' as key,
         to_timestamp((call ->> 'start')::bigint / 1e6) as started,
         to_timestamp((call ->> 'end')::bigint / 1e6) as ended, (call ->> 'status')::integer as status,
         call ->> 'code' as code, (call ->> 'reservation')::bigint as reservation,
         (call ->> 'grade')::bigint as grade, (call ->> 'wanted')::integer as wanted,
         array(select jsonb_array_elements_text(call -> 'seats')::bigint order by 1) as seats
    from history;

-- The audit has no index by reservation: every sale would pay for it.
create temp table audit as select * from cm.reservation_audit;
create index on audit (reservation_id, id);
analyze audit;

-- From when to when each reservation had its seats, from the audit alone.
create temp table span as
  select a.reservation_id, l.seat_id, a.at as from_at,
         coalesce((select min(b.at) from audit b
                    where b.reservation_id = a.reservation_id and b.id > a.id
                      and b.to_status in ('EXPIRED', 'CANCELLED', 'REFUNDING', 'REFUNDED')), 'infinity') as to_at
    from audit a join cm.reservation_seat l using (reservation_id)
   where a.from_status = 'NONE';
create index on span (seat_id, from_at);

-- Groups that were told there is nothing left, and the neighbours that nobody had from two seconds
-- before the question (what was freed then may not have been committed yet) to the answer. Of many, 300
-- spread over the sale.
create temp table refused as
  select * from (select call.*, row_number() over (order by started) as nth, count(*) over () as most
                   from call where op = 'hold' and code = 'sold-out' and grade is not null) x
   where nth % greatest(1, most / 300) = 0;
create temp table refused_wrongly as
  select started, grade, section, row_label, count(*) as neighbours
    from (select r.started, r.grade, r.wanted, s.section, s.row_label,
                 s.position - row_number() over (partition by r.started, r.member, s.section, s.row_label order by s.position) as run,
                 r.member
            from refused r join cm.seat s on s.grade_id = r.grade and s.state <> 'BLOCKED'
           where not exists (select from span where span.seat_id = s.id and span.from_at <= r.ended
                                and span.to_at >= r.started - interval '2 seconds')) free
   group by started, member, grade, section, row_label, run, wanted having count(*) >= wanted;

select invariant, looked, broken from (
  select 1, 'a seat has one live reservation', (select count(*) from cm.reservation_seat where live),
         (select count(*) from (select seat_id from cm.reservation_seat where live
                                 group by seat_id having count(*) > 1) x)
  union all
  select 2, 'at no time did a seat have two (audit)', (select count(*) from span),
         (select count(*) from (select to_at > lead(from_at) over (partition by seat_id order by from_at) as bad
                                  from span) x where bad)
  union all
  select 3, 'seat state, holder and live line agree', (select count(*) from cm.seat),
         (select count(*) from cm.seat s
            left join cm.reservation_seat l on l.seat_id = s.id and l.live
            left join cm.reservation r on r.id = l.reservation_id
           where s.reservation_id is distinct from l.reservation_id
              or s.state = 'SOLD' and (r.status is null or r.status not in ('PAID', 'CONFIRMED'))
              or s.state = 'HELD' and (r.status is distinct from 'PENDING' or s.held_until <> r.expires_at)
              or s.state in ('AVAILABLE', 'BLOCKED') and l.seat_id is not null)
  union all
  select 4, 'a live reservation has all its seats, an ended one none', (select count(*) from cm.reservation),
         (select count(*) from cm.reservation r
           where (select count(*) from cm.reservation_seat l where l.reservation_id = r.id and l.live)
              <> case when r.status in ('PENDING', 'PAID', 'CONFIRMED') then r.seat_count else 0 end)
  union all
  select 5, 'amounts are the sum of the prices held', (select count(*) from cm.reservation),
         (select count(*) from cm.reservation r where amount is distinct from
                 (select sum(price) from cm.reservation_seat l where l.reservation_id = r.id))
  union all
  select 6, 'counters equal the seats', (select count(*) from cm.seat_grade),
         (select count(*) from (
            select grade_id, available, held, sold, blocked from cm.seat_availability
            except
            select grade_id, count(*) filter (where state = 'AVAILABLE'), count(*) filter (where state = 'HELD'),
                   count(*) filter (where state = 'SOLD'), count(*) filter (where state = 'BLOCKED')
              from cm.seat group by grade_id) x)
  union all
  select 7, 'members'' live seats are within the limit', count(*), count(*) filter (where live > most)
    from (select sum(r.seat_count) as live, max(c.max_tickets_per_member) as most
            from cm.reservation r join cm.concert c on c.id = r.concert_id
           where r.status in ('PAID', 'CONFIRMED') or r.status = 'PENDING' and (r.paying or r.expires_at > now())
           group by r.member_id, r.concert_id) x
  union all
  select 8, 'only allowed transitions, each audited', (select count(*) from audit),
         (select count(*) from audit a where not exists (
                 select from cm.reservation_transition t
                  where t.from_status = a.from_status and t.to_status = a.to_status))
       + (select count(*) from cm.reservation r where r.status is distinct from
                 (select to_status from audit a where a.reservation_id = r.id order by a.id desc limit 1))
       + (select count(*) from (select from_status, lag(to_status) over (partition by reservation_id order by id) as was
                                  from audit) x
           where from_status <> coalesce(was, 'NONE'))
  union all
  select 9, 'a successful payment has a reservation that is paid or later',
         (select count(*) from cm.payment where status = 'SUCCESS'),
         (select count(*) from cm.payment p join cm.reservation r on r.id = p.reservation_id
           where p.status = 'SUCCESS' and (p.amount <> r.amount
                 or r.status not in ('PAID', 'CONFIRMED', 'REFUNDING', 'REFUNDED')))
       + (select count(*) from cm.reservation r where r.status in ('PAID', 'CONFIRMED') and 1 <>
                 (select count(*) from cm.payment p where p.reservation_id = r.id and p.status = 'SUCCESS'))
  union all
  select 10, 'nobody was charged twice, refunds never exceed what was paid', (select count(*) from cm.payment),
         (select count(*) from (select reservation_id from cm.payment where captured_at is not null
                                   and failure_code is distinct from 'seats-gone'
                                 group by reservation_id having count(*) > 1) x)
       + (select count(*) from cm.payment p where p.amount <
                 (select coalesce(sum(amount), 0) from cm.payment_refund f
                   where f.payment_id = p.id and f.status <> 'FAILED'))
  union all
  select 11, 'a confirmed reservation has exactly its tickets', (select count(*) from cm.reservation where status = 'CONFIRMED'),
         (select count(*) from cm.reservation r where r.status = 'CONFIRMED' and r.seat_count <>
                 (select count(*) from cm.ticket t where t.reservation_id = r.id and t.status <> 'VOID'))
       + (select count(*) from cm.ticket t join cm.reservation r on r.id = t.reservation_id
           where t.status <> 'VOID' and r.status <> 'CONFIRMED')
  union all
  select 12, 'nothing is held past its end plus a sweep', (select count(*) from cm.reservation where status = 'PENDING'),
         (select count(*) from cm.reservation where status = 'PENDING' and not paying
             and expires_at < now() - interval '5 seconds')
  union all
  select 13, 'nothing expired before its end', (select count(*) from cm.reservation where status = 'EXPIRED'),
         (select count(*) from cm.reservation r join audit a on a.reservation_id = r.id
           where a.to_status = 'EXPIRED' and a.at < r.expires_at)
  union all
  select 14, 'every event reached every group (once none waits)', (select count(*) from cm.outbox),
         (select count(*) from cm.outbox o join cm.subscription s on s.topic = o.topic
           where o.published_at is not null and not exists (select from cm.delivery d
                 where d.event_id = o.id and d.consumer_group = s.consumer_group))
  union all
  select 15, 'no advisory locks left, no transaction idle', (select count(*) from pg_stat_activity where datname = current_database()),
         (select count(*) from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory'
             and l.objsubid = 1 and a.datname = current_database() and a.state = 'idle')
       + (select count(*) from pg_stat_activity where datname = current_database()
             and state like 'idle in transaction%' and state_change < now() - interval '10 seconds')
  union all
  select 16, 'every acknowledged hold is there with its seats',
         (select count(*) from call where op = 'hold' and status in (200, 201)),
         (select count(*) from call where op = 'hold' and status in (200, 201) and not exists (
                 select from cm.reservation r where r.id = call.reservation and r.member_id = call.member
                    and call.seats = array(select l.seat_id from cm.reservation_seat l
                                            where l.reservation_id = r.id order by 1)))
  union all
  select 17, 'every acknowledged payment is there',
         (select count(*) from call where op = 'pay' and status = 201),
         (select count(*) from call where op = 'pay' and status = 201 and not exists (
                 select from cm.payment p where p.reservation_id = call.reservation and p.captured_at is not null))
  union all
  select 18, 'every acknowledged cancel freed the seats',
         (select count(*) from call where op = 'cancel' and status = 200),
         (select count(*) from call where op = 'cancel' and status = 200 and exists (
                 select from cm.reservation r where r.id = call.reservation
                    and r.status not in ('CANCELLED', 'REFUNDING', 'REFUNDED')))
  union all
  select 19, 'one Idempotency-Key, one reservation',
         (select count(distinct (member, key)) from call where op = 'hold' and key <> ''),
         (select count(*) from (select from call where op = 'hold' and key <> '' and status in (200, 201)
                                 group by member, key having count(distinct reservation) > 1) x)
  union all
  select 20, 'no reservation nobody asked for',
         (select count(*) from cm.reservation r where exists (select from call where member = r.member_id)),
         (select count(*) from cm.reservation r where exists (select from call where member = r.member_id)
             and r.created_at between (select min(started) from call) and (select max(ended) from call) and not exists (select from call where op = 'hold' and member = r.member_id
                                and (status = 0 or status >= 500 or reservation = r.id
                                     or code = 'request-in-progress')))
  union all
  select 21, 'no event was passed over', (select count(*) from cm.outbox),
         (select count(*) from cm.outbox o where o.published_at is null and exists (
                 select from cm.outbox p where p.id > o.id and p.published_at < now() - interval '5 seconds'))
  union all
  select 22, 'no hold ended while it was being paid', (select count(*) from cm.payment),
         (select count(*) from cm.payment p join audit a on a.reservation_id = p.reservation_id
           where a.to_status = 'EXPIRED' and a.at > p.requested_at and a.at < coalesce(p.settled_at, 'infinity'))
  union all
  select 23, 'no group was refused while neighbours were free', (select count(*) from refused),
         (select count(*) from refused_wrongly)
) as checks (number, invariant, looked, broken) order by number;
