-- Ids in feeds that nobody can take in advance: those of pushes are apart by who sent them, and an event that came without
-- the customer's signature gives way to the one of its id that was signed or polled.

-- Empty: from before this was known. 'signed': the customer, by signature. Else the id of the key or capability.
alter table feed_pushes add column sender text not null default '';
-- A keyed hash of the exact body; null from before.
alter table feed_pushes add column body_hash bytea;
alter table feed_pushes drop constraint feed_pushes_pkey;
alter table feed_pushes add constraint feed_pushes_pkey primary key (org_id, datasource_id, message_id, sender);

-- True where the customer's endpoint answered it or their signature came with it. Of the events that are there nobody knows,
-- and they stay; the web tier's role may not write it.
alter table feed_events add column vouched boolean not null default true;
alter table feed_events alter column vouched set default false;
