-- What has happened to datasources, for those who watch. Written in the transaction of the change.
-- Numbers are handed out before commit, so a reader that went by them alone would skip a row that commits late: it reads
-- in the order of (transaction, number), and only transactions older than every one still under way.

create table changes (
  org_id        uuid        not null,
  id            bigint      generated always as identity,
  xid           xid8        not null default pg_current_xact_id(),
  datasource_id uuid        not null,
  change        text        not null,
  at            timestamptz not null,
  constraint changes_pkey primary key (org_id, id),
  constraint changes_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id)
);
create index changes_xid_idx on changes (xid, id);
create index changes_at_idx on changes (at);
