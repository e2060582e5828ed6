-- Indexes that no statement needs any more, each a write that every sale paid for.
--
-- Published events, finished deliveries and the groups' marks are removed together, event by event in
-- order of ids (cm-sweeper), so nothing looks for them by time. The steps of a reservation or a payment
-- are read by tools alone, which read them all.

drop index cm.outbox_published;
drop index cm.delivery_done;
drop index cm.inbox_seen;
drop index cm.reservation_audit_reservation;
drop index cm.payment_audit_payment;

comment on index cm.idempotency_key_created is 'Sweeper: delete answers older than CM_KEEP_KEYS_H';
comment on index cm.refresh_token_expires is 'Sweeper: delete tokens that ended CM_KEEP_TOKENS_H ago';
comment on index cm.outbox_pkey is
  'Relay: mark what the bus acknowledged; sweeper: the oldest events; scripts/events: one event';
comment on index cm.delivery_pkey is 'Relay: insert once; consumer: mark done; sweeper: is a group still waiting';
comment on index cm.inbox_pkey is 'Consumer: was this event seen; sweeper: the marks of an old event';

insert into cm.schema_migration (version, name) values (13, 'indexes');
