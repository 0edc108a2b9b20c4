-- Statement by statement, outside of a transaction: each may be done again.
-- A credential is used only under a verdict that the worker has signed: over organization, datasource, mode, credential version,
-- status, usable and usable_until. Mode and status are the row's own columns, so that an edit of either breaks the signature.

-- The constraints look at no row while the table is locked, and are validated behind it, where nobody waits.
alter table datasources
  add column if not exists verdict_version   integer,
  add column if not exists verdict_usable    boolean,
  add column if not exists usable_until      timestamptz,
  add column if not exists verdict_signer_id text,
  add column if not exists verdict_signature bytea,
  -- When a check was last asked for because no signature was there: once at first, and seldom after that.
  add column if not exists verdict_asked_at  timestamptz,
  drop constraint if exists datasources_verdict_check,
  drop constraint if exists datasources_verdict_signature_check,
  add constraint datasources_verdict_check
    check (num_nonnulls(verdict_version, verdict_usable, verdict_signer_id, verdict_signature) in (0, 4)) not valid,
  add constraint datasources_verdict_signature_check check (length(verdict_signature) = 64) not valid;
alter table datasources validate constraint datasources_verdict_check;
alter table datasources validate constraint datasources_verdict_signature_check;

-- The number of the request for a check that a task waits for; null for one that waits for none.
alter table tasks add column if not exists awaits bigint;

-- Everything that is active lacks a signature now, and is due within one check interval; what is due sooner keeps its time. A
-- thousand at a time, in the order of the key and of the locks, so that nobody waits for longer than one batch.
-- A batch is found by the index, and so are the rows that belong to it, whatever is believed of their number.
set enable_hashjoin = off;
set enable_mergejoin = off;
do $$
declare
  org uuid := '00000000-0000-0000-0000-000000000000';
  datasource uuid := org;
begin
  loop
    with batch as materialized (
      select d.org_id, d.id, d.status = 'active' and d.deleted_at is null as is_active,
        make_interval(secs => coalesce(o.check_interval_seconds, 86400)) as every
      from datasources d join organizations o on o.id = d.org_id
      where (d.org_id, d.id) > (org, datasource)
      order by d.org_id, d.id limit 1000
      for no key update of d
    ), late as materialized (
      select t.org_id, t.id, t.datasource_id, now() + random() * b.every as due_at
      from batch b join tasks t on t.org_id = b.org_id and t.datasource_id = b.id and t.kind = 'verify' and t.standing
      where b.is_active and t.due_at > now() + b.every
    ), moved as (
      update tasks t set due_at = late.due_at from late where t.org_id = late.org_id and t.id = late.id
    ), shown as (
      update datasources d set next_check_at = late.due_at from late where d.org_id = late.org_id and d.id = late.datasource_id
    )
    select b.org_id, b.id into org, datasource from batch b order by b.org_id desc, b.id desc limit 1;
    exit when not found;
    commit;
  end loop;
end
$$;
reset enable_hashjoin;
reset enable_mergejoin;

-- Retires credentials and destroys their bytes; it can do nothing else, so that the web's role needs no update on the table.
create or replace function retire_credentials(org uuid, datasource uuid, states text[], only_version integer) returns void
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
