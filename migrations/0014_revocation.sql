-- What was revoked stays revoked: no signature covers it, and the web tier may write the column. Whoever takes it over could
-- otherwise bring back a lease capability or a key whose token he has seen.
create function revocation_is_final() returns trigger language plpgsql as $$
begin
  raise exception 'what was revoked stays revoked';
end
$$;
create trigger capabilities_revocation_is_final before update on capabilities
  for each row when (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
  execute function revocation_is_final();
create trigger api_keys_revocation_is_final before update on api_keys
  for each row when (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
  execute function revocation_is_final();
