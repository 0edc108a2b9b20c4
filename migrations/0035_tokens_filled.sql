-- In a transaction of its own.
-- What is there. Nothing is locked that a process waits for; a token that a process of the release before makes meanwhile is added when
-- it is first presented, and what such a process revokes is honoured where it writes it.
insert into tokens (hash, org_id)
  select hash, org_id from api_keys union all select hash, org_id from capabilities
  on conflict do nothing;

insert into revocations (org_id, kind, id, at, keeps_children)
  select org_id, 'key', id, revoked_at, keeps_children from api_keys where revoked_at is not null
  union all
  select org_id, 'capability', id, revoked_at, false from capabilities where revoked_at is not null
  on conflict do nothing;
