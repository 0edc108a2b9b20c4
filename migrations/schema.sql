-- The schema that all migrations together make, written by `npm run dump` and compared by the tests.

CREATE OR REPLACE FUNCTION public.append_changes_1(p_org uuid, p_epoch bigint, p_datasources uuid[], p_changes text[], p_ats timestamp with time zone[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_count constant integer := cardinality(p_datasources);
  v_last bigint;
begin
  insert into public.change_heads (org_id, epoch, last) values (p_org, p_epoch, v_count)
  on conflict (org_id) do update set last = public.change_heads.last + excluded.last
  returning last into v_last;
  insert into public.changes (org_id, n, datasource_id, change, at)
  select p_org, v_last - v_count + c.place, c.datasource_id, c.change, c.at
  from unnest(p_datasources, p_changes, p_ats) with ordinality as c (datasource_id, change, at, place);
end
$function$
;

CREATE OR REPLACE FUNCTION public.drop_month(parent text, keep_days integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '100ms'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.forget_moved(keep_days integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.forget_revocations(orgs uuid[], kinds text[], ids uuid[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  delete from public.revocations r using unnest(orgs, kinds, ids) as gone (org_id, kind, id)
  where r.org_id = gone.org_id and r.kind = gone.kind and r.id = gone.id and r.at < now() - interval '1 day'
    and not exists (select from public.api_keys k where k.org_id = r.org_id and k.id = r.id)
    and not exists (select from public.capabilities c where c.org_id = r.org_id and c.id = r.id)
$function$
;

CREATE OR REPLACE FUNCTION public.make_month()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '100ms'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.make_month_of(parent text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '100ms'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.mark_checked_1(p_org uuid, p_task uuid, p_token bigint, p_datasource uuid, p_version integer, p_state text, p_fingerprint text, p_fingerprint_key_id text, p_md5_allowed boolean, p_login_hash bytea, p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform from public.datasources where org_id = p_org and id = p_datasource and deleted_at is null for no key update;
  if not found then
    return false;
  end if;
  perform from public.tasks where org_id = p_org and id = p_task and token = p_token and locked_until is not null for no key update;
  if not found then
    return false;
  end if;
  if p_key_id is null then
    update public.credentials set
      fingerprint = p_fingerprint, fingerprint_key_id = p_fingerprint_key_id, md5_allowed = p_md5_allowed, login_hash = p_login_hash
    where org_id = p_org and datasource_id = p_datasource and version = p_version and state = p_state;
  else
    update public.credentials set
      fingerprint = p_fingerprint, fingerprint_key_id = p_fingerprint_key_id, md5_allowed = p_md5_allowed, login_hash = p_login_hash,
      key_id = p_key_id, sealed = p_sealed, signer_id = p_signer_id, signature = p_signature
    where org_id = p_org and datasource_id = p_datasource and version = p_version and state = p_state;
  end if;
  return true;
end
$function$
;

CREATE OR REPLACE FUNCTION public.may_write(org uuid, begun_before boolean)
 RETURNS boolean
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (
    select from public.organizations
    where id = org and case when begun_before then frozen_at is null else moving_at is null end
    for key share)
$function$
;

CREATE OR REPLACE FUNCTION public.overflowing_months()
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select 'verifications' where exists (select from public.verifications_default)
  union all
  select 'audit_events' where exists (select from public.audit_events_default)
$function$
;

CREATE OR REPLACE FUNCTION public.record_1(p_org uuid, p_id uuid, p_at timestamp with time zone, p_principal_kind text, p_principal_id uuid, p_action text, p_object_kind text, p_object_id uuid, p_outcome text, p_request_id text, p_address text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  clock constant timestamptz := clock_timestamp();
  -- The first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562 §5.7); the record is read in the order of its ids.
  stamped constant timestamptz := to_timestamp(
    ('x' || lpad(replace(left(p_id::text, 13), '-', ''), 16, '0'))::bit(64)::bigint / 1000.0);
begin
  -- Operators and workers record what they like: they insert by themselves. A role cannot give itself that right.
  if not has_table_privilege(session_user, 'public.verifications', 'insert') then
    if p_at is null or p_at not between clock - interval '5 minutes' and clock + interval '5 minutes'
      or stamped is null or stamped not between clock - interval '5 minutes' and clock + interval '5 minutes' then
      raise insufficient_privilege using message = 'this role records what happens now';
    end if;
    if p_principal_kind = 'key' then
      perform from public.api_keys where org_id = p_org and id = p_principal_id;
    elsif p_principal_kind = 'capability' then
      perform from public.capabilities where org_id = p_org and id = p_principal_id;
    end if;
    if p_principal_kind is null or p_principal_kind not in ('key', 'capability') or not found then
      raise insufficient_privilege using message = 'this role records acts of keys and capabilities of the same organization';
    end if;
  end if;
  insert into public.audit_events (
    org_id, id, at, principal_kind, principal_id, action, object_kind, object_id, outcome, request_id, address)
  values (
    p_org, p_id, p_at, p_principal_kind, p_principal_id, p_action, p_object_kind, p_object_id, p_outcome, p_request_id, p_address);
end
$function$
;

CREATE OR REPLACE FUNCTION public.register_datasource_1(p_org uuid, p_id uuid, p_kind text, p_mode text, p_name text, p_db_type text, p_host text, p_port integer, p_database text, p_schema text, p_tls_mode text, p_excluded_schemas text[], p_endpoint text, p_metadata jsonb, p_identity text, p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text, p_task_id uuid, p_event_id uuid, p_event_at timestamp with time zone, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text, p_request_id text, p_address text, p_max integer, p_at timestamp with time zone, p_epoch bigint)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return public.register_datasource_2(
    p_org, p_id, p_kind, p_mode, p_name, p_db_type, p_host, p_port, p_database, p_schema, p_tls_mode, p_excluded_schemas,
    p_endpoint, p_metadata, p_identity, p_key_id, p_sealed, p_signer_id, p_signature, p_last4, p_task_id, p_event_id,
    p_event_at, p_principal_kind, p_principal_id, p_action, p_outcome, p_request_id, p_address, p_max, p_at, p_epoch, null);
end
$function$
;

CREATE OR REPLACE FUNCTION public.register_datasource_2(p_org uuid, p_id uuid, p_kind text, p_mode text, p_name text, p_db_type text, p_host text, p_port integer, p_database text, p_schema text, p_tls_mode text, p_excluded_schemas text[], p_endpoint text, p_metadata jsonb, p_identity text, p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text, p_task_id uuid, p_event_id uuid, p_event_at timestamp with time zone, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text, p_request_id text, p_address text, p_max integer, p_at timestamp with time zone, p_epoch bigint, p_awaited_until timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  number bigint;
begin
  -- Who moves another datasource onto the natural key takes this lock, too, and then looks whether the key is taken.
  if p_identity is not null then
    perform pg_advisory_xact_lock(hashtextextended('mooring identity' || p_org::text || p_identity, 0));
  end if;
  insert into public.datasources (
    org_id, id, kind, mode, name, db_type, host, port, database, schema, tls_mode, excluded_schemas, endpoint, metadata, identity,
    created_at, next_check_at)
  values (
    p_org, p_id, p_kind, p_mode, p_name, p_db_type, p_host, p_port, p_database, p_schema, p_tls_mode, p_excluded_schemas, p_endpoint,
    p_metadata, p_identity, p_at, p_at)
  on conflict (org_id, identity) where deleted_at is null do nothing;
  if not found then
    return 'taken';
  end if;
  insert into public.quotas (org_id, datasources, max_datasources) select p_org, 1, p_max where p_max > 0
  on conflict (org_id) do update set datasources = public.quotas.datasources + 1, max_datasources = p_max
    where public.quotas.datasources < p_max;
  if not found then
    delete from public.datasources where org_id = p_org and id = p_id;
    return 'full';
  end if;
  insert into public.credentials (
    org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, last4, created_at)
  values (p_org, p_id, 1, 'current', p_key_id, p_sealed, p_signer_id, p_signature, p_last4, p_at);
  insert into public.tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, awaited_until)
  values (p_org, p_task_id, 'verify', p_id, true, p_at, p_at, p_awaited_until);
  perform public.record_1(
    p_org, p_event_id, p_event_at, p_principal_kind, p_principal_id, p_action, 'datasource', p_id, p_outcome, p_request_id, p_address);
  if p_epoch is not null then
    insert into public.change_heads (org_id, epoch, last) values (p_org, p_epoch, 1)
    on conflict (org_id) do update set last = public.change_heads.last + 1
    returning last into number;
    insert into public.changes (org_id, n, datasource_id, change, at) values (p_org, number, p_id, 'registered', p_at);
  end if;
  return 'registered';
end
$function$
;

CREATE OR REPLACE FUNCTION public.retire_credentials(org uuid, datasource uuid, states text[], only_version integer)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update public.credentials set state = 'retired', sealed = null, signature = null
  where org_id = org and datasource_id = datasource and state = any (states)
    and (only_version is null or version = only_version)
$function$
;

CREATE OR REPLACE FUNCTION public.settle_check_1(p_org uuid, p_task uuid, p_token bigint, p_requested bigint, p_attempts integer, p_failed boolean, p_due_at timestamp with time zone, p_datasource uuid, p_version integer, p_state text, p_verification uuid, p_outcome text, p_reason text, p_checks jsonb, p_advisories jsonb, p_took_ms integer, p_at timestamp with time zone, p_status text, p_status_reason text, p_refusals integer, p_refused_at timestamp with time zone, p_is_made boolean, p_verdict_version integer, p_usable boolean, p_usable_until timestamp with time zone, p_signer_id text, p_signature bytea, p_introspection uuid, p_kept integer, p_forgotten integer, p_epoch bigint)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform from public.datasources where org_id = p_org and id = p_datasource and deleted_at is null for no key update;
  if not found then
    return 'lost';
  end if;
  update public.tasks set
    settled = greatest(settled, p_requested), locked_until = null, ran_out = 0, hung = false,
    awaited_until = case when requested > greatest(settled, p_requested) then awaited_until end,
    attempts = case when not p_failed then 0 when requested > p_requested then attempts else p_attempts end,
    due_at = case when requested > greatest(settled, p_requested) then p_at else p_due_at end
  where org_id = p_org and id = p_task and token = p_token;
  if not found then
    return 'lost';
  end if;
  perform from public.credentials
  where org_id = p_org and datasource_id = p_datasource and version = p_version and state = p_state for share;
  if not found then
    return 'settled';
  end if;
  insert into public.verifications (org_id, id, datasource_id, version, outcome, reason, checks, advisories, took_ms, at)
  values (p_org, p_verification, p_datasource, p_version, p_outcome, p_reason, p_checks, p_advisories, p_took_ms, p_at);
  update public.datasources set
    verdict_version = case when p_signer_id is null then verdict_version else p_verdict_version end,
    verdict_usable = case when p_signer_id is null then verdict_usable else p_usable end,
    usable_until = case when p_signer_id is null then usable_until else p_usable_until end,
    verdict_signature = case when p_signer_id is null then verdict_signature else p_signature end,
    verdict_asked_at = case when p_signer_id is null then verdict_asked_at end,
    verdict_signer_id = coalesce(p_signer_id, verdict_signer_id),
    status = p_status, refusals = p_refusals, refused_at = p_refused_at, next_check_at = p_due_at,
    verified_at = case when p_outcome = 'passed' then p_at else verified_at end,
    -- What is shown. A check that could not be made says nothing of the database, and replaces no verdict.
    status_reason = case when p_is_made or verification_id is null then p_status_reason else status_reason end,
    verification_id = case when p_is_made or verification_id is null then p_verification else verification_id end,
    latest_id = case when p_is_made or verification_id is null then p_verification else latest_id end,
    latest_version = case when p_is_made or verification_id is null then p_version else latest_version end,
    latest_outcome = case when p_is_made or verification_id is null then p_outcome else latest_outcome end,
    latest_reason = case when p_is_made or verification_id is null then p_reason else latest_reason end,
    latest_checks = case when p_is_made or verification_id is null then p_checks else latest_checks end,
    latest_advisories = case when p_is_made or verification_id is null then p_advisories else latest_advisories end,
    latest_took_ms = case when p_is_made or verification_id is null then p_took_ms else latest_took_ms end,
    latest_at = case when p_is_made or verification_id is null then p_at else latest_at end,
    -- A check that finds what the one before found changes dates alone: no index is written for it.
    updated_at = case
      when p_status is distinct from status
        or (p_is_made or verification_id is null) and
          (p_status_reason, p_version, p_checks, p_advisories) is distinct from
          (status_reason, latest_version, latest_checks, latest_advisories)
      then greatest(p_at, updated_at, created_at)
      else updated_at
    end
  where org_id = p_org and id = p_datasource;
  delete from public.verifications
  where org_id = p_org and id in (
    select v.id from public.verifications v where v.org_id = p_org and v.datasource_id = p_datasource
    order by v.at desc offset p_kept limit p_forgotten)
  and id is distinct from (select d.verification_id from public.datasources d where d.org_id = p_org and d.id = p_datasource);
  if p_introspection is not null then
    insert into public.tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, requested)
    values (p_org, p_introspection, 'introspect', p_datasource, true, p_due_at, p_at, 0)
    on conflict (org_id, datasource_id, kind) where standing do update set due_at = excluded.due_at where tasks.due_at is null;
  end if;
  if p_epoch is not null then
    perform public.append_changes_1(p_org, p_epoch, array[p_datasource], array['verified'], array[p_at]);
  end if;
  return 'recorded';
end
$function$
;

CREATE OR REPLACE FUNCTION public.stage_credential_1(p_org uuid, p_datasource uuid, p_version integer, p_name text, p_excluded_schemas text[], p_compare uuid, p_check uuid, p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text, p_event_id uuid, p_event_at timestamp with time zone, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text, p_request_id text, p_address text, p_at timestamp with time zone, p_identity text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_requested bigint;
begin
  perform from public.datasources
  where org_id = p_org and id = p_datasource and deleted_at is null and credential_version = p_version - 1
    and (p_identity is null or identity = p_identity)
  for no key update skip locked;
  if not found then
    return null;
  end if;
  -- A comparison that is due, and that no worker has begun, compares this credential: nothing is to be written for it, in six indexes.
  perform from public.tasks
  where org_id = p_org and datasource_id = p_datasource and kind = 'compare' and standing
    and requested > settled and attempts = 0 and locked_until is null and due_at <= p_at
  for no key update;
  if found then
    -- So is a check that was requested for such a comparison alone, or that another request keeps from being settled by it: a check
    -- that a caller requested by itself must not be settled by a comparison.
    select requested into v_requested from public.tasks
    where org_id = p_org and datasource_id = p_datasource and kind = 'verify' and standing
      and requested > settled and locked_until is null
      and (due_at is null or requested > settled + 1)
    for no key update;
  else
    insert into public.tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
    values (p_org, p_compare, 'compare', p_datasource, true, p_at, p_at)
    on conflict (org_id, datasource_id, kind) where standing
    do update set requested = tasks.requested + 1, due_at = excluded.due_at, attempts = 0;
  end if;
  if v_requested is null then
    -- A check is counted as requested. Its own time and attempts stay, until the comparison finds something to check.
    insert into public.tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
    values (p_org, p_check, 'verify', p_datasource, true, null, p_at)
    on conflict (org_id, datasource_id, kind) where standing do update set requested = tasks.requested + 1
    returning requested into v_requested;
  end if;
  -- The last write wins. No version has two boxes: who has read the one before finds its version gone.
  update public.credentials set
    version = p_version, key_id = p_key_id, sealed = p_sealed, signer_id = p_signer_id, signature = p_signature, last4 = p_last4,
    created_at = p_at, sealed_at = default, fingerprint = null, fingerprint_key_id = null, md5_allowed = default, login_hash = null
  where org_id = p_org and datasource_id = p_datasource and state = 'pending';
  if not found then
    insert into public.credentials (
      org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, last4, created_at)
    values (p_org, p_datasource, p_version, 'pending', p_key_id, p_sealed, p_signer_id, p_signature, p_last4, p_at);
  end if;
  -- A pending connection string is not displayed, the end of a signing key is. Without a date of a change no index is written. The date
  -- never moves backwards, whichever clock is slow.
  update public.datasources set
    credential_version = p_version, name = coalesce(p_name, name), excluded_schemas = coalesce(p_excluded_schemas, excluded_schemas),
    updated_at = case when num_nonnulls(p_name, p_excluded_schemas, p_last4) > 0 then greatest(p_at, updated_at, created_at)
      else updated_at end
  where org_id = p_org and id = p_datasource;
  perform public.record_1(
    p_org, p_event_id, p_event_at, p_principal_kind, p_principal_id, p_action, 'datasource', p_datasource, p_outcome, p_request_id,
    p_address);
  return v_requested;
end
$function$
;

CREATE OR REPLACE FUNCTION public.store_events_1(p_org uuid, p_datasource uuid, p_ids text[], p_events text[], p_occurred_ms bigint[], p_now timestamp with time zone, p_vouched boolean, p_task uuid, p_token bigint, p_requested bigint, p_cursor text, p_drained boolean, p_requested_at timestamp with time zone, p_hold_until timestamp with time zone, p_due_with timestamp with time zone, p_interval_with integer, p_due_without timestamp with time zone, p_interval_without integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_from bigint;
  v_last bigint;
  v_newest bigint;
  v_stored integer;
begin
  if p_task is not null then
    perform from public.tasks where org_id = p_org and id = p_task and token = p_token for no key update;
    if not found then
      return null;
    end if;
  end if;
  select f.position into v_from from public.feeds f where f.org_id = p_org and f.datasource_id = p_datasource for no key update;
  if not found then
    return null;
  end if;
  if p_vouched then
    insert into public.feed_events (org_id, datasource_id, position, event_id, event, bytes, stored_at, vouched)
    select p_org, p_datasource, v_from + e.n, e.id, e.event, octet_length(e.event), p_now, true
    from unnest(p_ids, p_events) with ordinality as e (id, event, n)
    on conflict (org_id, datasource_id, event_id) do update set
      vouched = true,
      position = case when feed_events.event = excluded.event then feed_events.position else excluded.position end,
      stored_at = case when feed_events.event = excluded.event then feed_events.stored_at else excluded.stored_at end,
      event = excluded.event, bytes = excluded.bytes
      where not feed_events.vouched;
  else
    insert into public.feed_events (org_id, datasource_id, position, event_id, event, bytes, stored_at)
    select p_org, p_datasource, v_from + e.n, e.id, e.event, octet_length(e.event), p_now
    from unnest(p_ids, p_events) with ordinality as e (id, event, n)
    on conflict (org_id, datasource_id, event_id) do nothing;
  end if;
  -- Under the lock of the feed nobody else has put one there.
  select count(*)::integer, max(e.position) into v_stored, v_last from public.feed_events e
  where e.org_id = p_org and e.datasource_id = p_datasource and e.position > v_from;
  v_newest := coalesce(p_occurred_ms[v_last - v_from], (extract(epoch from p_now) * 1000)::bigint);
  if p_task is null then
    update public.feeds set position = v_last, newest_event_ms = v_newest, oldest_at = coalesce(oldest_at, p_now)
    where org_id = p_org and datasource_id = p_datasource and v_stored > 0;
    return v_stored;
  end if;
  update public.feeds set
    position = coalesce(v_last, position),
    newest_event_ms = case when v_stored > 0 then v_newest else newest_event_ms end,
    oldest_at = case when v_stored > 0 then coalesce(oldest_at, p_now) else oldest_at end,
    cursor = p_cursor, drained = p_drained, pages = pages + 1, polled_at = p_now, retry_count = 0,
    last_request_at = p_requested_at, last_success_at = p_now, last_error = null,
    interval_ms = case when p_hold_until is not null then interval_ms when v_stored > 0 then p_interval_with else p_interval_without end
  where org_id = p_org and datasource_id = p_datasource;
  if p_hold_until is not null then
    update public.tasks set locked_until = p_hold_until where org_id = p_org and id = p_task and token = p_token;
  else
    update public.tasks set
      settled = greatest(settled, p_requested), locked_until = null, ran_out = 0, hung = false, attempts = 0,
      awaited_until = case when requested > greatest(settled, p_requested) then awaited_until end,
      due_at = case when requested > greatest(settled, p_requested) then p_now
        when v_stored > 0 then p_due_with else p_due_without end
    where org_id = p_org and id = p_task and token = p_token;
  end if;
  return v_stored;
end
$function$
;

CREATE OR REPLACE FUNCTION public.uuid_floor(at timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$function$
;

create table api_keys (
  org_id uuid not null,
  id uuid not null,
  mode text not null,
  name text,
  last4 text not null,
  pepper_id text not null,
  hash bytea not null,
  mac bytea not null,
  scopes text[] not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  issuer_id uuid,
  constraint api_keys_pkey PRIMARY KEY (org_id, id),
  constraint api_keys_org_id_hash_key UNIQUE (org_id, hash),
  constraint api_keys_issuer_id_fkey FOREIGN KEY (org_id, issuer_id) REFERENCES api_keys(org_id, id),
  constraint api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint api_keys_hash_check CHECK (((length(hash) = 32) AND (length(mac) = 32))),
  constraint api_keys_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text])))
);
CREATE INDEX api_keys_hash_idx ON public.api_keys USING btree (hash);
CREATE INDEX api_keys_issuer_id_idx ON public.api_keys USING btree (org_id, issuer_id) WHERE (issuer_id IS NOT NULL);
CREATE INDEX api_keys_revoked_at_idx ON public.api_keys USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);

create table audit_events (
  org_id uuid not null,
  id uuid not null,
  at timestamp with time zone not null,
  principal_kind text not null,
  principal_id uuid,
  action text not null,
  object_kind text,
  object_id uuid,
  outcome text not null,
  request_id text,
  address text,
  constraint audit_events_pkey PRIMARY KEY (org_id, id),
  constraint audit_events_principal_kind_check CHECK ((principal_kind = ANY (ARRAY['key'::text, 'capability'::text, 'operator'::text, 'worker'::text])))
) partition by RANGE (id);
CREATE INDEX audit_events_object_id_idx ON ONLY public.audit_events USING btree (org_id, object_id, id) WHERE (object_id IS NOT NULL);

alter table audit_events attach partition audit_events_default default;

create table capabilities (
  org_id uuid not null,
  id uuid not null,
  issuer_id uuid,
  rotated_from uuid,
  mode text not null,
  last4 text not null,
  pepper_id text not null,
  hash bytea not null,
  mac bytea not null,
  operations text[] not null,
  datasource_ids text[],
  participant_kind text not null,
  participant_id text,
  label text,
  sync_groups text[] not null,
  user_meta json not null,
  wide_scope boolean not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  constraint capabilities_pkey PRIMARY KEY (org_id, id),
  constraint capabilities_org_id_hash_key UNIQUE (org_id, hash),
  constraint capabilities_issuer_id_fkey FOREIGN KEY (org_id, issuer_id) REFERENCES api_keys(org_id, id),
  constraint capabilities_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint capabilities_rotated_from_fkey FOREIGN KEY (org_id, rotated_from) REFERENCES capabilities(org_id, id),
  constraint capabilities_hash_check CHECK (((length(hash) = 32) AND (length(mac) = 32))),
  constraint capabilities_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint capabilities_operations_check CHECK (((cardinality(operations) > 0) AND (operations <@ ARRAY['datasources.read'::text, 'datasources.create'::text, 'datasources.update'::text, 'datasources.remove'::text, 'datasources.introspect'::text, 'datasources.lease'::text, 'feeds.read'::text, 'feeds.write'::text]))),
  constraint capabilities_participant_kind_check CHECK ((participant_kind = ANY (ARRAY['agent'::text, 'system'::text])))
);
CREATE INDEX capabilities_ended_at_idx ON public.capabilities USING btree (LEAST(revoked_at, expires_at));
CREATE INDEX capabilities_expires_at_idx ON public.capabilities USING btree (org_id, expires_at) WHERE (revoked_at IS NULL);
CREATE INDEX capabilities_hash_idx ON public.capabilities USING btree (hash);
CREATE INDEX capabilities_issuer_id_idx ON public.capabilities USING btree (org_id, issuer_id) WHERE (issuer_id IS NOT NULL);
CREATE INDEX capabilities_rotated_from_idx ON public.capabilities USING btree (org_id, rotated_from) WHERE (rotated_from IS NOT NULL);

create table change_heads (
  org_id uuid not null,
  epoch bigint not null,
  last bigint not null,
  constraint change_heads_pkey PRIMARY KEY (org_id),
  constraint change_heads_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint change_heads_last_check CHECK ((last >= 0))
) with (fillfactor=50);

create table changes (
  org_id uuid not null,
  id bigint generated always as identity not null,
  xid xid8 default pg_current_xact_id() not null,
  datasource_id uuid not null,
  change text not null,
  at timestamp with time zone not null,
  n bigint,
  constraint changes_pkey PRIMARY KEY (org_id, id),
  constraint changes_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id),
  constraint changes_n_check CHECK ((n >= 0))
);
CREATE INDEX changes_at_idx ON public.changes USING btree (at);
CREATE INDEX changes_datasource_id_n_idx ON public.changes USING btree (org_id, datasource_id, n);
CREATE UNIQUE INDEX changes_n_key ON public.changes USING btree (org_id, n) WHERE (n > 0);
CREATE INDEX changes_unnumbered_idx ON public.changes USING btree (org_id) WHERE (n IS NULL);
CREATE INDEX changes_xid_idx ON public.changes USING btree (xid, id);

create table credentials (
  org_id uuid not null,
  datasource_id uuid not null,
  version integer not null,
  state text not null,
  key_id uuid not null,
  sealed bytea,
  signer_id text not null,
  signature bytea,
  fingerprint text,
  last4 text,
  created_at timestamp with time zone not null,
  sealed_at timestamp with time zone default now() not null,
  fingerprint_key_id text,
  md5_allowed boolean default false not null,
  login_hash bytea,
  retired_at timestamp with time zone,
  constraint credentials_pkey PRIMARY KEY (org_id, datasource_id, version),
  constraint credentials_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id),
  constraint credentials_key_id_fkey FOREIGN KEY (org_id, key_id) REFERENCES organization_keys(org_id, id),
  constraint credentials_sealed_check CHECK ((((state = 'retired'::text) = (sealed IS NULL)) AND ((sealed IS NULL) = (signature IS NULL)))),
  constraint credentials_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'current'::text, 'retired'::text])))
);
CREATE UNIQUE INDEX credentials_current_key ON public.credentials USING btree (org_id, datasource_id) WHERE (state = 'current'::text);
CREATE INDEX credentials_key_id_idx ON public.credentials USING btree (org_id, key_id) WHERE (sealed IS NOT NULL);
CREATE INDEX credentials_login_hash_idx ON public.credentials USING btree (org_id, login_hash) WHERE ((state = 'current'::text) AND (login_hash IS NOT NULL));
CREATE UNIQUE INDEX credentials_pending_key ON public.credentials USING btree (org_id, datasource_id) WHERE (state = 'pending'::text);
CREATE INDEX credentials_retired_at_idx ON public.credentials USING btree (retired_at) WHERE (state = 'retired'::text);
CREATE INDEX credentials_unkeyed_fingerprint_idx ON public.credentials USING btree (org_id) WHERE ((fingerprint IS NOT NULL) AND (fingerprint_key_id IS NULL));

