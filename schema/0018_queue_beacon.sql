-- The beacon of a draw: where it will come from is named before the first join, its value once the lobby
-- is closed, each once; when, anybody can see.

alter table cm.queue_draw
  add column beacon_source text,
  add column beacon_named_at timestamptz,
  add column beacon_at timestamptz;
comment on column cm.queue_draw.beacon is 'Public randomness from the source, given after the lobby closed';
comment on column cm.queue_draw.beacon_source is 'Where the public randomness will come from; null: the draw needs none';
comment on column cm.queue_draw.beacon_named_at is 'When the source was named';
comment on column cm.queue_draw.beacon_at is 'When the beacon was given';

insert into cm.schema_migration (version, name) values (18, 'queue_beacon');
