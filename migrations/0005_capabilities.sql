-- Capabilities, which an API key mints for an agent or a system, and what keeps one organization from using up the rest:
-- how many datasources it has, and how many calls were made of late.

-- The MAC (keyed with the pepper) covers hash, organization, issuer, mode, operations, datasource ids and expiry: an edited
-- row is a dead one. Without an issuer it was granted by an operator.
create table capabilities (
  org_id           uuid        not null,
  id               uuid        not null,
  issuer_id        uuid,
  rotated_from     uuid,
  mode             text        not null,
  last4            text        not null,
  pepper_id        text        not null,
  hash             bytea       not null,
  mac              bytea       not null,
  operations       text[]      not null,
  datasource_ids   text[],
  participant_kind text        not null,
  participant_id   text,
  label            text,
  sync_groups      text[]      not null,
  user_meta        json        not null,
  wide_scope       boolean     not null,
  created_at       timestamptz not null,
  last_used_at     timestamptz,
  expires_at       timestamptz not null,
  revoked_at       timestamptz,
  constraint capabilities_pkey primary key (org_id, id),
  constraint capabilities_hash_key unique (hash),
  constraint capabilities_org_id_fkey foreign key (org_id) references organizations (id),
  constraint capabilities_issuer_id_fkey foreign key (org_id, issuer_id) references api_keys (org_id, id),
  constraint capabilities_rotated_from_fkey foreign key (org_id, rotated_from) references capabilities (org_id, id),
  constraint capabilities_mode_check check (mode in ('live', 'test')),
  constraint capabilities_hash_check check (length(hash) = 32 and length(mac) = 32),
  constraint capabilities_participant_kind_check check (participant_kind in ('agent', 'system')),
  constraint capabilities_operations_check check (cardinality(operations) > 0 and operations <@ array[
    'datasources.read', 'datasources.create', 'datasources.update', 'datasources.remove',
    'datasources.introspect', 'datasources.lease', 'feeds.read', 'feeds.write'])
);
create index capabilities_expires_at_idx on capabilities (org_id, expires_at) where revoked_at is null;

-- How many datasources an organization has. Whoever registers one adds to it in the same statement, and the check refuses
-- the one too many whatever runs beside it; a count of rows would be blind to what has not been committed yet.
create table quotas (
  org_id          uuid    not null,
  datasources     integer not null,
  max_datasources integer not null,
  constraint quotas_pkey primary key (org_id),
  constraint quotas_org_id_fkey foreign key (org_id) references organizations (id),
  constraint quotas_datasources_check check (datasources between 0 and max_datasources)
) with (fillfactor = 50);
insert into quotas (org_id, datasources, max_datasources)
  select org_id, count(*), count(*) from datasources where deleted_at is null group by org_id;

-- Calls made of late, for rate limits that several processes share. Unlogged: after a crash everyone begins anew, and no
-- call waits for the disk. The columns and their order are rate-limiter-flexible's.
create unlogged table rate_limits (
  key    text    not null,
  points integer not null,
  expire bigint,
  constraint rate_limits_pkey primary key (key)
) with (fillfactor = 50);
