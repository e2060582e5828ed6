-- A seat's locks are given back before the commit, its row is written whatever its state, and no index
-- says no. The pause makes the window as wide as a slow disk would.
\ir change.sql
drop index if exists cm.reservation_seat_live;
select pg_temp.change('cm.reservation_hold', 'pg_try_advisory_xact_lock(p_seats[1])', 'pg_try_advisory_lock(p_seats[1])');
select pg_temp.change('cm.reservation_hold', e'    if l_count = cardinality(l_seats)\n',
  e'    perform pg_advisory_unlock(p_seats[1]);\n    perform pg_sleep(0.1);\n    if l_count = cardinality(l_seats)\n');
select pg_temp.change('cm.reservation_hold', e'and s.state = ''AVAILABLE''\n        returning', e'and s.state is not null\n        returning');
