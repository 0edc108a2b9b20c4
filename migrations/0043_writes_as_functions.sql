-- Writes of several rows are functions of plain statements, one after the other: on one server they cost less than one statement with
-- many parts, and on an engine that distributes by org_id the whole call goes to the organization's node. They run with the rights of
-- the role that calls them, so that its grants hold. A changed one gets another number; the one before stays for a release.

-- Numbers changes behind the organization's last one: the last statement of a transaction.
create function append_changes_1(p_org uuid, p_epoch bigint, p_datasources uuid[], p_changes text[], p_ats timestamptz[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
$$;

-- Settles the claim of a check and records its verdict. Locks the datasource, its task, the tried credential and the head of the changes,
-- in this order. `lost`: nothing is written, since the datasource was removed or the claim lost; `settled`: the claim alone, since
-- another credential came meanwhile; `recorded`: everything. Without a signer the signed verdict stays; without an epoch the
-- change is the caller's to tell.
create function settle_check_1(
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
    latest_at = case when p_is_made or verification_id is null then p_at else latest_at end
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

-- Stores events of a feed that are not there yet, moves the feed, and holds or settles the claim of its poll. Locks the task, then the
-- feed. Answers how many events are new; null, and nothing is written, where the claim was lost or there is no feed. Without a
-- task it is a push. An event that the customer vouches for takes the place of one that nobody has vouched for, at a new
-- position where it says something else.
create function store_events_1(
  p_org uuid, p_datasource uuid, p_ids text[], p_events text[], p_occurred_ms bigint[], p_now timestamptz, p_vouched boolean,
  p_task uuid, p_token bigint, p_requested bigint, p_cursor text, p_drained boolean, p_requested_at timestamptz,
  p_hold_until timestamptz, p_due_with timestamptz, p_interval_with integer, p_due_without timestamptz, p_interval_without integer
) returns integer language plpgsql set search_path = pg_catalog, pg_temp as $$
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
$$;
