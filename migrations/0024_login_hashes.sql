-- Statement by statement, outside of a transaction: each may be done again.
-- Which login a credential that has passed a check is for, as a keyed hash of host, port, database and user that the worker
-- writes: whoever guesses at that login keeps nobody back whose credential in force is for it.
alter table credentials add column if not exists login_hash bytea;
drop index concurrently if exists credentials_login_hash_idx;
create index concurrently credentials_login_hash_idx on credentials (org_id, login_hash) where state = 'current' and login_hash is not null;
