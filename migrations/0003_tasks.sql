-- Work for the worker: due times on rows, claimed with skip locked, settled with a fencing token.
-- A standing task (one per datasource and kind) is due again and again; any other is done once and its outcome awaited.

create table tasks (
  org_id        uuid        not null,
  id            uuid        not null,
  kind          text        not null,
  datasource_id uuid,
  standing      boolean     not null,
  payload       bytea,
  due_at        timestamptz,
  attempts      integer     not null default 0,
  requested     bigint      not null default 1,
  settled       bigint      not null default 0,
  locked_until  timestamptz,
  token         bigint      not null default 0,
  outcome       jsonb,
  created_at    timestamptz not null,
  expires_at    timestamptz,
  constraint tasks_pkey primary key (org_id, id),
  constraint tasks_org_id_fkey foreign key (org_id) references organizations (id),
  constraint tasks_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id),
  constraint tasks_standing_check check (not standing or datasource_id is not null)
);
create unique index tasks_standing_key on tasks (org_id, datasource_id, kind) where standing;
create index tasks_due_at_idx on tasks (due_at) where due_at is not null;
create index tasks_expires_at_idx on tasks (expires_at) where expires_at is not null;
