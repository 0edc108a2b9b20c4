-- In a transaction of its own.
-- Third step: partitioned tables take the names, and the tables of before become their first partitions as they are. Nothing is read:
-- the constraints that were validated prove the bounds. Privileges move to the new tables; a partition has none of its own.

-- In the order in which a check and a change of a datasource take them.
lock table datasources in share row exclusive mode;
lock table verifications in access exclusive mode;
lock table audit_events in access exclusive mode;

alter table verifications rename to verifications_before;
alter index verifications_pkey rename to verifications_before_pkey;
alter index verifications_datasource_id_idx rename to verifications_before_datasource_id_idx;
alter index verifications_at_idx rename to verifications_before_at_idx;
create table verifications (
  org_id        uuid        not null,
  id            uuid        not null,
  datasource_id uuid        not null,
  version       integer     not null,
  outcome       text        not null,
  reason        text,
  checks        jsonb       not null,
  advisories    jsonb       not null,
  took_ms       integer     not null,
  at            timestamptz not null,
  constraint verifications_pkey primary key (org_id, id),
  constraint verifications_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id),
  constraint verifications_outcome_check check (outcome in ('passed', 'refused', 'unreachable'))
) partition by range (id);
create index verifications_datasource_id_idx on verifications (org_id, datasource_id, at desc);
create index verifications_at_idx on verifications (at);

drop trigger audit_events_bound on audit_events;
drop trigger audit_events_key_issuer on audit_events;
alter table audit_events rename to audit_events_before;
alter index audit_events_pkey rename to audit_events_before_pkey;
alter index audit_events_object_id_idx rename to audit_events_before_object_id_idx;
create table audit_events (
  org_id         uuid        not null,
  id             uuid        not null,
  at             timestamptz not null,
  principal_kind text        not null,
  principal_id   uuid,
  action         text        not null,
  object_kind    text,
  object_id      uuid,
  outcome        text        not null,
  request_id     text,
  address        text,
  constraint audit_events_pkey primary key (org_id, id),
  constraint audit_events_principal_kind_check check (principal_kind in ('key', 'capability', 'operator', 'worker'))
) partition by range (id);
create index audit_events_object_id_idx on audit_events (org_id, object_id, id) where object_id is not null;

do $$
declare
  parent text;
  bound text;
  acl record;
  is_empty boolean;
begin
  foreach parent in array array['verifications', 'audit_events'] loop
    for acl in
      select format('%s on %I', x.privilege_type, parent) as what, x.grantee::regrole::text as tier
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = (parent || '_before')::regclass and x.grantee not in (0, c.relowner)
      union all
      select format('%s (%I) on %I', x.privilege_type, a.attname, parent), x.grantee::regrole::text
        from pg_attribute a, aclexplode(a.attacl) x
        where a.attrelid = (parent || '_before')::regclass and x.grantee <> 0
    loop
      execute format('grant %s to %s', acl.what, acl.tier);
      execute format('revoke all on %I from %s', parent || '_before', acl.tier);
    end loop;
    execute format('select not exists (select from %I)', parent || '_before') into is_empty;
    if is_empty then
      execute format('drop table %I', parent || '_before');
    else
      select substring(pg_get_constraintdef(oid) from '[0-9a-f]{8}-[0-9a-f-]{27}') into strict bound
        from pg_constraint where conrelid = (parent || '_before')::regclass and conname = parent || '_before_check';
      execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', parent, parent || '_before', bound);
    end if;
    execute format('alter table %I attach partition %I default', parent, parent || '_default');
  end loop;
end
$$;

-- As they were on the table of before.
create trigger audit_events_bound before insert on audit_events
  for each row execute function audit_events_bound();
create trigger audit_events_key_issuer after insert on audit_events
  for each row when (new.action = 'key.created' and new.outcome = 'ok' and new.principal_kind = 'key')
  execute function key_issuer_from_record();

-- The smallest UUIDv7 of a moment.
create function uuid_floor(at timestamptz) returns uuid
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes one month's partition that is lacking, of this month and the three that follow and the one before, and says whether
-- there may be more. The worker's role calls it and can make nothing else. Each call holds its locks for one partition, and waits
-- for none longer than 100 ms: it says so by 55P03, and is called again later. A month that the default partition has rows of is
-- passed over: they stay where they are until they are too old.
create function make_month() returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  parent text;
  ahead integer;
  starts timestamptz;
  ends timestamptz;
  lower_id uuid;
  upper_id uuid;
  partition text;
  is_taken boolean;
  acl record;
