-- The lock in Redis stands alone: nothing in the database refuses. Held right it is enough; the build
-- with the bug gives it back without looking whose it is.
\ir unguarded.psql
select pg_temp.change('cm.reservation_hold', 'not pg_try_advisory_xact_lock(p_seats[1])', 'p_seats[1] is null');
