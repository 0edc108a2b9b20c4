-- Leases: a credential in the hands of a platform's worker for a while, re-sealed to a key of its own, and who may take one.

-- An operator's signature over a capability's grant, by the worker's signing key. Without it no lease is given, so that
-- whoever takes over the web tier, which can write capabilities and knows the pepper, cannot lease for himself.
create table lease_grants (
  org_id        uuid  not null,
  capability_id uuid  not null,
  signer_id     text  not null,
  signature     bytea not null,
  constraint lease_grants_pkey primary key (org_id, capability_id),
  constraint lease_grants_capability_id_fkey foreign key (org_id, capability_id) references capabilities (org_id, id),
  constraint lease_grants_signature_check check (length(signature) = 64)
);

create table leases (
  org_id        uuid        not null,
  id            uuid        not null,
  datasource_id uuid        not null,
  capability_id uuid        not null,
  version       integer     not null,
  granted_at    timestamptz not null,
  expires_at    timestamptz not null,
  ended_at      timestamptz,
  ended_by      text,
  constraint leases_pkey primary key (org_id, id),
  constraint leases_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id),
  constraint leases_capability_id_fkey foreign key (org_id, capability_id) references capabilities (org_id, id),
  constraint leases_ended_by_check check (ended_by in ('released', 'revoked', 'expired')),
  constraint leases_ended_at_check check ((ended_at is null) = (ended_by is null))
);
create index leases_live_idx on leases (org_id, datasource_id) where ended_at is null;
create index leases_expires_at_idx on leases (expires_at) where ended_at is null;
