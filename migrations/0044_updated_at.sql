-- Statement by statement, outside of a transaction: each may be done again.
-- When something that a datasource shows was last changed, other than the dates of its checks and the state of its feed. Null where
-- nothing was since it was registered, or since this column is there: then it is the date of its registration.
alter table datasources add column if not exists updated_at timestamptz;

-- For callers who ask for what was changed since, and for those who ask for what is not as it should be: both are few of many.
drop index concurrently if exists datasources_updated_at_idx;
create index concurrently datasources_updated_at_idx on datasources (org_id, (coalesce(updated_at, created_at)), id)
  where deleted_at is null;
drop index concurrently if exists datasources_status_idx;
create index concurrently datasources_status_idx on datasources (org_id, status, id desc)
  where deleted_at is null and status <> 'active';

-- The web's role dates what callers change before `db grant` is run again: the new processes start before that.
do $$
declare
  tier text;
begin
  for tier in
    select distinct grantee from information_schema.column_privileges
    where table_schema = 'public' and table_name = 'datasources' and column_name = 'credential_version'
      and privilege_type = 'UPDATE' and grantee not in ('PUBLIC', current_user)
  loop
    execute format('grant update (updated_at) on public.datasources to %I', tier);
  end loop;
end
$$;

-- As before, and it dates what a check changes.
create or replace function settle_check_1(
  p_org uuid, p_task uuid, p_token bigint, p_requested bigint, p_attempts integer, p_failed boolean, p_due_at timestamptz,
  p_datasource uuid, p_version integer, p_state text,
  p_verification uuid, p_outcome text, p_reason text, p_checks jsonb, p_advisories jsonb, p_took_ms integer, p_at timestamptz,
  p_status text, p_status_reason text, p_refusals integer, p_refused_at timestamptz, p_is_made boolean,
  p_verdict_version integer, p_usable boolean, p_usable_until timestamptz, p_signer_id text, p_signature bytea,
  p_introspection uuid, p_kept integer, p_forgotten integer, p_epoch bigint
) returns text language plpgsql set search_path = pg_catalog, pg_temp as $$
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
$$;
