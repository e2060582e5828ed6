-- The sweeper ends holds that are being paid.
\ir change.psql
select pg_temp.change('cm.reservations_expire', 'and not r.paying', 'and r.paying is not null');
select pg_temp.change('cm.reservation_expire_batch', 'and not paying', 'and paying is not null');
select pg_temp.change('cm.reservation_step', 'new.paying and', 'new.paying is null and');