create table datasources (
  org_id uuid not null,
  id uuid not null,
  kind text not null,
  mode text not null,
  name text,
  db_type text,
  status text default 'unverified'::text not null,
  status_reason text,
  host text,
  port integer,
  database text,
  schema text,
  tls_mode text,
  excluded_schemas text[],
  endpoint text,
  metadata jsonb default '{}'::jsonb not null,
  identity text,
  credential_version integer default 1 not null,
  verification_id uuid,
  created_at timestamp with time zone not null,
  verified_at timestamp with time zone,
  introspected_at timestamp with time zone,
  next_check_at timestamp with time zone,
  deleted_at timestamp with time zone,
  verdict_version integer,
  verdict_usable boolean,
  usable_until timestamp with time zone,
  verdict_signer_id text,
  verdict_signature bytea,
  verdict_asked_at timestamp with time zone,
  refusals smallint default 0 not null,
  refused_at timestamp with time zone,
  latest_id uuid,
  latest_version integer,
  latest_outcome text,
  latest_reason text,
  latest_checks jsonb,
  latest_advisories jsonb,
  latest_took_ms integer,
  latest_at timestamp with time zone,
  updated_at timestamp with time zone,
  constraint datasources_pkey PRIMARY KEY (org_id, id),
  constraint datasources_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint datasources_direct_check CHECK (((kind = 'direct'::text) = ((host IS NOT NULL) AND (port IS NOT NULL) AND (database IS NOT NULL) AND (db_type IS NOT NULL) AND (excluded_schemas IS NOT NULL)))),
  constraint datasources_endpoint_check CHECK (((kind = 'endpoint'::text) = (endpoint IS NOT NULL))),
  constraint datasources_kind_check CHECK ((kind = ANY (ARRAY['direct'::text, 'endpoint'::text]))),
  constraint datasources_latest_check CHECK ((num_nonnulls(latest_id, latest_version, latest_outcome, latest_checks, latest_advisories, latest_took_ms, latest_at) = ANY (ARRAY[0, 7]))),
  constraint datasources_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint datasources_port_check CHECK (((port >= 1) AND (port <= 65535))),
  constraint datasources_refusals_check CHECK (((refusals >= 0) AND (refusals <= 2))),
  constraint datasources_refused_at_check CHECK (((refusals > 0) = (refused_at IS NOT NULL))),
  constraint datasources_status_check CHECK ((status = ANY (ARRAY['unverified'::text, 'active'::text, 'rejected'::text]))),
  constraint datasources_verdict_check CHECK ((num_nonnulls(verdict_version, verdict_usable, verdict_signer_id, verdict_signature) = ANY (ARRAY[0, 4]))),
  constraint datasources_verdict_signature_check CHECK ((length(verdict_signature) = 64))
);
CREATE INDEX datasources_deleted_at_idx ON public.datasources USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);
CREATE INDEX datasources_endpoint_id_idx ON public.datasources USING btree (id) WHERE ((kind = 'endpoint'::text) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX datasources_identity_key ON public.datasources USING btree (org_id, identity) WHERE (deleted_at IS NULL);
CREATE INDEX datasources_list_idx ON public.datasources USING btree (org_id, id DESC) WHERE (deleted_at IS NULL);
CREATE INDEX datasources_status_idx ON public.datasources USING btree (org_id, status, id DESC) WHERE ((deleted_at IS NULL) AND (status <> 'active'::text));
CREATE INDEX datasources_unreadable_idx ON public.datasources USING btree (org_id, id) WHERE ((status_reason = 'credential_unreadable'::text) AND (deleted_at IS NULL));
CREATE INDEX datasources_updated_at_idx ON public.datasources USING btree (org_id, COALESCE(updated_at, created_at), id) WHERE (deleted_at IS NULL);

create table dial_budgets (
  key text not null,
  used integer not null,
  resets_at timestamp with time zone not null,
  constraint dial_budgets_pkey PRIMARY KEY (key)
);
CREATE INDEX dial_budgets_resets_at_idx ON public.dial_budgets USING btree (resets_at);

create table feed_events (
  org_id uuid not null,
  datasource_id uuid not null,
  "position" bigint not null,
  event_id text not null,
  event text,
  bytes integer not null,
  stored_at timestamp with time zone not null,
  vouched boolean default false not null,
  constraint feed_events_pkey PRIMARY KEY (org_id, datasource_id, "position"),
  constraint feed_events_event_id_key UNIQUE (org_id, datasource_id, event_id),
  constraint feed_events_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES feeds(org_id, datasource_id),
  constraint feed_events_bytes_check CHECK (((event IS NULL) = (bytes = 0)))
);

create table feed_pushes (
  org_id uuid not null,
  datasource_id uuid not null,
  message_id text not null,
  received integer not null,
  stored integer not null,
  at timestamp with time zone not null,
  sender text default ''::text not null,
  body_hash bytea,
  constraint feed_pushes_pkey PRIMARY KEY (org_id, datasource_id, message_id, sender),
  constraint feed_pushes_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES feeds(org_id, datasource_id)
);
CREATE INDEX feed_pushes_at_idx ON public.feed_pushes USING btree (at);

create table feeds (
  org_id uuid not null,
  datasource_id uuid not null,
  cursor text,
  "position" bigint default 0 not null,
  removed_to bigint default 0 not null,
  oldest_at timestamp with time zone,
  newest_event_ms bigint,
  polled_at timestamp with time zone,
  drained boolean default true not null,
  pages bigint default 0 not null,
  interval_ms integer not null,
  retry_count integer default 0 not null,
  last_request_at timestamp with time zone,
  last_success_at timestamp with time zone,
  last_error text,
  rotation_error text,
  constraint feeds_pkey PRIMARY KEY (org_id, datasource_id),
  constraint feeds_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id)
) with (fillfactor=50);
CREATE INDEX feeds_oldest_at_idx ON public.feeds USING btree (oldest_at) WHERE (oldest_at IS NOT NULL);

