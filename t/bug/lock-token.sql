-- The lock in Redis stands alone: nothing in the database refuses. Held right it is enough; the build
-- with the bug gives it back without looking whose it is.
\ir change.sql
drop index if exists cm.reservation_seat_live;
select pg_temp.change('cm.reservation_hold', 'not pg_try_advisory_xact_lock(p_seats[1])', 'p_seats[1] is null');
select pg_temp.change('cm.reservation_hold', e'    if l_count = cardinality(l_seats)\n',
  e'    perform pg_sleep(0.1);\n    if l_count = cardinality(l_seats)\n');
select pg_temp.change('cm.reservation_hold', e'and s.state = ''AVAILABLE''\n        returning', e'and s.state is not null\n        returning');
