/**
 * The query that detects whether a schema may have changed since it was read: one SHA-256 over the versions of all rows
 * that the catalog query reads, some 64 bytes over the wire, for a role that owns nothing.
 *
 * A row's version is its `xmin`, which only DDL changes: ANALYZE and VACUUM write in place, and freezing keeps it. It
 * may change without any change to the snapshot (TRUNCATE, REINDEX); the catalog is then read. It must follow the rules
 * of `catalog-sql.ts`. Only `read-digest.ts` uses it.
 */
import { EQ, flags } from './catalog-sql.ts'

/** A catalog, and the rows of it that count. `x` is the row. */
interface Versions {
  readonly catalog: string
  /** Tells it from other rows of the same catalog. */
  readonly part?: string
  /** The column whose number excludes the rows of initdb, which no snapshot contains. */
  readonly own?: string
  /** The relation or the schema that the row belongs to: rows of temporary ones come and go with their sessions. */
  readonly relation?: string
  readonly schema?: string
  readonly where?: string
}

const DEPENDENTS = { catalog: 'pg_depend', own: 'objid', relation: 'objid' } as const
/**
 * The dependencies that the catalog query reads. Each part is found through an index: most rows of `pg_depend` are of
 * none. 6237 is pg_publication_namespace (15 and later), which is only visible through its dependencies.
 */
const DEPENDENCIES: readonly Versions[] = [
  {
    ...DEPENDENTS,
    part: 'relations',
    where: `${isClass('x.classid', 'pg_class')} and x.deptype ${EQ} any (${flags('ai')})`,
  },
  { ...DEPENDENTS, part: 'functions', where: `${isClass('x.classid', 'pg_proc')} and x.deptype ${EQ} 'i'` },
  { ...DEPENDENTS, part: 'publications', where: `x.classid ${EQ} 6237` },
  { ...DEPENDENTS, part: 'extensions', where: isClass('x.refclassid', 'pg_extension') },
]

const CATALOGS: readonly Versions[] = [
  { catalog: 'pg_namespace', where: "not pg_catalog.starts_with(x.nspname::pg_catalog.text, 'pg_')" },
  { catalog: 'pg_class', own: 'oid', schema: 'relnamespace' },
  { catalog: 'pg_attrdef', own: 'oid', relation: 'adrelid' },
  { catalog: 'pg_constraint', own: 'oid', schema: 'connamespace' },
  { catalog: 'pg_index', own: 'indexrelid', relation: 'indrelid' },
  { catalog: 'pg_inherits', own: 'inhrelid', relation: 'inhrelid' },
  { catalog: 'pg_description', relation: 'objoid' },
  { catalog: 'pg_policy', own: 'oid', relation: 'polrelid' },
  { catalog: 'pg_trigger', own: 'oid', relation: 'tgrelid' },
  { catalog: 'pg_rewrite', own: 'oid', relation: 'ev_class' },
  { catalog: 'pg_type', own: 'oid', schema: 'typnamespace' },
  { catalog: 'pg_sequence', own: 'seqrelid', relation: 'seqrelid' },
  { catalog: 'pg_proc', own: 'oid', schema: 'pronamespace' },
  ...DEPENDENCIES,
  ...['pg_enum', 'pg_range', 'pg_aggregate', 'pg_foreign_table', 'pg_publication_rel', 'pg_statistic_ext'].map(of),
  ...['pg_extension', 'pg_language', 'pg_collation', 'pg_operator', 'pg_opclass', 'pg_opfamily', 'pg_conversion'].map(
    of,
  ),
  ...['pg_cast', 'pg_event_trigger', 'pg_am', 'pg_transform', 'pg_default_acl', 'pg_publication'].map(of),
  ...['pg_foreign_server', 'pg_foreign_data_wrapper', 'pg_ts_config', 'pg_ts_config_map', 'pg_ts_dict'].map(of),
  ...['pg_ts_parser', 'pg_ts_template'].map(of),
  // The memberships from which the role has its permissions. Those of others change none of them.
  { catalog: 'pg_auth_members', where: "pg_catalog.pg_has_role(x.member, 'MEMBER')" },
]

function of(catalog: string): Versions {
  return { catalog }
}

function isClass(column: string, name: string): string {
  return `${column} ${EQ} 'pg_catalog.${name}'::pg_catalog.regclass`
}

const AGE = 'pg_catalog.age(x.xmin)'
// Rows of initdb have the maximum age, which never changes.
const AGE_OR_NONE = `case when ${AGE} ${EQ} 2147483647 then null else ${AGE} end`

/** Distances from the oldest possible version, which stay while ages grow with every transaction. */
const distances = (rows: string, ages: string) =>
  `${rows} operator(pg_catalog.*) pg_catalog.age('3'::pg_catalog.xid)::pg_catalog.int8 operator(pg_catalog.-) ${ages}`

