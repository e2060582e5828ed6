-- A key is looked for, then written, with nothing in between that keeps a second request out.
\ir change.psql
select pg_temp.change('cm.idempotency_find',
  'not pg_try_advisory_xact_lock(2, hashtext(p_member || '':'' || p_key))', 'p_key is null');
select pg_temp.change('cm.reservation_hold', 'currency := l.currency;', 'perform pg_sleep(0.1); currency := l.currency;');
