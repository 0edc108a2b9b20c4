-- In a transaction of its own.
-- `revocations` says what the triggers of these tables defended: it cannot be changed, and nothing that it names comes back.
-- `revoked_at` stays for a release, for processes of the one before. In the order in which a revocation takes the tables.
lock table api_keys in access exclusive mode;
lock table capabilities in access exclusive mode;
drop trigger api_keys_end_capabilities on api_keys;
drop trigger api_keys_revocation_is_final on api_keys;
drop trigger capabilities_revocation_is_final on capabilities;
drop function capabilities_end_with_key();
drop function revocation_is_final();
-- The release before does not know it.
alter table api_keys drop column keeps_children;
