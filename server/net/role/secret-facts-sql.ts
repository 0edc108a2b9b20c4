/**
 * The statement that finds out whether a login reads other roles' secrets: password verifiers, row contents in
 * statistics and large objects, passwords of user mappings and subscriptions, and connections under another role's
 * password.
 *
 * Returns one row with one column of JSON text.
 */
import {
  type SECRET_CATALOGS,
  SECRET_FUNCTIONS,
  type VERIFIER_CATALOGS,
} from '#server/domain/checks/role/system-names.ts'
import { grants, grantsOnRelation, REACHED } from './reached-sql.ts'

type SecretCatalog = (typeof VERIFIER_CATALOGS | typeof SECRET_CATALOGS)[number]

/** The columns, as regular expressions, that by default only a superuser may read. */
const COLUMNS: Readonly<Record<SecretCatalog, string>> = {
  pg_authid: 'rolpassword',
  pg_shadow: 'passwd',
  pg_largeobject: 'data',
  pg_statistic: 'stavalues.',
  pg_statistic_ext_data: 'stxd.*',
  pg_subscription: 'subconninfo',
  pg_user_mapping: 'umoptions',
}
const secretColumns = Object.entries(COLUMNS)
  .map(([catalog, column]) => `c.relname = '${catalog}' and t.attname ~ '^${column}$'`)
  .join('\n          or ')
const quoted = (names: readonly string[]) => names.map(name => `'${name}'`).join(', ')

const isSuperusers = (role: string) => `(select r.rolsuper from pg_catalog.pg_roles r where r.oid = ${role})`
/** An expression: the options may contain a password; null if they are hidden, which they are until `set role`. */
const mayHoldPassword = `(m.umoptions is null or exists (
      select from pg_catalog.unnest(m.umoptions) o where o like 'password=%'))`

/**
 * Catalogs and functions by name, foreign servers of a superuser with a mapping for PUBLIC, and the number of other
 * mappings.
 */
export const SECRET_FACTS_SQL = `with recursive ${REACHED},
mapping as (
  select s.oid, s.srvname, m.umuser = 0 as is_public, ${isSuperusers('s.srvowner')} as is_superusers,
    s.srvowner in (select h.oid from holder h) as is_own, ${grants('s.srvacl', "'USAGE'")} as is_usable,
    m.umuser in (select h.oid from holder h) as is_mine, ${mayHoldPassword} as has_password
  from pg_catalog.pg_user_mappings m join pg_catalog.pg_foreign_server s on s.oid = m.srvid
)
select pg_catalog.json_build_object(
  'catalogs', coalesce((
    select pg_catalog.json_agg(c.relname)
    from pg_catalog.pg_class c
    where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
      and c.relname in (${quoted(Object.keys(COLUMNS))})
      and ${grantsOnRelation("'SELECT'", `and (${secretColumns})`)}), '[]'),
  'functions', coalesce((
    select pg_catalog.json_agg(distinct f.proname)
    from pg_catalog.pg_proc f
    where f.proname in (${quoted(SECRET_FUNCTIONS)})
      and ${grants("coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))", "'EXECUTE'")}), '[]'),
  'servers', coalesce((
    select pg_catalog.json_agg(x.srvname)
    from (
      select distinct m.srvname from mapping m
      where m.is_public and m.is_superusers and m.is_usable and not m.is_own
      order by m.srvname
      limit 20
    ) x), '[]'),
  'mappings', (
    select pg_catalog.count(*) from mapping m
    where m.is_usable and not m.is_own
      and (m.is_mine and m.has_password or m.is_public and not m.is_superusers))
)::pg_catalog.text`
