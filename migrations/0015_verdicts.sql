-- A credential is used only under a verdict that the worker has signed: over organization, datasource, mode, credential version,
-- status, usable and usable_until. Mode and status are the row's own columns, so that an edit of either breaks the signature.

alter table datasources
  add column verdict_version   integer,
  add column verdict_usable    boolean,
  add column usable_until      timestamptz,
  add column verdict_signer_id text,
  add column verdict_signature bytea,
  -- When a check was last asked for because no signature was there: once at first, and seldom after that.
  add column verdict_asked_at  timestamptz,
  add constraint datasources_verdict_check
    check (num_nonnulls(verdict_version, verdict_usable, verdict_signer_id, verdict_signature) in (0, 4)),
  add constraint datasources_verdict_signature_check check (length(verdict_signature) = 64);

-- The number of the request for a check that a task waits for; null for one that waits for none.
alter table tasks add column awaits bigint;

-- Everything that is active lacks a signature now, and is due within one check interval; what is due sooner keeps its time.
with late as (
  select t.org_id, t.id, t.datasource_id,
    now() + random() * make_interval(secs => coalesce(o.check_interval_seconds, 86400)) as due_at
  from tasks t
  join datasources d on d.org_id = t.org_id and d.id = t.datasource_id and d.status = 'active' and d.deleted_at is null
  join organizations o on o.id = t.org_id
  where t.standing and t.kind = 'verify'
    and t.due_at > now() + make_interval(secs => coalesce(o.check_interval_seconds, 86400))
), moved as (
  update tasks t set due_at = late.due_at from late where t.org_id = late.org_id and t.id = late.id
)
update datasources d set next_check_at = late.due_at from late where d.org_id = late.org_id and d.id = late.datasource_id;

-- Retires credentials and destroys their bytes; it can do nothing else, so that the web's role needs no update on the table.
create function retire_credentials(org uuid, datasource uuid, states text[], only_version integer) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update public.credentials set state = 'retired', sealed = null, signature = null
  where org_id = org and datasource_id = datasource and state = any (states)
    and (only_version is null or version = only_version)
$$;
revoke all on function retire_credentials(uuid, uuid, text[], integer) from public;

-- The tiers' roles may call it before `db grant` is run again: the new processes start before that.
do $$
declare
  tier text;
begin
  for tier in
    select distinct grantee from information_schema.column_privileges
    where table_schema = 'public' and table_name = 'credentials' and column_name = 'state'
      and privilege_type = 'UPDATE' and grantee not in ('PUBLIC', current_user)
  loop
    execute format('grant execute on function public.retire_credentials(uuid, uuid, text[], integer) to %I', tier);
  end loop;
end
$$;
