-- In a transaction of its own.
-- What the triggers of the record defended, a function does: the web's role inserts into the record by it alone once `db grant` was
-- run. Until then its processes of the release before insert themselves.
drop trigger audit_events_bound on audit_events;
drop trigger audit_events_key_issuer on audit_events;
drop function audit_events_bound();
drop function key_issuer_from_record();

-- Records an act of a key or capability of the organization, at the time of the act.
create function record_1(
  p_org uuid, p_id uuid, p_at timestamptz, p_principal_kind text, p_principal_id uuid, p_action text, p_object_kind text,
  p_object_id uuid, p_outcome text, p_request_id text, p_address text
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
$$;

-- Registers a datasource with plain inserts: its row, its first credential, its check, the record, and its change where `p_epoch`, the
-- first epoch of a new head, is given. Answers `registered`, or `taken` or `full` with nothing written. The datasource is first and
-- the head last, in the order of locks of the house. Arguments are constants: nothing here depends on a clock or on chance.
create function register_datasource_1(
  p_org uuid, p_id uuid, p_kind text, p_mode text, p_name text, p_db_type text, p_host text, p_port integer, p_database text,
  p_schema text, p_tls_mode text, p_excluded_schemas text[], p_endpoint text, p_metadata jsonb, p_identity text,
  p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text,
  p_task_id uuid, p_event_id uuid, p_event_at timestamptz, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text,
  p_request_id text, p_address text, p_max integer, p_at timestamptz, p_epoch bigint
) returns text language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
  insert into public.tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
  values (p_org, p_task_id, 'verify', p_id, true, p_at, p_at);
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
$$;

revoke all on function record_1(uuid, uuid, timestamptz, text, uuid, text, text, uuid, text, text, text) from public;
revoke all on function register_datasource_1(
  uuid, uuid, text, text, text, text, text, integer, text, text, text, text[], text, jsonb, text, uuid, bytea, text, bytea, text,
  uuid, uuid, timestamptz, text, uuid, text, text, text, text, integer, timestamptz, bigint) from public;

-- Before `db grant` is run again, as in 0034. A worker records what was done with a capability.
do $$
declare
  acl record;
begin
  for acl in
    select distinct c.relname, x.grantee::regrole::text as tier from pg_class c, aclexplode(c.relacl) x
    where c.oid in ('api_keys'::regclass, 'verifications'::regclass)
      and x.privilege_type = 'INSERT' and x.grantee not in (0, c.relowner)
  loop
    execute format(
      'grant execute on function record_1(uuid, uuid, timestamptz, text, uuid, text, text, uuid, text, text, text) to %s', acl.tier);
    continue when acl.relname = 'verifications';
    execute format('grant execute on function register_datasource_1(
      uuid, uuid, text, text, text, text, text, integer, text, text, text, text[], text, jsonb, text, uuid, bytea, text, bytea, text,
      uuid, uuid, timestamptz, text, uuid, text, text, text, text, integer, timestamptz, bigint) to %s', acl.tier);
  end loop;
end
$$;
