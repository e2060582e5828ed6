-- Demo data, safe to run again: concerts with fixed ids that are made only when missing. Accounts are
-- made by scripts/admin, because passwords need argon2.
-- The customer's scenario: concert 802 is found by "sample", seat 665 (A-12, VIP) is in it.

-- Compiling the layout's statement takes a second each time, running it milliseconds.
set jit = off;

create function pg_temp.demo_concert(p_id bigint, p_title text, p_artist text, p_place text,
    p_description text, p_days integer, p_grades jsonb, p_first_seat bigint) returns void
  language plpgsql
as $$
declare
  l_code text;
begin
  insert into cm.concert (id, title, artist, place, description, date_time, reservation_open_at,
                          reservation_close_at)
  values (p_id, p_title, p_artist, p_place, p_description,
          date_trunc('day', now(), 'Asia/Seoul') + make_interval(days => p_days, hours => 19),
          date_trunc('day', now(), 'Asia/Seoul') - interval '1 day',
          date_trunc('day', now(), 'Asia/Seoul') + make_interval(days => p_days, hours => 18))
  on conflict (id) do nothing;
  if not found then
    return;
  end if;
  l_code := cm.concert_layout(p_id, p_grades, p_first_seat);
  if l_code <> 'OK' then
    raise exception 'demo concert %: %', p_id, l_code;
  end if;
end
$$;

create function pg_temp.demo_rows(p_from integer, p_to integer, p_seats integer) returns jsonb
  language sql
as $$
  select jsonb_agg(jsonb_build_object('label', case when n < 26 then chr(65 + n)
           else chr(64 + n / 26) || chr(65 + n % 26) end, 'from', 1, 'to', p_seats) order by n)
    from generate_series(p_from, p_to) n
$$;

create function pg_temp.demo_hall(p_rows integer, p_seats integer, p_vip bigint, p_r bigint, p_s bigint)
  returns jsonb
  language sql
as $$
  select jsonb_build_array(
    jsonb_build_object('name', 'VIP', 'price', p_vip, 'sections', jsonb_build_array(jsonb_build_object(
      'name', '1F', 'rows', pg_temp.demo_rows(0, p_rows / 5, p_seats)))),
    jsonb_build_object('name', 'R', 'price', p_r, 'sections', jsonb_build_array(jsonb_build_object(
      'name', '1F', 'rows', pg_temp.demo_rows(p_rows / 5 + 1, p_rows / 2, p_seats)))),
    jsonb_build_object('name', 'S', 'price', p_s, 'sections', jsonb_build_array(jsonb_build_object(
      'name', '2F', 'rows', pg_temp.demo_rows(p_rows / 2 + 1, p_rows - 1, p_seats)))))
$$;

select pg_temp.demo_concert(801, '봄날의재즈콘서트', '서울 재즈 쿼텟', '예술의전당 콘서트홀',
  '봄밤에 듣는 스탠더드 재즈. 공연 시간 100분, 휴식 없음.', 30, pg_temp.demo_hall(6, 10, 120000, 90000, 60000), 554);
select pg_temp.demo_concert(802, 'Sample Concert 샘플 콘서트', '한강 필하모닉', '올림픽공원 올림픽홀',
  'The sample concert of the demo. 예매부터 결제까지 따라 해 보는 공연입니다.', 45,
  pg_temp.demo_hall(10, 20, 150000, 120000, 90000), 654);
select pg_temp.demo_concert(803, '여름밤 록 페스티벌', '인디 밴드 연합', '난지 한강공원',
  '한강에서 열리는 야외 록 공연. Outdoor rock by the river.', 60, pg_temp.demo_hall(8, 15, 99000, 77000, 55000), 1001);
select pg_temp.demo_concert(804, 'Symphony under the Stars', 'Namsan Symphony', 'Seoul Forest Amphitheatre',
  'Dvořák, Symphony No. 9; open air. 서울숲 야외무대.', 75, pg_temp.demo_hall(8, 15, 110000, 80000, 50000), 1201);
select pg_temp.demo_concert(805, '겨울 콘서트: 별이 빛나는 밤', '더 하모니', '고척 스카이돔',
  'The large hall of the demo, two thousand seats. 좌석 2,000석.', 90,
  pg_temp.demo_hall(50, 40, 165000, 132000, 99000), 2001);

-- What is made later gets ids above the demo's.
select setval('cm.concert_id_seq', greatest((select max(id) from cm.concert), (select last_value from cm.concert_id_seq)));
select setval('cm.seat_id_seq', greatest((select max(id) from cm.seat), (select last_value from cm.seat_id_seq)));