begin
  foreach parent in array array['verifications', 'audit_events'] loop
    for ahead in -1 .. 3 loop
      starts := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead)) at time zone 'UTC';
      ends := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead + 1)) at time zone 'UTC';
      lower_id := public.uuid_floor(starts);
      upper_id := public.uuid_floor(ends);
      continue when exists (
        select from pg_inherits i join pg_class c on c.oid = i.inhrelid,
          lateral (select pg_get_expr(c.relpartbound, c.oid) as text) bound
        where i.inhparent = format('public.%I', parent)::regclass
          and coalesce(substring(bound.text from 'FROM \(''([0-9a-f-]{36})''\)')::uuid < upper_id, true)
          and substring(bound.text from 'TO \(''([0-9a-f-]{36})''\)')::uuid > lower_id);
      execute format('select exists (select from public.%I where id >= $1 and id < $2)', parent || '_default')
        into is_taken using lower_id, upper_id;
      continue when is_taken;
      partition := parent || to_char(starts at time zone 'UTC', '"_"YYYY"_"MM');
      execute format('create table public.%I (like public.%I including defaults including storage including constraints)',
        partition, parent);
      -- The owner's default privileges may have given some.
      for acl in
        select distinct case x.grantee when 0 then 'public' else x.grantee::regrole::text end as tier
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = format('public.%I', partition)::regclass and x.grantee <> c.relowner
      loop
        execute format('revoke all on public.%I from %s', partition, acl.tier);
      end loop;
      execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)',
        parent, partition, lower_id, upper_id);
      return true;
    end loop;
  end loop;
  return false;
end
$$;

-- Removes one partition whose rows are all older than `keep_days`, or a batch of such rows of the default partition, and says
-- whether there may be more. Never what is younger than 30 days, whoever asks. Locks as in make_month.
create function drop_month(parent text, keep_days integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  -- A day more than a month's end: what was stamped by clocks that differ.
  before constant timestamptz := now() - make_interval(days => keep_days + 1);
  old regclass;
  removed integer;
begin
  if parent is null or parent not in ('verifications', 'audit_events') then
    raise invalid_parameter_value using message = 'only verifications and audit_events have months';
  end if;
  if keep_days is null or keep_days < 30 then
    raise invalid_parameter_value using message = 'a month is kept for 30 days at least';
  end if;
  select c.oid::regclass into old
    from pg_inherits i join pg_class c on c.oid = i.inhrelid,
      lateral (select substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9a-f-]{36})''\)')::uuid as upper_id) bound
    where i.inhparent = format('public.%I', parent)::regclass and bound.upper_id <= public.uuid_floor(before)
    order by bound.upper_id limit 1;
  if old is not null then
    execute format('drop table %s', old);
    return true;
  end if;
  execute format('delete from public.%1$I where ctid = any (array(select ctid from public.%1$I where at < $1 limit 1000))',
    parent || '_default') using before;
  get diagnostics removed = row_count;
  return removed = 1000;
end
$$;

-- The tables whose default partition has rows: of months that were not made in time, or with ids of no process of ours.
create function overflowing_months() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select 'verifications' where exists (select from public.verifications_default)
  union all
  select 'audit_events' where exists (select from public.audit_events_default)
$$;

revoke all on function uuid_floor(timestamptz) from public;
revoke all on function make_month() from public;
revoke all on function drop_month(text, integer) from public;
revoke all on function overflowing_months() from public;

-- For a table that was empty, as in a new installation. The partition of older rows takes those of a month to come, and a worker
-- makes the months after it.
do $$
begin
  if to_regclass('verifications_before') is null or to_regclass('audit_events_before') is null then
    while make_month() loop
    end loop;
  end if;
end
$$;

-- The tiers' roles may call them before `db grant` is run again: the new processes start before that. The worker's role is the
-- one that writes verifications.
do $$
declare
  acl record;
begin
  for acl in
    select distinct x.grantee::regrole::text as tier, x.privilege_type from pg_class c, aclexplode(c.relacl) x
    where c.oid = 'verifications'::regclass and x.privilege_type in ('SELECT', 'INSERT') and x.grantee not in (0, c.relowner)
  loop
    execute format('grant execute on function overflowing_months() to %s', acl.tier);
    continue when acl.privilege_type = 'SELECT';
    execute format('grant execute on function make_month(), drop_month(text, integer) to %s', acl.tier);
  end loop;
end
$$;
