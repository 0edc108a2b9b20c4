-- The life of keys: an organization's key whose secret half is destroyed keeps its row, and a credential says when it was
-- sealed, so that a rotation of the fingerprint's key knows which ones are older.

alter table organization_keys
  alter column secret drop not null,
  add column destroyed_at timestamptz,
  add constraint organization_keys_destroyed_at_check check ((secret is null) = (destroyed_at is not null)),
  add constraint organization_keys_destroyed_retired_check check (destroyed_at is null or retired_at is not null);

alter table credentials add column sealed_at timestamptz not null default now();
