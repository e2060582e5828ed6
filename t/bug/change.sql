-- Changes a function of the schema for a seeded bug: from must be in it, to is what takes its place.
-- A function that was changed before is left as it is, so that an instance may be started again.
create function pg_temp.change(p_function regproc, p_from text, p_to text) returns void language plpgsql
as $change$
declare
  l_text text := pg_get_functiondef(p_function);
begin
  if position(p_to in l_text) > 0 and (position(p_from in p_to) > 0 or position(p_from in l_text) = 0) then
    return;
  elsif position(p_from in l_text) = 0 then
    raise '% has no longer: %', p_function, p_from;
  end if;
  execute replace(l_text, p_from, p_to);
end
$change$;
