-- An answer goes out before its commit is on disk.
do $$
declare
  l_role name;
begin
  for l_role in select rolname from pg_roles where rolname like 'cm\_%' loop
    execute format('alter role %I set synchronous_commit = off', l_role);
  end loop;
end
$$;
alter system set wal_writer_delay = '10s';
select pg_reload_conf();