create table idempotency_keys (
  org_id uuid not null,
  principal_id uuid not null,
  route text not null,
  key text not null,
  body_hash bytea not null,
  result jsonb,
  answer jsonb,
  remarks jsonb,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  answer_bytes integer,
  constraint idempotency_keys_pkey PRIMARY KEY (org_id, principal_id, route, key),
  constraint idempotency_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint idempotency_keys_body_hash_check CHECK ((length(body_hash) = 32))
);
CREATE INDEX idempotency_keys_answer_bytes_idx ON public.idempotency_keys USING btree (org_id, created_at DESC) INCLUDE (answer_bytes) WHERE (answer_bytes > 0);
CREATE INDEX idempotency_keys_expires_at_idx ON public.idempotency_keys USING btree (expires_at);

create table installation (
  is_only boolean default true not null,
  system_identifier text,
  timeline bigint,
  relation text,
  constraint installation_pkey PRIMARY KEY (is_only),
  constraint installation_is_only_check CHECK (is_only)
);

create table lease_grants (
  org_id uuid not null,
  capability_id uuid not null,
  signer_id text not null,
  signature bytea not null,
  constraint lease_grants_pkey PRIMARY KEY (org_id, capability_id),
  constraint lease_grants_capability_id_fkey FOREIGN KEY (org_id, capability_id) REFERENCES capabilities(org_id, id),
  constraint lease_grants_signature_check CHECK ((length(signature) = 64))
);

