-- As `register_datasource_1`, with the time until which the caller waits for the first check (null for not at all): as a statement of its
-- own it was another commit of each registration, and a second notification to the workers.
create function register_datasource_2(
  p_org uuid, p_id uuid, p_kind text, p_mode text, p_name text, p_db_type text, p_host text, p_port integer, p_database text,
  p_schema text, p_tls_mode text, p_excluded_schemas text[], p_endpoint text, p_metadata jsonb, p_identity text,
  p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text,
  p_task_id uuid, p_event_id uuid, p_event_at timestamptz, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text,
  p_request_id text, p_address text, p_max integer, p_at timestamptz, p_epoch bigint,
  p_awaited_until timestamptz
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
$$;
revoke all on function register_datasource_2(
  uuid, uuid, text, text, text, text, text, integer, text, text, text, text[], text, jsonb, text, uuid, bytea, text, bytea, text,
  uuid, uuid, timestamptz, text, uuid, text, text, text, text, integer, timestamptz, bigint, timestamptz) from public;

-- The release before registers through it.
create or replace function register_datasource_1(
  p_org uuid, p_id uuid, p_kind text, p_mode text, p_name text, p_db_type text, p_host text, p_port integer, p_database text,
  p_schema text, p_tls_mode text, p_excluded_schemas text[], p_endpoint text, p_metadata jsonb, p_identity text,
  p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text,
  p_task_id uuid, p_event_id uuid, p_event_at timestamptz, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text,
  p_request_id text, p_address text, p_max integer, p_at timestamptz, p_epoch bigint
) returns text language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return public.register_datasource_2(
    p_org, p_id, p_kind, p_mode, p_name, p_db_type, p_host, p_port, p_database, p_schema, p_tls_mode, p_excluded_schemas,
    p_endpoint, p_metadata, p_identity, p_key_id, p_sealed, p_signer_id, p_signature, p_last4, p_task_id, p_event_id,
    p_event_at, p_principal_kind, p_principal_id, p_action, p_outcome, p_request_id, p_address, p_max, p_at, p_epoch, null);
end
$$;

-- What a check has found out about the credential that it tried, before the verdict in the same statement: false, and nothing is written,
-- if the datasource is gone or the claim is lost. A credential that is no longer the one that was tried keeps what it has. Null for
-- `p_key_id`: the sealed bytes stay.
--
-- Locks the datasource, its task and the credential, in this order.
create function mark_checked_1(
  p_org uuid, p_task uuid, p_token bigint, p_datasource uuid, p_version integer, p_state text, p_fingerprint text,
  p_fingerprint_key_id text, p_md5_allowed boolean, p_login_hash bytea, p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea
) returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
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
$$;

-- Before `db grant` is run again, as in 0034.
do $$
declare
  acl record;
begin
  for acl in
    select distinct x.grantee::regrole::text as tier from pg_class c, aclexplode(c.relacl) x
    where c.oid = 'api_keys'::regclass and x.privilege_type = 'INSERT' and x.grantee not in (0, c.relowner)
  loop
    execute format('grant execute on function register_datasource_2(
      uuid, uuid, text, text, text, text, text, integer, text, text, text, text[], text, jsonb, text, uuid, bytea, text, bytea, text,
      uuid, uuid, timestamptz, text, uuid, text, text, text, text, integer, timestamptz, bigint, timestamptz) to %s', acl.tier);
  end loop;
end
$$;
