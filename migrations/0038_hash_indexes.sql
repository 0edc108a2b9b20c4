-- In a transaction of its own.
-- A hash is looked for within its organization; `tokens` keeps it from being another one's. For a release the hash alone has an index,
-- too: the processes before look by it, and so is found what they have made and the directory has not. The larger table first: the
-- other one is locked for a moment only.
create unique index capabilities_org_id_hash_key on capabilities (org_id, hash);
create index capabilities_hash_idx on capabilities (hash);
create unique index api_keys_org_id_hash_key on api_keys (org_id, hash);
create index api_keys_hash_idx on api_keys (hash);
