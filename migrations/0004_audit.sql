-- The append-only record of who did what. The trigger refuses changes to whoever connects, owners included: a grant alone
-- could be given back by the owner in the same breath.

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
  constraint audit_events_org_id_fkey foreign key (org_id) references organizations (id),
  constraint audit_events_principal_kind_check check (principal_kind in ('key', 'capability', 'operator', 'worker'))
);

create function audit_events_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'audit_events is append-only';
end
$$;
create trigger audit_events_refuse before update or delete on audit_events
  for each row execute function audit_events_refuse();
create trigger audit_events_refuse_truncate before truncate on audit_events
  for each statement execute function audit_events_refuse();
