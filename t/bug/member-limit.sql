-- A member's live seats are counted without the lock that keeps that member's holds apart.
\ir change.psql
select pg_temp.change('cm.reservation_hold', 'pg_advisory_xact_lock(4, hashint8(p_member))', 'hashint8(p_member)');
select pg_temp.change('cm.reservation_hold', 'currency := l.currency;', 'perform pg_sleep(0.1); currency := l.currency;');
