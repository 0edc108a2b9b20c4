/**
 * Fragments shared by the statements about a login: which roles it reaches, what they are granted, and who owns an
 * object.
 *
 * Privileges are looked up in access lists, set by set: `has_table_privilege` for each role and table would compute
 * each role's memberships again and again, which takes minutes with 10,000 tables.
 */

/** Objects of `initdb` have lower oids; objects created later have this one or higher. */
export const FIRST_OWN_OID = 16384

/**
 * Every role that the login reaches. `may_set` rows were reached by `set role`, the others only by inheritance, from
 * which no `set role` leads on. A role with ADMIN OPTION can grant itself the rest, but only a superuser can grant a
 * superuser's role. Before 16 every membership allows `set role`; the columns are then missing.
 *
 * `holder` contains those that are not superusers, `grantee` those and, as 0, PUBLIC.
 */
export const REACHED = `walk (oid, may_set, name, super, bypass, createrole, createdb, replication) as (
  select r.oid, true, r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication
  from pg_catalog.pg_roles r
  where r.rolname in (session_user, current_user)
  union
  select r.oid, way.may_set, r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication
  from walk w
  join pg_catalog.pg_auth_members m on m.member = w.oid
  join pg_catalog.pg_roles r on r.oid = m.roleid
  cross join lateral (values
    (true, w.may_set and coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool, true)),
    (true, m.admin_option and not r.rolsuper),
    (false, coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool, false))
  ) as way (may_set, open)
  where way.open
),
holder as (
  select distinct w.oid, w.name from walk w where not w.super
),
grantee as (
  select h.oid from holder h
  union all
  select 0::pg_catalog.oid where exists (select from holder)
)`

/**
 * An expression: an access list grants one of the privileges, which are SQL constants, to a role that the login
 * reaches.
 */
export const grants = (acl: string, privileges: string) => `exists (
      select from pg_catalog.aclexplode(${acl}) a
      where a.privilege_type in (${privileges}) and a.grantee in (select g.oid from grantee g))`

/** As `grants`, for a relation `c` as a whole or one of its columns; `columns` restricts the columns. */
export const grantsOnRelation = (privileges: string, columns = '') => `(${grants('c.relacl', privileges)}
    or exists (
      select from pg_catalog.pg_attribute t cross join pg_catalog.aclexplode(t.attacl) a
      where t.attrelid = c.oid and a.privilege_type in (${privileges}) ${columns}
        and a.grantee in (select g.oid from grantee g)))`

/**
 * An expression: the object is not an extension's own. Those are the same in every database, and their authors'
 * responsibility.
 */
export const notOfExtension = (catalog: string, oid: string) => `not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objid = ${oid} and d.deptype = 'e')`

/** The number of rows of a set. */
export const countSql = (set: string, where = 'true') => `(select pg_catalog.count(*) from ${set} q where ${where})`

/** The first 50 rows of a set as pairs of schema and name; `prefix` is that of its columns. */
export const namesSql = (set: string, prefix: 'rel' | 'pro') => `coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_array(x.nspname, x.name))
    from (
      select n.nspname, q.${prefix}name as name
      from ${set} q join pg_catalog.pg_namespace n on n.oid = q.${prefix}namespace
      order by n.nspname, q.${prefix}name
      limit 50
    ) x), '[]')`
