/**
 * The statements that ask the catalog what a login is and what it can become, for PostgreSQL 13 to 18 (and older ones, so
 * that they can be told apart). Each gives one row with one column of JSON text.
 *
 * A new backend has a cold catalog cache: planning over many catalogs costs more than logging in. Hence a glance first,
 * which settles the role that has nothing to it. Sent by `role-facts.ts`; no value of anybody's is ever put into one.
 */
import { PROVIDER_ADMIN_ROLES, SERVER_FILE_ROLES, WHOLE_DATABASE_ROLES } from '#server/domain/checks/provider.ts'

/** What `initdb` makes has lower oids; what anybody makes afterwards has these. */
const FIRST_OWN_OID = 16384
/** `pg_database_owner` (14 and later), whose only member is the database's owner, without a row in any catalog. */
const DATABASE_OWNER_OID = 6171

/**
 * `lo_import`, `lo_export`, `pg_stat_file`, `pg_read_file`, `pg_ls_dir`, `pg_read_binary_file`, by oid: asked by name, they
 * would cost a scan. The others are those of an extension that wrote any file of the server (until 16).
 */
const FILE_FUNCTION_OIDS = [764, 765, 767, 2623, 2624, 2625, 3293, 3295, 3297, 3307, 3826, 3827, 3828, 6208, 6209]
const isAdminPack = (probin: string) => `coalesce(${probin} = '$libdir/adminpack', false)`
const mayCallFileFunction = FILE_FUNCTION_OIDS.map(
  oid => `coalesce(pg_catalog.has_function_privilege(${oid}::pg_catalog.oid, 'execute'), false)`,
).join('\n    or ')
/** `pg_parameter_acl` (15 and later), which has a row for each parameter that somebody was granted. */
const PARAMETER_ACL_OID = 6243

/** Rows of a glance. So many mean that there is more. */
export const GLANCE_ROWS = 20

/**
 * The login's own attributes, and whether there is more to it: a switched role, a membership, something owned, views of a
 * privileged owner, SECURITY DEFINER functions, functions on the server's files, granted parameters.
 *
 * A row for the login, for each role that it is a member of, and for each privileged role: the version, the login, whether
 * the row is the login's, its five attributes, and whether there is more to it. Plain columns and one look at each catalog,
 * since every function, and every catalog more than all, costs a cold backend look-ups. What looks for `current_user` is
 * good enough: where that is not the login, there is more.
 *
 * Never says no where `ROLE_FACTS_SQL` would find something; may say yes where that finds nothing.
 */
export const GLANCE_SQL = `select pg_catalog.current_setting('server_version_num'), session_user, r.rolname = session_user,
  r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
  session_user <> current_user
    or r.rolname <> session_user and pg_catalog.pg_has_role(r.oid, 'member')
    or exists (
      select from pg_catalog.pg_class c
      where c.relowner = r.oid and c.oid >= ${FIRST_OWN_OID} and (r.rolname = session_user or c.relkind in ('v', 'm')))
    or exists (select from pg_catalog.pg_proc p where p.oid >= ${FIRST_OWN_OID} and (p.prosecdef or ${isAdminPack('p.probin')}))
    or coalesce(pg_catalog.pg_relation_size(${PARAMETER_ACL_OID}::pg_catalog.oid::pg_catalog.regclass) > 0, false)
    or ${mayCallFileFunction}
from pg_catalog.pg_roles r
where r.rolsuper or r.rolbypassrls or pg_catalog.pg_has_role(r.oid, 'member')
limit ${GLANCE_ROWS}`

const listed = [...SERVER_FILE_ROLES, ...WHOLE_DATABASE_ROLES, ...PROVIDER_ADMIN_ROLES].map(name => `'${name}'`)

/**
 * Every role that the login reaches. `may_set` rows were reached by `set role`, the others by inheritance alone, from
 * where no `set role` leads on. A role with ADMIN OPTION grants itself the rest, but only a superuser grants a
 * superuser's role. Before 16 every membership allows `set role`, which its columns' absence stands for.
 */
