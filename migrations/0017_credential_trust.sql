-- Statement by statement, outside of a transaction: each may be done again.
-- A fingerprint is the worker's alone: it says with which key it was made. One that does not was written by a release whose web
-- tier could make fingerprints too, and so compare; it is not shown, and the next verification makes it anew.
alter table credentials
  add column if not exists fingerprint_key_id text,
  add column if not exists md5_allowed boolean not null default false;

-- A password is no longer sent as MD5 under a CA certificate that a caller named. A credential in use may be such a one, which only
-- its box tells: it goes on until it has once logged in by SCRAM. A thousand at a time: nobody waits for longer than one batch.
-- A batch is found by the index, and so are the rows that belong to it, whatever is believed of their number.
set enable_hashjoin = off;
set enable_mergejoin = off;
do $$
declare
  org uuid := '00000000-0000-0000-0000-000000000000';
  datasource uuid := org;
  last_version integer := 0;
begin
  loop
    with batch as materialized (
      select c.org_id, c.datasource_id, c.version, c.state = 'current' and exists (
          select from datasources d where d.org_id = c.org_id and d.id = c.datasource_id and d.kind = 'direct' and d.status = 'active'
            and d.deleted_at is null) as is_used
      from credentials c where (c.org_id, c.datasource_id, c.version) > (org, datasource, last_version)
      order by c.org_id, c.datasource_id, c.version limit 1000
    ), changed as (
      update credentials c set fingerprint = null, md5_allowed = b.is_used from batch b
      where c.org_id = b.org_id and c.datasource_id = b.datasource_id and c.version = b.version
        and (c.fingerprint is not null or b.is_used)
    )
    select b.org_id, b.datasource_id, b.version into org, datasource, last_version
      from batch b order by b.org_id desc, b.datasource_id desc, b.version desc limit 1;
    exit when not found;
    commit;
  end loop;
end
$$;
reset enable_hashjoin;
reset enable_mergejoin;

drop index concurrently if exists credentials_unkeyed_fingerprint_idx;
create index concurrently credentials_unkeyed_fingerprint_idx on credentials (org_id)
  where fingerprint is not null and fingerprint_key_id is null;
