-- In a transaction of its own.
-- What the web's role may put into the record: acts of keys and capabilities of the same organization, at the time of writing.
-- It is told by what it may not do: only the worker and operators write verifications. A role cannot give itself that right.

create function audit_events_bound() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  clock constant timestamptz := clock_timestamp();
  -- The first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562 §5.7); the record is read in the order of its ids.
  stamped constant timestamptz := to_timestamp(
    ('x' || lpad(replace(left(new.id::text, 13), '-', ''), 16, '0'))::bit(64)::bigint / 1000.0);
begin
  if has_table_privilege(current_user, 'public.verifications', 'insert') then
    return new;
  end if;
  if new.at not between clock - interval '5 minutes' and clock + interval '5 minutes'
    or stamped not between clock - interval '5 minutes' and clock + interval '5 minutes' then
    raise insufficient_privilege using message = 'this role records what happens now';
  end if;
  if new.principal_kind = 'key' and exists (
      select from public.api_keys where org_id = new.org_id and id = new.principal_id)
    or new.principal_kind = 'capability' and exists (
      select from public.capabilities where org_id = new.org_id and id = new.principal_id) then
    return new;
  end if;
  raise insufficient_privilege using message = 'this role records acts of keys and capabilities of the same organization';
end
$$;
create trigger audit_events_bound before insert on audit_events
  for each row execute function audit_events_bound();
