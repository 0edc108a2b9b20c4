-- Statement by statement, outside of a transaction: each may be done again.
-- The live leases of a capability, which end with it: they are few beside those that have ended.
drop index concurrently if exists leases_live_capability_idx;
create index concurrently leases_live_capability_idx on leases (org_id, capability_id) where ended_at is null;
