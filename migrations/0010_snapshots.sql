-- What the schemas of datasources looked like: immutable, compressed, addressed by the fingerprint of their canonical form.
-- A schema that has not changed adds no row, only a later seen_at.

create table snapshots (
  org_id           uuid        not null,
  id               uuid        not null,
  datasource_id    uuid        not null,
  fingerprint      text        not null,
  schemas_asked    text[],
  excluded_schemas text[]      not null,
  table_count      integer     not null,
  content          bytea       not null,
  observed         bytea       not null,
  previous_id      uuid,
  breaking         integer,
  risky            integer,
  safe             integer,
  taken_at         timestamptz not null,
  seen_at          timestamptz not null,
  constraint snapshots_pkey primary key (org_id, id),
  constraint snapshots_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id),
  constraint snapshots_previous_id_fkey foreign key (org_id, previous_id) references snapshots (org_id, id),
  constraint snapshots_drift_check check ((previous_id is null) = (breaking is null and risky is null and safe is null))
);
create index snapshots_datasource_id_idx on snapshots (org_id, datasource_id, id desc);
-- The bytes are compressed already.
alter table snapshots alter column content set storage external;
alter table snapshots alter column observed set storage external;
