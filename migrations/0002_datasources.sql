-- Datasources, their sealed credentials and the verdicts on them.
-- Columns such as host are for display and lists; a dial uses what is inside the sealed payload and nothing else.

create table datasources (
  org_id             uuid        not null,
  id                 uuid        not null,
  kind               text        not null,
  mode               text        not null,
  name               text,
  db_type            text,
  status             text        not null default 'unverified',
  status_reason      text,
  host               text,
  port               integer,
  database           text,
  schema             text,
  tls_mode           text,
  excluded_schemas   text[],
  endpoint           text,
  metadata           jsonb       not null default '{}',
  identity           text,
  credential_version integer     not null default 1,
  verification_id    uuid,
  created_at         timestamptz not null,
  verified_at        timestamptz,
  introspected_at    timestamptz,
  next_check_at      timestamptz,
  deleted_at         timestamptz,
  constraint datasources_pkey primary key (org_id, id),
  constraint datasources_org_id_fkey foreign key (org_id) references organizations (id),
  constraint datasources_kind_check check (kind in ('direct', 'endpoint')),
  constraint datasources_mode_check check (mode in ('live', 'test')),
  constraint datasources_status_check check (status in ('unverified', 'active', 'rejected')),
  constraint datasources_direct_check check
    ((kind = 'direct') = (host is not null and port is not null and database is not null and db_type is not null and excluded_schemas is not null)),
  constraint datasources_endpoint_check check ((kind = 'endpoint') = (endpoint is not null)),
  constraint datasources_port_check check (port between 1 and 65535)
);
-- The natural key of the datasources dialect; the other voices register without one, and may do so twice.
create unique index datasources_identity_key on datasources (org_id, identity) where deleted_at is null;
create index datasources_list_idx on datasources (org_id, id desc) where deleted_at is null;

-- A retired credential keeps its row and loses its bytes.
create table credentials (
  org_id        uuid        not null,
  datasource_id uuid        not null,
  version       integer     not null,
  state         text        not null,
  key_id        uuid        not null,
  sealed        bytea,
  signer_id     text        not null,
  signature     bytea,
  fingerprint   text,
  last4         text,
  created_at    timestamptz not null,
  constraint credentials_pkey primary key (org_id, datasource_id, version),
  constraint credentials_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id),
  constraint credentials_key_id_fkey foreign key (org_id, key_id) references organization_keys (org_id, id),
  constraint credentials_state_check check (state in ('pending', 'current', 'retired')),
  constraint credentials_sealed_check check ((state = 'retired') = (sealed is null) and (sealed is null) = (signature is null))
);
create unique index credentials_current_key on credentials (org_id, datasource_id) where state = 'current';
create unique index credentials_pending_key on credentials (org_id, datasource_id) where state = 'pending';
create index credentials_key_id_idx on credentials (org_id, key_id) where sealed is not null;

create table verifications (
  org_id        uuid        not null,
  id            uuid        not null,
  datasource_id uuid        not null,
  version       integer     not null,
  outcome       text        not null,
  reason        text,
  checks        jsonb       not null,
  advisories    jsonb       not null,
  took_ms       integer     not null,
  at            timestamptz not null,
  constraint verifications_pkey primary key (org_id, id),
  constraint verifications_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id),
  constraint verifications_outcome_check check (outcome in ('passed', 'refused', 'unreachable'))
);
create index verifications_datasource_id_idx on verifications (org_id, datasource_id, at desc);
alter table datasources add constraint datasources_verification_id_fkey
  foreign key (org_id, verification_id) references verifications (org_id, id);
