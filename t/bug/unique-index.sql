-- A seat's locks are given back before the commit, and nothing behind them refuses.
\ir unguarded.psql
select pg_temp.change('cm.reservation_hold', 'pg_try_advisory_xact_lock(p_seats[1])', 'pg_try_advisory_lock(p_seats[1])');
select pg_temp.change('cm.reservation_hold', e'\n    perform pg_sleep(0.1);',
  e'\n    perform pg_advisory_unlock(p_seats[1]);\n    perform pg_sleep(0.1);');