create table leases (
  org_id uuid not null,
  id uuid not null,
  datasource_id uuid not null,
  capability_id uuid not null,
  version integer not null,
  granted_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  ended_by text,
  constraint leases_pkey PRIMARY KEY (org_id, id),
  constraint leases_capability_id_fkey FOREIGN KEY (org_id, capability_id) REFERENCES capabilities(org_id, id),
  constraint leases_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id),
  constraint leases_ended_at_check CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
  constraint leases_ended_by_check CHECK ((ended_by = ANY (ARRAY['released'::text, 'revoked'::text, 'expired'::text])))
);
CREATE INDEX leases_capability_id_idx ON public.leases USING btree (org_id, capability_id);
CREATE INDEX leases_datasource_id_idx ON public.leases USING btree (org_id, datasource_id);
CREATE INDEX leases_ended_at_idx ON public.leases USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX leases_expires_at_idx ON public.leases USING btree (expires_at) WHERE (ended_at IS NULL);
CREATE INDEX leases_live_capability_idx ON public.leases USING btree (org_id, capability_id) WHERE (ended_at IS NULL);
CREATE INDEX leases_live_idx ON public.leases USING btree (org_id, datasource_id) WHERE (ended_at IS NULL);

create table organization_keys (
  org_id uuid not null,
  id uuid not null,
  public_key bytea not null,
  secret bytea,
  master_key_id text not null,
  signer_id text not null,
  signature bytea not null,
  created_at timestamp with time zone not null,
  retired_at timestamp with time zone,
  destroyed_at timestamp with time zone,
  constraint organization_keys_pkey PRIMARY KEY (org_id, id),
  constraint organization_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint organization_keys_destroyed_at_check CHECK (((secret IS NULL) = (destroyed_at IS NOT NULL))),
  constraint organization_keys_destroyed_retired_check CHECK (((destroyed_at IS NULL) OR (retired_at IS NOT NULL))),
  constraint organization_keys_public_key_check CHECK ((length(public_key) = 32)),
  constraint organization_keys_signature_check CHECK ((length(signature) = 64))
);
CREATE UNIQUE INDEX organization_keys_org_id_current_key ON public.organization_keys USING btree (org_id) WHERE (retired_at IS NULL);

