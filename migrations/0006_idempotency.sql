-- Answers to mutations that carried an idempotency key, kept for a day. The claim is written in the transaction of its
-- effect, so that neither stands without the other; the body is kept as a keyed hash, tokens are not kept at all.

create table idempotency_keys (
  org_id       uuid        not null,
  principal_id uuid        not null,
  route        text        not null,
  key          text        not null,
  body_hash    bytea       not null,
  result       jsonb,
  answer       jsonb,
  remarks      jsonb,
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  constraint idempotency_keys_pkey primary key (org_id, principal_id, route, key),
  constraint idempotency_keys_org_id_fkey foreign key (org_id) references organizations (id),
  constraint idempotency_keys_body_hash_check check (length(body_hash) = 32)
);
create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);
