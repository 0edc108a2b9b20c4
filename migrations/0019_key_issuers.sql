-- Statement by statement, outside of a transaction: each may be done again.
-- Which key made a key, so that a revocation reaches what a stolen key has made. Null: an operator made it, or nobody knows.
-- `keeps_children` is written with the revocation: what the key made is meant to outlive it, its capabilities included.
alter table api_keys
  add column if not exists issuer_id uuid,
  add column if not exists keeps_children boolean not null default false,
  drop constraint if exists api_keys_issuer_id_fkey,
  add constraint api_keys_issuer_id_fkey foreign key (org_id, issuer_id) references api_keys (org_id, id) not valid;
alter table api_keys validate constraint api_keys_issuer_id_fkey;
drop index concurrently if exists api_keys_issuer_id_idx;
create index concurrently api_keys_issuer_id_idx on api_keys (org_id, issuer_id) where issuer_id is not null;
drop index concurrently if exists capabilities_issuer_id_idx;
create index concurrently capabilities_issuer_id_idx on capabilities (org_id, issuer_id) where issuer_id is not null;
drop index concurrently if exists capabilities_rotated_from_idx;
create index concurrently capabilities_rotated_from_idx on capabilities (org_id, rotated_from) where rotated_from is not null;

-- A capability dies with its key unless that was revoked with its children kept. Its own row says so from now on, also
-- where a process of the release before revokes the key, which knows of no children.
create or replace function capabilities_end_with_key() returns trigger language plpgsql as $$
begin
  update capabilities set revoked_at = new.revoked_at
    where org_id = new.org_id and issuer_id = new.id and revoked_at is null;
  return null;
end
$$;
create or replace trigger api_keys_end_capabilities after update of revoked_at on api_keys
  for each row when (old.revoked_at is null and new.revoked_at is not null and not new.keeps_children)
  execute function capabilities_end_with_key();
-- Behind the trigger, so that no key is revoked in between.
update capabilities c set revoked_at = k.revoked_at
  from api_keys k
  where k.org_id = c.org_id and k.id = c.issuer_id and k.revoked_at is not null and c.revoked_at is null;

-- Whoever takes the web tier over is not to keep the capabilities of a key that was revoked without keeping them.
create or replace trigger api_keys_revocation_is_final before update on api_keys
  for each row when (old.revoked_at is not null
    and (new.revoked_at is distinct from old.revoked_at or new.keeps_children is distinct from old.keeps_children))
  execute function revocation_is_final();

-- Web processes of the release before write a key without its issuer, and the record after it, in one transaction: the
-- issuer is filled from there. A key that was revoked while it was being used makes no further one. The next release drops this.
create or replace function key_issuer_from_record() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (
    select 1 from public.api_keys where org_id = new.org_id and id = new.principal_id and revoked_at is not null
  ) then
    raise exception 'a revoked key makes no other key';
  end if;
  update public.api_keys k set issuer_id = new.principal_id
    where k.org_id = new.org_id and k.id = new.object_id and k.issuer_id is null and k.id <> new.principal_id
      and k.xmin = pg_current_xact_id()::xid;
  return null;
end
$$;
create or replace trigger audit_events_key_issuer after insert on audit_events
  for each row when (new.action = 'key.created' and new.outcome = 'ok' and new.principal_kind = 'key')
  execute function key_issuer_from_record();
-- Behind the trigger: what is made from here on it fills in.
update api_keys k set issuer_id = i.id
  from audit_events a join api_keys i on i.org_id = a.org_id and i.id = a.principal_id
  where a.org_id = k.org_id and a.object_id = k.id and a.action = 'key.created' and a.outcome = 'ok'
    and a.principal_kind = 'key' and i.id <> k.id;

-- The web's role may write the new column as soon as it may revoke: `db grant` runs after the new web processes have begun.
do $$
declare
  grantee regrole;
begin
  for grantee in
    select distinct acl.grantee::regrole
    from pg_attribute a cross join lateral aclexplode(a.attacl) acl
    where a.attrelid = 'api_keys'::regclass and a.attname = 'revoked_at'
      and acl.privilege_type = 'UPDATE' and acl.grantee <> 0
  loop
    execute format('grant update (keeps_children) on api_keys to %s', grantee);
  end loop;
end
$$;
