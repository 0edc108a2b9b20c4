-- In a transaction of its own.
-- The directory of tokens: whose a key or capability is, by its hash alone. Rows of the organization are found by (org_id, hash)
-- after that, so that a request asks one organization's rows and no others. It may be distributed by its hash, so it refers to nothing.
create table tokens (
  hash   bytea not null,
  org_id uuid  not null,
  constraint tokens_pkey primary key (hash),
  constraint tokens_hash_check check (length(hash) = 32)
);
create index tokens_org_id_idx on tokens (org_id);

-- What was revoked. Both tiers insert and read; neither can take a revocation back, or change its time or its reach.
-- `keeps_children`, of a key: what it made is meant to outlive it, its capabilities included.
create table revocations (
  org_id         uuid        not null,
  kind           text        not null,
  id             uuid        not null,
  at             timestamptz not null,
  keeps_children boolean     not null default false,
  constraint revocations_pkey primary key (org_id, kind, id),
  constraint revocations_org_id_fkey foreign key (org_id) references organizations (id),
  constraint revocations_kind_check check (kind in ('key', 'capability'))
);

-- Forgets revocations of keys and capabilities whose rows are gone, older than a day. The worker's role calls it and can remove
-- no other: while there is a row, nothing brings it back to life.
create function forget_revocations(orgs uuid[], kinds text[], ids uuid[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from public.revocations r using unnest(orgs, kinds, ids) as gone (org_id, kind, id)
  where r.org_id = gone.org_id and r.kind = gone.kind and r.id = gone.id and r.at < now() - interval '1 day'
    and not exists (select from public.api_keys k where k.org_id = r.org_id and k.id = r.id)
    and not exists (select from public.capabilities c where c.org_id = r.org_id and c.id = r.id)
$$;
revoke all on function forget_revocations(uuid[], text[], uuid[]) from public;

-- The tiers' roles may use them before `db grant` is run again: the new processes start before that. The web's role is the one
-- that writes keys, the worker's the one that writes verifications.
do $$
declare
  acl record;
begin
  for acl in
    select distinct c.relname, x.grantee::regrole::text as tier from pg_class c, aclexplode(c.relacl) x
    where c.oid in ('api_keys'::regclass, 'verifications'::regclass)
      and x.privilege_type = 'INSERT' and x.grantee not in (0, c.relowner)
  loop
    execute format('grant select, insert on revocations to %s', acl.tier);
    if acl.relname = 'api_keys' then
      execute format('grant select, insert on tokens to %s', acl.tier);
    else
      execute format('grant select, delete on tokens to %s', acl.tier);
      execute format('grant select (hash) on api_keys to %s', acl.tier);
      execute format('grant execute on function forget_revocations(uuid[], text[], uuid[]) to %s', acl.tier);
    end if;
  end loop;
end
$$;
