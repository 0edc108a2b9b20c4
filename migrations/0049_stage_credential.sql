-- Adds a new credential to a registered datasource: pending, in the place of any other pending one, with the tasks that compare and check
-- it, and the record of the requester. A function of plain statements, one after the other: as a transaction of seven statements it
-- cost several times as much on the server. It runs as the tables' owner: the web's role may insert a pending credential and
-- destroy one, and must not be able to update any.
--
-- Locks the datasource, its tasks and its credentials, in this order. Answers the number of the requested check; null, and nothing is
-- written, where the datasource is gone, has another natural key than `p_identity` (null for any), its last version is not the one
-- before, or another transaction has it: nobody waits here for a
-- lock of one datasource, since calls for several are one statement.
create function stage_credential_1(
  p_org uuid, p_datasource uuid, p_version integer, p_name text, p_excluded_schemas text[], p_compare uuid, p_check uuid,
  p_key_id uuid, p_sealed bytea, p_signer_id text, p_signature bytea, p_last4 text,
  p_event_id uuid, p_event_at timestamptz, p_principal_kind text, p_principal_id uuid, p_action text, p_outcome text,
  p_request_id text, p_address text, p_at timestamptz, p_identity text
) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
$$;

revoke all on function stage_credential_1(
  uuid, uuid, integer, text, text[], uuid, uuid, uuid, bytea, text, bytea, text, uuid, timestamptz, text, uuid, text, text, text, text,
  timestamptz, text) from public;

-- Before `db grant` is run again, as in 0034.
do $$
declare
  acl record;
begin
  for acl in
    select distinct x.grantee::regrole::text as tier from pg_class c, aclexplode(c.relacl) x
    where c.oid = 'api_keys'::regclass and x.privilege_type = 'INSERT' and x.grantee not in (0, c.relowner)
  loop
    execute format('grant execute on function stage_credential_1(
      uuid, uuid, integer, text, text[], uuid, uuid, uuid, bytea, text, bytea, text, uuid, timestamptz, text, uuid, text, text, text,
      text, timestamptz, text) to %s', acl.tier);
  end loop;
end
$$;
