-- A push without a key names an endpoint by nothing but its id: the organization is found by it.
create index datasources_endpoint_id_idx on datasources (id) where kind = 'endpoint' and deleted_at is null;
