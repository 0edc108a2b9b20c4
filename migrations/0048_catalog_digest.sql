-- Statement by statement, outside of a transaction: each may be done again.
-- The versions of the catalog's rows of which a snapshot was read, in one digest, and when it was read so last. Where a later look
-- finds the same digest, the catalog is not read again.
alter table snapshots add column if not exists digest text, add column if not exists digest_at timestamptz;
alter table snapshots drop constraint if exists snapshots_digest_check;
alter table snapshots add constraint snapshots_digest_check check ((digest is null) = (digest_at is null)) not valid;
alter table snapshots validate constraint snapshots_digest_check;
