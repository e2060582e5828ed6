#!/usr/bin/env bash
# What cm-sweeper removes after its time, and what it must not.
. "$(dirname "$0")/lib.sh"
start_instance
sql "update cm.concert set queue_mode = 'none'" >/dev/null
member buyer@example.com
buyer=$token
request POST /reservation '{"concertId":802,"seatId":665}' -H 'Idempotency-Key: old'
request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":true}" -H 'Idempotency-Key: paid'
is "$status" 201 "a sale"
confirmed() { [ "$(sql "select status from cm.reservation where id = 1")" = CONFIRMED ]; }
await confirmed
# every group is done with every event of it
settled() {
	[ "$(sql "select count(*) filter (where published_at is null)
		+ (select count(*) from cm.delivery where done_at is null) from cm.outbox")" = 0 ]
}
await settled
events=$(sql 'select count(*) from cm.outbox')
cmp_ok "$events" -ge 2 "with events"

# age SQL...: what the rows say of their time; the sweeper's next round begins with its start
sweep() {
	local before
	before=$(grep -c '"message":"started"' "$STATE/log/sweeper.log")
	kill "$(cat "$STATE/run/sweeper.pid")"
	await test ! -d "/proc/$(cat "$STATE/run/sweeper.pid")"
	up || bail "restart"
	await test "$(grep -c '"message":"started"' "$STATE/log/sweeper.log")" -gt "$before"
}
removed() { curl -s "$OPS_URL/metrics" | awk -v what="what=\"$1\"" 'index($1, "cm_rows_removed_total") == 1 && index($1, what) { n += $2 } END { print n + 0 }'; }
# One old row of each kind that has to go, at the end: when it is gone the round is over.
marker() {
	sql "insert into cm.idempotency_key (member_id, key, operation, request_hash, code, created_at)
			values (9, 'marker', 'hold', 'x', 'OK', now() - interval '10 years');
		insert into cm.refresh_token (member_id, family, token_hash, expires_at)
			values (1, gen_random_uuid(), sha256('marker'), now() - interval '10 years');
		insert into cm.outbox (topic, key, payload, created_at, published_at)
			values ('marker', 'marker', '{}', now() - interval '10 years', now() - interval '10 years')" >/dev/null
}
swept() {
	[ "$(sql "select (select count(*) from cm.idempotency_key where key = 'marker')
		+ (select count(*) from cm.refresh_token where token_hash = sha256('marker'))
		+ (select count(*) from cm.outbox where topic = 'marker')")" = 0 ]
}
round() { marker; sweep; await swept; }

# young rows stay
round
is "$(sql 'select count(*) from cm.outbox')" "$events" "young events stay"
is "$(sql 'select count(*) from cm.idempotency_key')" 2 "young keys stay"
tokens=$(sql 'select count(*) from cm.refresh_token')
cmp_ok "$tokens" -ge 1 "tokens in use stay"

# a day and a week later
sql "update cm.idempotency_key set created_at = now() - interval '25 hours' where key = 'old';
	insert into cm.idempotency_key (member_id, key, operation, request_hash, created_at)
		values (1, 'under way', 'payment', 'x', now() - interval '1 year');
	insert into cm.refresh_token (member_id, family, token_hash, expires_at)
		values (1, gen_random_uuid(), sha256('ended'), now() - interval '25 hours'),
		       (1, gen_random_uuid(), sha256('just ended'), now() - interval '23 hours');
	update cm.outbox set created_at = now() - interval '8 days', published_at = now() - interval '8 days'" >/dev/null
# old events that someone still needs: not published, a group not done, an open dead letter
sql "insert into cm.subscription (topic, consumer_group) values ('kept', 'slow');
	insert into cm.outbox (id, topic, key, payload, created_at, published_at) overriding system value values
		(900001, 'kept.waiting', 'k1', '{}', now() - interval '1 year', now() - interval '1 year'),
		(900002, 'kept.dead', 'k2', '{}', now() - interval '1 year', now() - interval '1 year');
	insert into cm.delivery (consumer_group, event_id, key, done_at) values
		('slow', 900001, 'k1', null), ('slow', 900002, 'k2', now());
	insert into cm.dead_letter (event_id, attempt_count, consumer_group, topic, key, payload, error)
		values (900002, 8, 'slow', 'kept.dead', 'k2', '{}', 'x')" >/dev/null
books=$(sql "select (select count(*) from cm.reservation), (select count(*) from cm.payment),
	(select count(*) from cm.ticket), (select count(*) from cm.reservation_audit), (select count(*) from cm.notification)")
before=$(removed events)
round
is "$(sql "select string_agg(id::text, ' ' order by id) from cm.outbox")" "900001 900002" \
	"old events go, but for those a group or a person still needs"
is "$(sql "select count(*) from cm.delivery where event_id < 900000") $(sql 'select count(*) from cm.inbox')" "0 0" \
	"with their deliveries and marks"
is "$(sql "select string_agg(key, ',' order by key) from cm.idempotency_key")" "paid,under way" \
	"keys of yesterday go, one under way stays"
is "$(sql "select count(*) from cm.refresh_token where expires_at < now()")" 1 "tokens go a day after their end"
is "$(sql "select (select count(*) from cm.reservation), (select count(*) from cm.payment),
	(select count(*) from cm.ticket), (select count(*) from cm.reservation_audit), (select count(*) from cm.notification)")" \
	"$books" "the books are left alone"
cmp_ok "$(($(removed events) - before))" -ge "$events" "and it is counted"
token=$buyer
request POST /reservation '{"concertId":802,"seatId":666}' -H 'Idempotency-Key: old'
is "$status $(header Idempotency-Replayed)" "201 " "a key that was removed is new again"
sql "update cm.dead_letter set closed_at = now(), closed_how = 'dropped'" >/dev/null

# more than a batch, and rows that stay in front of those that go
sql "insert into cm.outbox (topic, key, payload, created_at, published_at)
		select 'many', n::text, '{}', now() - interval '1 year', now() - interval '1 year' from generate_series(1, 1700) n;
	insert into cm.delivery (consumer_group, event_id, key, done_at)
		select 'cache', id, key, case when key::int > 600 then now() end from cm.outbox where topic = 'many';
	insert into cm.idempotency_key (member_id, key, operation, request_hash, code, created_at)
		select 7, n::text, 'hold', 'x', 'OK', now() - interval '2 days' from generate_series(1, 1200) n" >/dev/null
round
is "$(sql "select count(*) from cm.outbox where topic = 'many' and key::int > 600")" 0 "more than a batch goes in one round"
cmp_ok "$(sql "select count(*) from cm.outbox where topic = 'many' or id = 900001")" -ge 1 "past those that stay"
is "$(sql "select count(*) from cm.outbox where id = 900002")" 0 "a closed dead letter holds nothing back"
is "$(sql "select count(*) from cm.idempotency_key where member_id = 7")" 0 "and so do keys"
done_testing