create table organizations (
  id uuid not null,
  name text not null,
  created_at timestamp with time zone not null,
  removed_at timestamp with time zone,
  role_policy text default 'enforce'::text not null,
  check_interval_seconds integer,
  moving_at timestamp with time zone,
  frozen_at timestamp with time zone,
  arriving_at timestamp with time zone,
  moved_at timestamp with time zone,
  move_id uuid,
  constraint organizations_pkey PRIMARY KEY (id),
  constraint organizations_check_interval_seconds_check CHECK (((check_interval_seconds >= 60) AND (check_interval_seconds <= 2592000))),
  constraint organizations_moving_at_check CHECK (((moving_at IS NOT NULL) OR (num_nonnulls(frozen_at, arriving_at, moved_at) = 0))),
  constraint organizations_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint organizations_role_policy_strict_check CHECK ((role_policy = ANY (ARRAY['strict'::text, 'enforce'::text, 'warn'::text, 'off'::text])))
);
CREATE INDEX organizations_moving_at_idx ON public.organizations USING btree (id) WHERE (moving_at IS NOT NULL);

create table processes (
  id uuid not null,
  kind text not null,
  version text not null,
  started_at timestamp with time zone default clock_timestamp() not null,
  seen_at timestamp with time zone default clock_timestamp() not null,
  asks_to_write boolean default false not null,
  open_networks text,
  constraint processes_pkey PRIMARY KEY (id),
  constraint processes_kind_check CHECK ((kind = ANY (ARRAY['web'::text, 'worker'::text]))),
  constraint processes_version_check CHECK ((length(version) <= 100))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=500);

