-- In a transaction of its own.
-- First of three steps that turn verifications and audit_events into tables partitioned by month, while both are written:
-- a bound for the rows that exist, which new rows keep from now on. It is one to two months ahead, so that there is time for the
-- steps that follow. Ids are UUIDv7: their first 48 bits are milliseconds since 1970, so their order is that of time.

lock table organizations, audit_events, verifications in access exclusive mode;

-- The record refers to nothing, and takes inserts alone by its grants: a month of it goes as one.
alter table audit_events drop constraint audit_events_org_id_fkey;
drop trigger audit_events_refuse on audit_events;
drop trigger audit_events_refuse_truncate on audit_events;
drop function audit_events_refuse();

do $$
declare
  ends constant timestamptz := (date_trunc('month', now() at time zone 'UTC') + interval '2 months') at time zone 'UTC';
  bound constant uuid := (lpad(to_hex((extract(epoch from ends) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
begin
  execute format('alter table verifications add constraint verifications_before_check check (id < %L) not valid', bound);
  execute format('alter table audit_events add constraint audit_events_before_check check (id < %L) not valid', bound);
end
$$;
