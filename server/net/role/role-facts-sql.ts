/**
 * The statements that read from the catalog what a login is and what it can become, for PostgreSQL 13 to 18 (and older
 * ones, so that they can be recognised). Each returns one row with one column of JSON text.
 *
 * Sent by `role-facts.ts` if the glance says that there is more; no one's values are ever put into one.
 */
import { PROVIDER_ADMIN_ROLES } from '#server/domain/checks/provider.ts'
import {
  SERVER_FILE_ROLES,
  STATISTICS_ROLES,
  SYSTEM_PARAMETERS,
  WHOLE_DATABASE_ROLES,
} from '#server/domain/checks/role/system-names.ts'
import { FIRST_OWN_OID, REACHED } from './reached-sql.ts'

/** `pg_database_owner` (14 and later), whose only member is the database's owner, without a row in any catalog. */
const DATABASE_OWNER_OID = 6171

/**
 * `lo_import`, `lo_export`, `pg_stat_file`, `pg_read_file`, `pg_ls_dir`, `pg_read_binary_file`, by oid: looking them up
 * by name would need a scan. The others belong to an extension that could write any file of the server (until 16).
 */
const FILE_FUNCTION_OIDS = [764, 765, 767, 2623, 2624, 2625, 3293, 3295, 3297, 3307, 3826, 3827, 3828, 6208, 6209]
/** An expression: the function belongs to that extension. */
export const isAdminPack = (probin: string) => `coalesce(${probin} = '$libdir/adminpack', false)`
/** An expression: the login itself may call a function on the server's files. */
export const mayCallFileFunction = FILE_FUNCTION_OIDS.map(
  oid => `coalesce(pg_catalog.has_function_privilege(${oid}::pg_catalog.oid, 'execute'), false)`,
).join('\n    or ')

const quoted = (names: readonly string[]) => names.map(name => `'${name}'`).join(', ')
const listed = quoted([...SERVER_FILE_ROLES, ...WHOLE_DATABASE_ROLES, ...STATISTICS_ROLES, ...PROVIDER_ADMIN_ROLES])

/** User-created tables that a reached role owns. */
const owned = `here as (
  select d.oid, d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
),
owned as (
  select c.relnamespace, c.relname, c.relrowsecurity and not c.relforcerowsecurity as unforced
  from pg_catalog.pg_class c
  where c.oid >= ${FIRST_OWN_OID} and c.relkind in ('r', 'p') and c.relpersistence <> 't'
    and (c.relowner in (select w.oid from walk w)
      or c.relowner = ${DATABASE_OWNER_OID} and exists (
        select from here h join walk w on w.oid = h.datdba))
)`

/**
 * Everything except relations, code, secrets and parameters. The most privileged roles come first, so that a truncated
 * list omits none that would be refused. `acting` names the role whose settings make the login act as another role.
 */
export const ROLE_FACTS_SQL = `with recursive ${REACHED},
${owned}
select pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num'),
  'session', session_user,
  'current', current_user,
  'roles', (
    select pg_catalog.json_agg(
      pg_catalog.json_build_array(q.name, q.super, q.bypass, q.createrole, q.createdb, q.replication))
    from (
      select distinct w.name, w.super, w.bypass, w.createrole, w.createdb, w.replication,
        w.name = session_user as self, w.name in (${listed}) as listed
      from walk w
      where w.super or w.bypass or w.createrole or w.replication or w.createdb
        or w.name = session_user or w.name in (${listed})
      order by self desc, listed desc, w.super desc, w.bypass desc, w.replication desc, w.createrole desc, w.name
      limit 100
    ) q),
  'acting', coalesce((
    select pg_catalog.json_agg(distinct case
      when s.setrole = 0 and s.setdatabase = 0 then 'server'
      when s.setrole = 0 then 'database'
      when s.setdatabase = 0 then 'login'
      else 'login_here' end)
    from pg_catalog.pg_db_role_setting s cross join pg_catalog.unnest(s.setconfig) as c (setting)
    where c.setting like 'role=%' and s.setdatabase in (0, (select h.oid from here h))
      and s.setrole in (0, (select r.oid from pg_catalog.pg_roles r where r.rolname = session_user))), '[]'),
  'owns_database', exists (select from here h join holder w on w.oid = h.datdba),
  'owned', (select pg_catalog.count(*) from owned),
  'unforced', (select pg_catalog.count(*) from owned o where o.unforced),
  'unforced_tables', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_array(q.nspname, q.relname))
    from (
      select n.nspname, o.relname
      from owned o join pg_catalog.pg_namespace n on n.oid = o.relnamespace
      where o.unforced
      order by n.nspname, o.relname
      limit 20
    ) q), '[]'),
  'file_functions', coalesce((
    select pg_catalog.json_agg(f.proname)
    from pg_catalog.pg_proc f
    where (f.oid in (${FILE_FUNCTION_OIDS.join(', ')}) or ${isAdminPack('f.probin')})
      and exists (select from holder h where pg_catalog.has_function_privilege(h.oid, f.oid, 'execute'))), '[]')
)::pg_catalog.text`

/**
 * Parameters granted to the login or to a role that it is a member of (15 and later), and whether for `alter system`.
 * Without a grant, only a superuser may set a superuser's parameters; `alter system` on some of them amounts to running
 * an operating system command, and those come first.
 */
export const PARAMETER_FACTS_SQL = `select coalesce(
  pg_catalog.json_agg(pg_catalog.json_build_array(q.parname, q.alters)), '[]')::pg_catalog.text
from (
  select a.parname, pg_catalog.bool_or(pg_catalog.has_parameter_privilege(r.oid, a.parname, 'alter system')) as alters
  from pg_catalog.pg_parameter_acl a cross join pg_catalog.pg_roles r
  where pg_catalog.pg_has_role(session_user, r.oid, 'member') and not r.rolsuper
    and pg_catalog.has_parameter_privilege(r.oid, a.parname, 'set, alter system')
  group by a.parname
  order by pg_catalog.bool_or(
      a.parname in (${quoted(SYSTEM_PARAMETERS)})
      and pg_catalog.has_parameter_privilege(r.oid, a.parname, 'alter system')) desc, a.parname
  limit 50
) q`