create table quotas (
  org_id uuid not null,
  datasources integer not null,
  max_datasources integer not null,
  constraint quotas_pkey PRIMARY KEY (org_id),
  constraint quotas_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint quotas_datasources_check CHECK (((datasources >= 0) AND (datasources <= max_datasources)))
) with (fillfactor=50);

create unlogged table rate_limits (
  key text not null,
  points integer not null,
  expire bigint,
  constraint rate_limits_pkey PRIMARY KEY (key)
) with (fillfactor=50);

create table revocations (
  org_id uuid not null,
  kind text not null,
  id uuid not null,
  at timestamp with time zone not null,
  keeps_children boolean default false not null,
  constraint revocations_pkey PRIMARY KEY (org_id, kind, id),
  constraint revocations_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint revocations_kind_check CHECK ((kind = ANY (ARRAY['key'::text, 'capability'::text])))
);

create table snapshots (
  org_id uuid not null,
  id uuid not null,
  datasource_id uuid not null,
  fingerprint text not null,
  schemas_asked text[],
  excluded_schemas text[] not null,
  table_count integer not null,
  content bytea not null,
  observed bytea not null,
  previous_id uuid,
  breaking integer,
  risky integer,
  safe integer,
  taken_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  digest text,
  digest_at timestamp with time zone,
  constraint snapshots_pkey PRIMARY KEY (org_id, id),
  constraint snapshots_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id),
  constraint snapshots_previous_id_fkey FOREIGN KEY (org_id, previous_id) REFERENCES snapshots(org_id, id),
  constraint snapshots_digest_check CHECK (((digest IS NULL) = (digest_at IS NULL))),
  constraint snapshots_drift_check CHECK (((previous_id IS NULL) = ((breaking IS NULL) AND (risky IS NULL) AND (safe IS NULL))))
);
CREATE INDEX snapshots_datasource_id_idx ON public.snapshots USING btree (org_id, datasource_id, id DESC);
CREATE INDEX snapshots_previous_id_idx ON public.snapshots USING btree (org_id, previous_id) WHERE (previous_id IS NOT NULL);

