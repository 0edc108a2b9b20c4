-- In a transaction of its own.
-- Whether a fingerprint is shown depends on the key that made it. The web's role reads single columns of credentials, and `db
-- grant` runs after the new web processes have begun: whoever may read a fingerprint may read its key's id from now on.
do $$
declare
  grantee regrole;
begin
  for grantee in
    select distinct acl.grantee::regrole
    from pg_attribute a, aclexplode(a.attacl) acl
    where a.attrelid = 'credentials'::regclass and a.attname = 'fingerprint'
      and acl.privilege_type = 'SELECT' and acl.grantee <> 0
  loop
    execute format('grant select (fingerprint_key_id) on credentials to %s', grantee);
  end loop;
end
$$;