const reached = `walk (oid, may_set, name, super, bypass, createrole, createdb, replication) as (
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
)`

/** Tables of anybody's own making that a reached role owns. */
const owned = `owned as (
  select c.relnamespace, c.relname, c.relrowsecurity and not c.relforcerowsecurity as unforced
  from pg_catalog.pg_class c
  where c.oid >= ${FIRST_OWN_OID} and c.relkind in ('r', 'p') and c.relpersistence <> 't'
    and (c.relowner in (select w.oid from walk w)
      or c.relowner = ${DATABASE_OWNER_OID} and exists (
        select from pg_catalog.pg_database d join walk w on w.oid = d.datdba
        where d.datname = pg_catalog.current_database()))
)`

/** Not an extension's own: those are the same in every database, and their authors' business. */
const notOfExtension = (catalog: string, oid: string) => `not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objid = ${oid} and d.deptype = 'e')`

/** Everything but parameters. The worst roles come first, so that a cut list leaves out none that would be refused. */
export const ROLE_FACTS_SQL = `with recursive ${reached},
${owned},
privileged as (
  select r.oid from pg_catalog.pg_roles r where r.rolsuper or r.rolbypassrls
),
holder as (
  select distinct w.oid from walk w where not w.super
)
select pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num'),
  'session', session_user,
  'current', current_user,
  'roles', (
    select pg_catalog.json_agg(
      pg_catalog.json_build_array(q.name, q.super, q.bypass, q.createrole, q.createdb, q.replication))
    from (
      select distinct w.name, w.super, w.bypass, w.createrole, w.createdb, w.replication,
        w.name = session_user as self, w.name in (${listed.join(', ')}) as listed
      from walk w
      where w.super or w.bypass or w.createrole or w.replication
        or w.name = session_user or w.name in (${listed.join(', ')})
      order by self desc, listed desc, w.super desc, w.bypass desc, w.replication desc, w.createrole desc, w.name
      limit 100
    ) q),
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
  'views', (
    select pg_catalog.count(*)
    from pg_catalog.pg_class c
    where c.oid >= ${FIRST_OWN_OID} and c.relkind in ('v', 'm') and c.relowner in (select p.oid from privileged p)
      and exists (select from holder h where pg_catalog.has_any_column_privilege(h.oid, c.oid, 'select'))
      and not exists (
        select from pg_catalog.unnest(c.reloptions) o
        where o ~* '^security_invoker=(t|tr|tru|true|y|ye|yes|on|1)$')
      and ${notOfExtension('pg_class', 'c.oid')}),
  'functions', (
    select pg_catalog.count(*)
    from pg_catalog.pg_proc f
    where f.oid >= ${FIRST_OWN_OID} and f.prosecdef and f.proowner in (select p.oid from privileged p)
      and exists (select from holder h where pg_catalog.has_function_privilege(h.oid, f.oid, 'execute'))
      and ${notOfExtension('pg_proc', 'f.oid')}),
  'file_functions', coalesce((
    select pg_catalog.json_agg(f.proname)
    from pg_catalog.pg_proc f
    where (f.oid in (${FILE_FUNCTION_OIDS.join(', ')}) or ${isAdminPack('f.probin')})
      and exists (select from holder h where pg_catalog.has_function_privilege(h.oid, f.oid, 'execute'))), '[]')
)::pg_catalog.text`

/**
 * Parameters that the login, or a role that it is a member of, was granted (15 and later). Without a grant, nobody but a
 * superuser sets those of a superuser; `alter system` on some of them is a command of the operating system.
 */
export const PARAMETER_FACTS_SQL = `select coalesce(pg_catalog.json_agg(q.parname), '[]')::pg_catalog.text
from (
  select a.parname
  from pg_catalog.pg_parameter_acl a
  where exists (
    select from pg_catalog.pg_roles r
    where pg_catalog.pg_has_role(session_user, r.oid, 'member') and not r.rolsuper
      and pg_catalog.has_parameter_privilege(r.oid, a.parname, 'set, alter system'))
  order by a.parname
  limit 50
) q`