create table tasks (
  org_id uuid not null,
  id uuid not null,
  kind text not null,
  datasource_id uuid,
  standing boolean not null,
  payload bytea,
  due_at timestamp with time zone,
  attempts integer default 0 not null,
  requested bigint default 1 not null,
  settled bigint default 0 not null,
  locked_until timestamp with time zone,
  token bigint default 0 not null,
  outcome jsonb,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  awaits bigint,
  ran_out integer default 0 not null,
  awaited_until timestamp with time zone,
  hung boolean default false not null,
  reached text,
  reached_by bigint,
  constraint tasks_pkey PRIMARY KEY (org_id, id),
  constraint tasks_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id),
  constraint tasks_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
  constraint tasks_reached_check CHECK ((reached = ANY (ARRAY['host'::text, 'connect'::text, 'tls'::text, 'authenticate'::text, 'database'::text]))),
  constraint tasks_standing_check CHECK (((NOT standing) OR (datasource_id IS NOT NULL)))
) with (fillfactor=75, autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=1000, autovacuum_vacuum_insert_scale_factor=0.05, autovacuum_analyze_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);
CREATE INDEX tasks_datasource_id_idx ON public.tasks USING btree (org_id, datasource_id);
CREATE INDEX tasks_due_at_idx ON public.tasks USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX tasks_expires_at_idx ON public.tasks USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX tasks_priority_due_at_idx ON public.tasks USING btree ((
CASE
    WHEN (ran_out > 1) THEN 10
    ELSE (
    CASE
        WHEN (kind = 'poll'::text) THEN 5
        ELSE 0
    END +
    CASE
        WHEN ((requested > settled) AND (NOT hung)) THEN
        CASE
            WHEN ((awaited_until IS NULL) AND standing) THEN 1
            ELSE 0
        END
        WHEN (requested > settled) THEN 3
        WHEN (hung OR (attempts > 0)) THEN 4
        ELSE 2
    END)
END), due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX tasks_priority_org_id_due_at_idx ON public.tasks USING btree ((
CASE
    WHEN (ran_out > 1) THEN 10
    ELSE (
    CASE
        WHEN (kind = 'poll'::text) THEN 5
        ELSE 0
    END +
    CASE
        WHEN ((requested > settled) AND (NOT hung)) THEN
        CASE
            WHEN ((awaited_until IS NULL) AND standing) THEN 1
            ELSE 0
        END
        WHEN (requested > settled) THEN 3
        WHEN (hung OR (attempts > 0)) THEN 4
        ELSE 2
    END)
END), org_id, due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX tasks_ran_out_idx ON public.tasks USING btree (due_at) WHERE (ran_out > 0);
CREATE UNIQUE INDEX tasks_standing_key ON public.tasks USING btree (org_id, datasource_id, kind) WHERE standing;

create table tokens (
  hash bytea not null,
  org_id uuid not null,
  constraint tokens_pkey PRIMARY KEY (hash),
  constraint tokens_hash_check CHECK ((length(hash) = 32))
);
CREATE INDEX tokens_org_id_idx ON public.tokens USING btree (org_id);

create table upkeep (
  name text not null,
  holder uuid,
  held_until timestamp with time zone default '-infinity'::timestamp with time zone not null,
  constraint upkeep_pkey PRIMARY KEY (name)
);

create table verifications (
  org_id uuid not null,
  id uuid not null,
  datasource_id uuid not null,
  version integer not null,
  outcome text not null,
  reason text,
  checks jsonb not null,
  advisories jsonb not null,
  took_ms integer not null,
  at timestamp with time zone not null,
  constraint verifications_pkey PRIMARY KEY (org_id, id),
  constraint verifications_datasource_id_fkey FOREIGN KEY (org_id, datasource_id) REFERENCES datasources(org_id, id),
  constraint verifications_outcome_check CHECK ((outcome = ANY (ARRAY['passed'::text, 'refused'::text, 'unreachable'::text])))
) partition by RANGE (id);
CREATE INDEX verifications_at_idx ON ONLY public.verifications USING btree (at);
CREATE INDEX verifications_datasource_id_idx ON ONLY public.verifications USING btree (org_id, datasource_id, at DESC);

alter table verifications attach partition verifications_default default;
