-- Statement by statement, outside of a transaction: each may be done again.
-- Time by which rows go, and the latest verdict of a datasource.

-- When a worker first saw a credential as retired; null for one that no worker has seen so yet.
alter table credentials add column if not exists retired_at timestamptz;
drop index concurrently if exists credentials_retired_at_idx;
create index concurrently credentials_retired_at_idx on credentials (retired_at) where state = 'retired';

-- For a capability that goes: which leases refer to it.
drop index concurrently if exists leases_capability_id_idx;
create index concurrently leases_capability_id_idx on leases (org_id, capability_id);

-- What happened to one object is read by its rows. The next steps make a month's table of this one.
drop index concurrently if exists audit_events_object_id_idx;
create index concurrently audit_events_object_id_idx on audit_events (org_id, object_id, id) where object_id is not null;

-- Work that one worker does for the whole installation: who has it, and until when nobody else takes it.
create table if not exists upkeep (
  name       text        not null,
  holder     uuid,
  held_until timestamptz not null default '-infinity',
  constraint upkeep_pkey primary key (name)
);
insert into upkeep (name) values ('retention') on conflict do nothing;

-- A datasource keeps its latest verdict itself: what verifications hold may go by their age, whole months at a time. Where
-- `latest_id` is another than `verification_id`, a worker of the release before has judged it, and the row of that id says how.
alter table datasources
  add column if not exists latest_id         uuid,
  add column if not exists latest_version    integer,
  add column if not exists latest_outcome    text,
  add column if not exists latest_reason     text,
  add column if not exists latest_checks     jsonb,
  add column if not exists latest_advisories jsonb,
  add column if not exists latest_took_ms    integer,
  add column if not exists latest_at         timestamptz;
-- No row has these columns yet: the constraint needs no look at the rows here, and is validated with others later.
alter table datasources drop constraint if exists datasources_latest_check, add constraint datasources_latest_check check (num_nonnulls(latest_id, latest_version, latest_outcome,
  latest_checks, latest_advisories, latest_took_ms, latest_at) in (0, 7)) not valid;

-- The worker's role does it before `db grant` is run again: the new processes start before that.
do $$
declare
  tier regrole;
begin
  for tier in
    select distinct acl.grantee::regrole from pg_class c, aclexplode(c.relacl) acl
    where c.oid = 'verifications'::regclass and acl.privilege_type = 'INSERT' and acl.grantee not in (0, c.relowner)
  loop
    execute format('grant delete on lease_grants to %s', tier);
    execute format('grant select (org_id, principal_id, route, key) on idempotency_keys to %s', tier);
    execute format('grant select, update (holder, held_until) on upkeep to %s', tier);
  end loop;
end
$$;
