-- Statement by statement, outside of a transaction: each may be done again.
-- A push without a key names an endpoint by nothing but its id: the organization is found by it.
drop index concurrently if exists datasources_endpoint_id_idx;
create index concurrently datasources_endpoint_id_idx on datasources (id) where kind = 'endpoint' and deleted_at is null;
