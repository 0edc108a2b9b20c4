-- In a transaction of its own.
-- Time by which rows go, and the latest verdict of a datasource. Indexes are built first: what everybody waits for is locked last.

-- When a worker first saw a credential as retired; null for one that no worker has seen so yet.
alter table credentials add column retired_at timestamptz;
create index credentials_retired_at_idx on credentials (retired_at) where state = 'retired';

-- For a capability that goes: which leases refer to it.
create index leases_capability_id_idx on leases (org_id, capability_id);

-- Work that one worker does for the whole installation: who has it, and until when nobody else takes it.
create table upkeep (
  name       text        not null,
  holder     uuid,
  held_until timestamptz not null default '-infinity',
  constraint upkeep_pkey primary key (name)
);
insert into upkeep (name) values ('retention');

-- A datasource keeps its latest verdict itself: what verifications hold may go by their age, whole months at a time. Where
-- `latest_id` is another than `verification_id`, a worker of the release before has judged it, and the row of that id says how.
alter table datasources
  add column latest_id         uuid,
  add column latest_version    integer,
  add column latest_outcome    text,
  add column latest_reason     text,
  add column latest_checks     jsonb,
  add column latest_advisories jsonb,
  add column latest_took_ms    integer,
  add column latest_at         timestamptz;
-- No row has these columns yet: the constraint needs no look at the rows here, and is validated with others later.
alter table datasources add constraint datasources_latest_check check (num_nonnulls(latest_id, latest_version, latest_outcome,
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
