-- The order id at the gateway is known before the attempt: a real gateway's widget is given it by the
-- client, who knows the reservation and not the attempt. A reservation has one attempt in its life
-- (a decline cancels it), so its id is enough.
alter table cm.payment drop column gateway_order_id;
alter table cm.payment add column gateway_order_id text
  generated always as ('cm-' || lpad(reservation_id::text, 10, '0')) stored;
create unique index payment_gateway_order on cm.payment (gateway_order_id);
comment on column cm.payment.gateway_order_id is
  'Our order id at the gateway: cm- and the reservation''s id in ten digits';
comment on index cm.payment_gateway_order is 'Webhook: find the attempt by our order id';

insert into cm.schema_migration (version, name) values (8, 'gateway_order');
