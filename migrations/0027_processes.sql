-- In a transaction of its own.
-- Each process writes its row every five seconds: that it can is its readiness, and whether a worker runs at all is read here.
create table processes (
  id uuid not null,
  kind text not null,
  version text not null,
  started_at timestamptz default clock_timestamp() not null,
  seen_at timestamptz default clock_timestamp() not null,
  constraint processes_pkey primary key (id),
  constraint processes_kind_check check (kind in ('web', 'worker')),
  constraint processes_version_check check (length(version) <= 100)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- `db grant` runs after the new processes have begun, and without these rights none of them would be ready: whoever may add to
-- the record, as the roles of both tiers may, may write its own row from now on.
do $$
declare
  grantee regrole;
begin
  for grantee in
    select distinct acl.grantee::regrole
    from pg_class c, aclexplode(c.relacl) acl
    where c.oid = 'audit_events'::regclass and acl.privilege_type = 'INSERT' and acl.grantee <> 0
  loop
    execute format('grant select, insert, update, delete on processes to %s', grantee);
  end loop;
end
$$;