/**
 * The number of rows and the sum of their versions. Deleted rows had lower versions than any that came later, so that
 * the sum grows if the number of rows is the same.
 */
function versionsOf({ catalog, part = '', own, relation, schema, where = 'true' }: Versions): string {
  const conditions = [
    ...(own === undefined ? [] : [`x.${own} operator(pg_catalog.>=) 16384`]),
    where,
    ...(relation === undefined ? [] : [isNotOf('temporary_relation', relation)]),
    ...(schema === undefined ? [] : [isNotOf('temporary_schema', schema)]),
  ]
  // Rows that are not of initdb all have an age: one count is enough for them.
  const rows = own === undefined ? 'pg_catalog.count(v.age)' : 'pg_catalog.count(*)'
  return `select '${catalog} ${part}' as catalog, pg_catalog.count(*) as rows, ${distances(rows, 'coalesce(pg_catalog.sum(v.age), 0)')} as versions
    from (select ${own === undefined ? AGE_OR_NONE : AGE} as age from pg_catalog.${catalog} as x
      where ${conditions.join(' and ')}) as v`
}

/**
 * Those of columns, of which there are more rows than in all other catalogs. A condition on each would take as long as
 * reading it: all are summed, without the few of initdb and of temporary relations, which an index finds. System
 * columns count too, which come and go with their table.
 */
const ATTRIBUTES = `select 'pg_attribute', every.rows operator(pg_catalog.-) outside.rows,
    ${distances('(every.rows operator(pg_catalog.-) outside.rows)', '(every.ages operator(pg_catalog.-) outside.ages)')}
  from (select pg_catalog.count(*) as rows, pg_catalog.sum(${AGE}) as ages from pg_catalog.pg_attribute as x) as every,
    (select pg_catalog.count(*) as rows, coalesce(pg_catalog.sum(v.age), 0) as ages
      from (select t.oid from temporary_relation as t
        union all select c.oid from pg_catalog.pg_class as c where c.oid operator(pg_catalog.<) 16384) as r
      cross join lateral (select ${AGE} as age from pg_catalog.pg_attribute as x where x.attrelid ${EQ} r.oid offset 0) as v) as outside`

/** A hashed subplan, which costs a row nothing while there are no temporary relations, where a join would hash each row. */
function isNotOf(temporary: string, column: string): string {
  return `not x.${column} ${EQ} any (select t.oid from ${temporary} as t)`
}

const hashed = (...texts: readonly string[]) =>
  `pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(',', ${texts.join(', ')}), 0))`

// Every role may read some of these columns, but not the rows' versions. Of the roles of the whole cluster, these count: those
// that the role is a member of, and those that policies and default privileges name.
const ROLES = `select 'roles', ${hashed('x.oid', 'x.rolname', 'x.rolsuper', 'x.rolinherit')} from pg_catalog.pg_roles as x
  where pg_catalog.pg_has_role(x.oid, 'MEMBER')
    or exists (select from pg_catalog.pg_policy as p where x.oid ${EQ} any (p.polroles))
    or exists (select from pg_catalog.pg_default_acl as p, pg_catalog.aclexplode(p.defaclacl) as a
      where x.oid ${EQ} a.grantee or x.oid ${EQ} a.grantor)`
const SUBSCRIPTIONS = `select 'subscriptions', ${hashed('x.subdbid', 'x.subname', 'x.subpublications')}
  from pg_catalog.pg_subscription as x`
const SESSION = `select pg_catalog.concat_ws(' ', current_user, pg_catalog.current_setting('server_version_num')), 0, 0`

const readable = (catalog: string) => `pg_catalog.has_table_privilege('pg_catalog.${catalog}', 'SELECT')`

/** True if the role may read everything that the digest covers. */
export const MAY_DIGEST_SQL = `select ${[...CATALOGS.map(one => one.catalog), 'pg_attribute', 'pg_roles'].map(readable).join('\n  and ')}
  and pg_catalog.has_column_privilege('pg_catalog.pg_subscription', 'subdbid', 'SELECT')
  and pg_catalog.has_column_privilege('pg_catalog.pg_subscription', 'subname', 'SELECT')
  and pg_catalog.has_column_privilege('pg_catalog.pg_subscription', 'subpublications', 'SELECT')`

/** One statement whose only value is the digest in hex. */
export const DIGEST_SQL = `with temporary_schema as materialized (
  select n.oid from pg_catalog.pg_namespace as n where pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
    or pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast_temp_')
), temporary_relation as materialized (
  select c.oid from pg_catalog.pg_class as c where c.relnamespace ${EQ} any (select t.oid from temporary_schema as t)
)
select pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(pg_catalog.string_agg(
  pg_catalog.concat_ws(':', d.catalog, d.rows, d.versions), ' ' order by d.catalog))), 'hex')
from (${[...CATALOGS.map(versionsOf), ATTRIBUTES, ROLES, SUBSCRIPTIONS, SESSION].join('\nunion all ')}) as d`
