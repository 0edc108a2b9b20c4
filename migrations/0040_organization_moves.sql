-- An organization moves to another installation behind a fence: its row says how far it is, and everything that writes for it asks
-- under a lock of that row. Columns alone are added: a process of the release before goes on, and keeps a move from beginning.

alter table organizations
  -- Since when nothing new is written for it.
  add column moving_at timestamptz,
  -- Since when what was begun before that is not written either.
  add column frozen_at timestamptz,
  -- It is a copy that is not in use yet: neither read nor written for callers.
  add column arriving_at timestamptz,
  -- It is in use elsewhere since then; what is left here only says so.
  add column moved_at timestamptz,
  -- The same in both installations.
  add column move_id uuid,
  add constraint organizations_moving_at_check check (
    moving_at is not null or num_nonnulls(frozen_at, arriving_at, moved_at) = 0);
create index organizations_moving_at_idx on organizations (id) where moving_at is not null;

-- Whether a process asks before it writes.
alter table processes add column asks_to_write boolean not null default false;

-- Whether something may be written for an organization: something new, or only what was begun before. A `yes` is good until the
-- transaction ends: whoever moves the organization waits for it. Foreign keys take the same lock, so that they add none.
create function may_write(org uuid, begun_before boolean) returns boolean
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from public.organizations
    where id = org and case when begun_before then frozen_at is null else moving_at is null end
    for key share)
$$;

-- Makes the month of `at`, unless a month or rows of the default partition are in its place; for rows that come from elsewhere.
-- Owners call it. Locks as in make_month.
create function make_month_of(parent text, at timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  acl record;
  starts constant timestamptz := date_trunc('month', at at time zone 'UTC') at time zone 'UTC';
  lower_id constant uuid := public.uuid_floor(starts);
  upper_id constant uuid := public.uuid_floor((date_trunc('month', at at time zone 'UTC') + interval '1 month') at time zone 'UTC');
  partition constant text := parent || to_char(starts at time zone 'UTC', '"_"YYYY"_"MM');
  is_taken boolean;
begin
  if parent not in ('verifications', 'audit_events') then
    raise invalid_parameter_value using message = 'only verifications and audit_events have months';
  end if;
  if exists (
    select from pg_inherits i join pg_class c on c.oid = i.inhrelid,
      lateral (select pg_get_expr(c.relpartbound, c.oid) as text) bound
    where i.inhparent = format('public.%I', parent)::regclass
      and coalesce(substring(bound.text from 'FROM \(''([0-9a-f-]{36})''\)')::uuid < upper_id, true)
      and substring(bound.text from 'TO \(''([0-9a-f-]{36})''\)')::uuid > lower_id) then
    return false;
  end if;
  execute format('select exists (select from public.%I where id >= $1 and id < $2)', parent || '_default')
    into is_taken using lower_id, upper_id;
  if is_taken then
    return false;
  end if;
  execute format('create table public.%I (like public.%I including defaults including storage including constraints)', partition, parent);
  -- The owner's default privileges may have given some.
  for acl in
    select distinct case x.grantee when 0 then 'public' else x.grantee::regrole::text end as tier
    from pg_class c, aclexplode(c.relacl) x
    where c.oid = format('public.%I', partition)::regclass and x.grantee <> c.relowner
  loop
    execute format('revoke all on public.%I from %s', partition, acl.tier);
  end loop;
  execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, partition, lower_id, upper_id);
  return true;
end
$$;

-- Removes what is left of one organization that moved away so long ago, never less than 30 days; false where there is none.
create function forget_moved(keep_days integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone uuid;
begin
  if keep_days is null or keep_days < 30 then
    raise invalid_parameter_value using message = 'that an organization has moved is told for 30 days at least';
  end if;
  select id into gone from public.organizations o
    where moved_at < now() - make_interval(days => keep_days)
      and not exists (select from public.datasources d where d.org_id = o.id)
      and not exists (select from public.organization_keys k where k.org_id = o.id)
    order by id limit 1 for update skip locked;
  if gone is null then
    return false;
  end if;
  delete from public.tokens where org_id = gone;
  delete from public.revocations where org_id = gone;
  delete from public.capabilities where org_id = gone;
  delete from public.api_keys where org_id = gone;
  delete from public.organizations where id = gone;
  return true;
end
$$;

revoke all on function may_write(uuid, boolean) from public;
revoke all on function make_month_of(text, timestamptz) from public;
revoke all on function forget_moved(integer) from public;

-- `db grant` runs after the new processes have begun: roles that may write the record may ask, and the worker's may forget.
do $$
declare
  acl record;
begin
  for acl in
    select distinct case x.grantee when 0 then 'public' else x.grantee::regrole::text end as tier
    from pg_class c, aclexplode(c.relacl) x
    where c.oid = 'public.audit_events'::regclass and x.privilege_type = 'INSERT' and x.grantee <> c.relowner
  loop
    execute format('grant execute on function may_write(uuid, boolean) to %s', acl.tier);
  end loop;
  for acl in
    select distinct case x.grantee when 0 then 'public' else x.grantee::regrole::text end as tier
    from pg_class c, aclexplode(c.relacl) x
    where c.oid = 'public.verifications'::regclass and x.privilege_type = 'INSERT' and x.grantee <> c.relowner
  loop
    execute format('grant execute on function forget_moved(integer) to %s', acl.tier);
  end loop;
end
$$;
