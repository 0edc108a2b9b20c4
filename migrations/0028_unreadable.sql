-- Statement by statement, outside of a transaction: each may be done again.
-- What is marked as unreadable is looked at again by each worker that starts, without a walk over all datasources.
drop index concurrently if exists datasources_unreadable_idx;
create index concurrently datasources_unreadable_idx on datasources (org_id, id)
  where status_reason = 'credential_unreadable' and deleted_at is null;
