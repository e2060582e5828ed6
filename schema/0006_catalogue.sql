-- Finding concerts by words in any script, and making one with all its seats in one call.

-- Search -----------------------------------------------------------------------------------------
-- Index terms of a text: two-letter windows of every word (cm.bigrams), and besides every single
-- letter of the scripts that write a syllable or a word with one sign, so that 봄 finds 봄날의재즈.
-- Terms of a keyword are those a matching text must contain: a Latin letter at the edge of a phrase
-- may be the middle of a longer word there, so lone ones count only when nothing else is left.

create function cm.search_fold(p_text text) returns text
  language sql immutable strict parallel safe set search_path = cm, pg_temp
as $$
  select btrim(regexp_replace(lower(normalize(p_text, nfkc) collate "und-x-icu"), '\s+', ' ', 'g'))
$$;
comment on function cm.search_fold(text) is
  'The form in which texts are compared: NFKC, lower case, one space between words';

create function cm.search_index_terms(p_text text) returns text[]
  language sql immutable strict parallel safe set search_path = cm, pg_temp
as $$
  select coalesce(array_agg(distinct term), '{}'::text[])
    from (select unnest(cm.bigrams(p_text)) as term
          union all
          select letter[1] from regexp_matches(normalize(p_text, nfkc), '[가-힣ぁ-ヿ一-鿿]', 'g') as letter) t
$$;
comment on function cm.search_index_terms(text) is
  'Bigrams of a text and its single Hangul, Kana and Han letters';

create function cm.search_terms(p_keyword text) returns text[]
  language sql immutable strict parallel safe set search_path = cm, pg_temp
as $$
  select coalesce(array_agg(term) filter (where length(term) > 1 or term ~ '[가-힣ぁ-ヿ一-鿿]'),
                  array_agg(term), '{}'::text[])
    from unnest(cm.bigrams(p_keyword)) as term
$$;
comment on function cm.search_terms(text) is 'Terms that every text containing the keyword has';

drop index cm.concert_search;
alter table cm.concert drop column search_words;
alter table cm.concert
  add column search_words text[] generated always as
    (cm.search_index_terms(title || ' ' || artist || ' ' || place || ' ' || description)) stored,
  add column search_text text generated always as
    (cm.search_fold(title) || e'\n' || cm.search_fold(artist) || e'\n' || cm.search_fold(place)
     || e'\n' || cm.search_fold(description)) stored;
create index concert_search on cm.concert using gin (search_words) with (fastupdate = off);
comment on column cm.concert.search_words is 'Index terms of title, artist, place and description';
comment on column cm.concert.search_text is
  'Title, artist, place and description as compared, a line each: recheck and rank of a match';
comment on index cm.concert_search is 'Concert list with a keyword: texts that contain all its terms';

-- cm.search_rank(text, words) -> 0 all in the title, 1 in the artist, 2 in the place, 3 anywhere,
-- null: not all of them are there.
create function cm.search_rank(p_text text, p_words text[]) returns integer
  language sql immutable strict parallel safe set search_path = cm, pg_temp
as $$
  select case when not bool_and(strpos(p_text, word) > 0) then null
              when bool_and(strpos(split_part(p_text, e'\n', 1), word) > 0) then 0
              when bool_and(strpos(split_part(p_text, e'\n', 2), word) > 0) then 1
              when bool_and(strpos(split_part(p_text, e'\n', 3), word) > 0) then 2
              else 3 end
    from unnest(p_words) as word
$$;
comment on function cm.search_rank(text, text[]) is 'Where a concert''s text has all the words';

-- Making a concert -------------------------------------------------------------------------------

-- cm.concert_create(concert, grades, member) -> (code, id)
--   concert: title, artist, place, description, status, times in ms (dateTime, openAt, closeAt,
--   lobbyAt), holdSeconds, maxTickets, queueMode, ratePerSecond, capacity, cancellation; a missing one
--   takes the column's default; without openAt it opens now, without closeAt it closes at the start.
--   grades: as cm.concert_layout takes them. Codes: OK, or those of cm.concert_layout.
--   A code other than OK leaves nothing behind.
create function cm.concert_create(p_concert jsonb, p_grades jsonb, p_member bigint,
                                  out code text, out id bigint)
  language plpgsql volatile set search_path = cm, pg_temp
as $$
#variable_conflict use_column
declare
  d record;
begin
  select to_timestamp((p_concert ->> 'dateTime')::bigint / 1000.0) as starts into d;
  begin
    insert into cm.concert (title, artist, place, description, status, date_time,
        reservation_open_at, reservation_close_at, hold_seconds, max_tickets_per_member, queue_mode,
        queue_rate_per_second, queue_capacity, queue_lobby_at, created_by)
    values (p_concert ->> 'title', coalesce(p_concert ->> 'artist', ''), p_concert ->> 'place',
        coalesce(p_concert ->> 'description', ''), coalesce(p_concert ->> 'status', 'PUBLISHED'), d.starts,
        coalesce(to_timestamp((p_concert ->> 'openAt')::bigint / 1000.0), now()),
        coalesce(to_timestamp((p_concert ->> 'closeAt')::bigint / 1000.0), d.starts),
        coalesce((p_concert ->> 'holdSeconds')::integer, 600),
        coalesce((p_concert ->> 'maxTickets')::integer, 4), coalesce(p_concert ->> 'queueMode', 'on'),
        coalesce((p_concert ->> 'ratePerSecond')::integer, 50),
        coalesce((p_concert ->> 'capacity')::integer, 500),
        to_timestamp((p_concert ->> 'lobbyAt')::bigint / 1000.0), p_member)
    returning concert.id into id;
    if p_concert ? 'cancellation' then
      update cm.concert c set cancellation = p_concert -> 'cancellation' where c.id = concert_create.id;
    end if;
    code := cm.concert_layout(id, p_grades);
    if code <> 'OK' then
      raise exception using errcode = 'CM001';
    end if;
  exception when sqlstate 'CM001' then
    id := null;
  end;
end
$$;
comment on function cm.concert_create(jsonb, jsonb, bigint) is
  'Makes a concert with its grades and seats, all or nothing';

insert into cm.schema_migration (version, name) values (6, 'catalogue');
