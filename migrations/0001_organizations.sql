-- Organizations, the key pairs that their credentials are sealed to, and the API keys that act for them.
-- Secrets are here only sealed (organization_keys.secret) or hashed (api_keys.hash).

create table organizations (
  id         uuid        not null,
  name       text        not null,
  created_at timestamptz not null,
  removed_at timestamptz,
  constraint organizations_pkey primary key (id),
  constraint organizations_name_check check (length(name) between 1 and 200)
);

-- The signature covers id, organization, public key and retirement, by a key that the web tier does not hold: without it
-- whoever can write this table plants a pair of his own and reads every credential sealed from then on.
create table organization_keys (
  org_id        uuid        not null,
  id            uuid        not null,
  public_key    bytea       not null,
  secret        bytea       not null,
  master_key_id text        not null,
  signer_id     text        not null,
  signature     bytea       not null,
  created_at    timestamptz not null,
  retired_at    timestamptz,
  constraint organization_keys_pkey primary key (org_id, id),
  constraint organization_keys_org_id_fkey foreign key (org_id) references organizations (id),
  constraint organization_keys_public_key_check check (length(public_key) = 32),
  constraint organization_keys_signature_check check (length(signature) = 64)
);
create unique index organization_keys_org_id_current_key on organization_keys (org_id) where retired_at is null;

-- The MAC (keyed with the pepper) covers hash, organization, mode, scopes and expiry: an edited row is a dead one.
create table api_keys (
  org_id       uuid        not null,
  id           uuid        not null,
  mode         text        not null,
  name         text,
  last4        text        not null,
  pepper_id    text        not null,
  hash         bytea       not null,
  mac          bytea       not null,
  scopes       text[]      not null,
  created_at   timestamptz not null,
  last_used_at timestamptz,
  expires_at   timestamptz,
  revoked_at   timestamptz,
  constraint api_keys_pkey primary key (org_id, id),
  constraint api_keys_hash_key unique (hash),
  constraint api_keys_org_id_fkey foreign key (org_id) references organizations (id),
  constraint api_keys_mode_check check (mode in ('live', 'test')),
  constraint api_keys_hash_check check (length(hash) = 32 and length(mac) = 32)
);
