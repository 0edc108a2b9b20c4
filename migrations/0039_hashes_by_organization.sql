-- In a transaction of its own.
-- Every unique key of a tenant's table begins with the organization.
lock table api_keys in access exclusive mode;
lock table capabilities in access exclusive mode;
alter table api_keys add constraint api_keys_org_id_hash_key unique using index api_keys_org_id_hash_key;
alter table api_keys drop constraint api_keys_hash_key;
alter table capabilities add constraint capabilities_org_id_hash_key unique using index capabilities_org_id_hash_key;
alter table capabilities drop constraint capabilities_hash_key;
