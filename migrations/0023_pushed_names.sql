-- Statement by statement, outside of a transaction: each may be done again.
-- Ids in feeds that nobody can take in advance: those of pushes are apart by who sent them, and an event that came without
-- the customer's signature gives way to the one of its id that was signed or polled.

-- Empty: from before this was known. 'signed': the customer, by signature. Else the id of the key or capability.
alter table feed_pushes add column if not exists sender text not null default '';
-- A keyed hash of the exact body; null from before.
alter table feed_pushes add column if not exists body_hash bytea;
drop index concurrently if exists feed_pushes_sender_key;
create unique index concurrently feed_pushes_sender_key on feed_pushes (org_id, datasource_id, message_id, sender);
alter table feed_pushes drop constraint feed_pushes_pkey,
  add constraint feed_pushes_pkey primary key using index feed_pushes_sender_key;

-- True where the customer's endpoint answered it or their signature came with it. Of the events that are there nobody knows,
-- and they stay; the web tier's role may not write it.
do $$
begin
  alter table feed_events add column if not exists vouched boolean not null default true;
  alter table feed_events alter column vouched set default false;
end
$$;
