-- The checkpoint of a queue knows the numbers that belong to nobody: those left out when Redis was lost before.
-- Without them a second loss would make people of them: 200,000 ahead of whoever joined in between.

alter table cm.queue_checkpoint add column gaps text;
comment on column cm.queue_checkpoint.gaps is 'Numbers that belong to nobody, "from-to from-to ...", each end exclusive; null: none';

insert into cm.schema_migration (version, name) values (22, 'queue_gaps');
