/**
 * A quick query that settles, in one round trip, a role without any special privileges.
 *
 * A new backend has a cold catalog cache: planning over many catalogs costs more than logging in.
 */
import { FIRST_OWN_OID } from './reached-sql.ts'
import { isAdminPack, mayCallFileFunction } from './role-facts-sql.ts'

/** `pg_parameter_acl` (15 and later) has a row for each parameter with a grant, `pg_user_mapping` for each mapping. */
const PARAMETER_ACL_OID = 6243
const USER_MAPPING_OID = 1418
const isFilled = (oid: number) =>
  `coalesce(pg_catalog.pg_relation_size(${oid}::pg_catalog.oid::pg_catalog.regclass) > 0, false)`

/**
 * Catalogs that hold secrets, each with one secret column; pg_authid, pg_statistic, … by oid, which needs no look-up.
 */
const SECRET_COLUMNS = [
  ['1260::pg_catalog.oid', 'rolpassword'],
  ["'pg_catalog.pg_shadow'", 'passwd'],
  [`${USER_MAPPING_OID}::pg_catalog.oid`, 'umoptions'],
  ['6100::pg_catalog.oid', 'subconninfo'],
  ['2613::pg_catalog.oid', 'data'],
] as const
const SECRET_TABLES = ['2619', '3429']
const readsSecrets = [
  ...SECRET_COLUMNS.map(([table, column]) => `pg_catalog.has_column_privilege(${table}, '${column}', 'select')`),
  ...SECRET_TABLES.map(oid => `pg_catalog.has_any_column_privilege(${oid}::pg_catalog.oid, 'select')`),
].join('\n    or ')

/** The maximum number of rows of a glance. A full result means that there is more. */
export const GLANCE_ROWS = 20

/**
 * The login's own attributes, and whether there is more to it: a switched role, a membership, ownership, tables with
 * children, views, privileges on whole tables, SECURITY DEFINER functions, functions on the server's files, granted
 * parameters, secrets.
 *
 * Returns a row for the login, for each role that it is a member of, and for each privileged role: the version, the
 * login, whether the row is the login's, its five attributes, and whether there is more to it. It uses plain columns
 * and reads each catalog once, since every function, and above all every catalog, costs a cold backend look-ups. So do
 * `distinct`, which needs the operators of access lists, and conditions that the planner estimates: it reads no
 * statistics for a `case`.
 * Checking `current_user` is enough: if that is not the login, the whole query runs.
 *
 * False positives are possible, false negatives are not: it never misses what the full statements would find.
 */
export const GLANCE_SQL = `select pg_catalog.current_setting('server_version_num'), session_user, r.rolname = session_user,
  r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
  session_user <> current_user
    or r.rolname <> session_user and pg_catalog.pg_has_role(r.oid, 'member')
    or r.rolname = session_user and (
      exists (
        select from pg_catalog.pg_class c
        where c.oid >= ${FIRST_OWN_OID} and case
          when c.relowner = r.oid or c.relkind = 'v' or c.relkind = 'm'
            or c.relhassubclass and (c.relkind = 'r' or c.relkind = 'p') then true
          when c.relacl is null then false
          else exists (
            select from pg_catalog.aclexplode(c.relacl) a
            where (a.privilege_type = 'TRUNCATE' or a.privilege_type = 'TRIGGER')
              and (a.grantee = 0 or a.grantee = r.oid))
        end)
      or exists (
        select from pg_catalog.pg_proc p
        where p.oid >= ${FIRST_OWN_OID}
          and (p.prosecdef or p.proowner = r.oid or p.proname = 'dblink_connect_u' or ${isAdminPack('p.probin')}))
      or pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create with grant option')
      or ${isFilled(PARAMETER_ACL_OID)}
      or ${isFilled(USER_MAPPING_OID)}
      or ${readsSecrets}
      or ${mayCallFileFunction})
from pg_catalog.pg_roles r
where r.rolsuper or r.rolbypassrls or pg_catalog.pg_has_role(r.oid, 'member')
limit ${GLANCE_ROWS}`
