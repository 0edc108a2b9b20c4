-- A fingerprint is the worker's alone: it says with which key it was made. One that does not was written by a release whose web
-- tier could make fingerprints too, and so compare; it is not shown, and the next verification makes it anew.
alter table credentials
  add column fingerprint_key_id text,
  add column md5_allowed boolean not null default false;
update credentials set fingerprint = null where fingerprint is not null;
create index credentials_unkeyed_fingerprint_idx on credentials (org_id)
  where fingerprint is not null and fingerprint_key_id is null;

-- A password is no longer sent as MD5 under a CA certificate that a caller named. A credential in use may be such a one, which only
-- its box tells: it goes on until it has once logged in by SCRAM.
update credentials c set md5_allowed = true
  from datasources d
  where d.org_id = c.org_id and d.id = c.datasource_id and d.kind = 'direct' and d.status = 'active' and d.deleted_at is null
    and c.state = 'current';
