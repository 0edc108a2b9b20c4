/**
 * The catalog query: one simple-query text, one round trip, read-only, for a role that owns nothing.
 *
 * Each row is one column of JSON text for `createCatalogReader`. It takes only the share locks that PostgreSQL itself
 * takes for deparsing, and runs no code of the customer. Called by the worker's introspection.
 */
import { EQ, flags, NE, names, OBJECT } from '#server/net/catalog/sql/catalog-sql.ts'
import { DATABASE_PARTS, isOfExtension } from '#server/net/catalog/sql/catalog-sql-database.ts'
import { comment, PAGES, SIZED } from '#server/net/catalog/sql/catalog-sql-object.ts'
import { OTHER_PARTS } from '#server/net/catalog/sql/catalog-sql-other.ts'
import { KEY_PARTS, RELATION_PARTS } from '#server/net/catalog/sql/catalog-sql-relation.ts'
import { TRAIT_PARTS } from '#server/net/catalog/sql/catalog-sql-trait.ts'

/** The schemas to read. */
export interface CatalogRequest {
  /** Exactly these schemas; null for all but the excluded ones. System schemas are never included. */
  readonly schemas: readonly string[] | null
  /** Only applies if `schemas` is null. */
  readonly excludedSchemas: readonly string[]
}

/** True for PostgreSQL's own schemas, including temporary ones: `pg_` is a reserved prefix, even for superusers. */
export function isSystemSchema(name: string): boolean {
  return name.startsWith('pg_') || name === 'information_schema'
}

/** True if a request covers a schema. */
export function isCovered(request: CatalogRequest, name: string): boolean {
  if (isSystemSchema(name)) return false
  return request.schemas?.includes(name) ?? !request.excludedSchemas.includes(name)
}

// With an empty search path every name outside `pg_catalog` is qualified, and with the other settings constants in
// expressions are formatted alike whatever the role's own settings are.
const SPELLING = {
  search_path: "''",
  timezone: "'UTC'",
  datestyle: "'ISO, YMD'",
  intervalstyle: "'postgres'",
  extra_float_digits: '1',
  bytea_output: "'hex'",
  lc_monetary: "'C'",
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
}

// Searching for the best plan, JIT compilation and parallel workers would cost more than they save, and a sort must not
// write a file on the customer's server.
const PLANNING = {
  jit: 'off',
  join_collapse_limit: '1',
  enable_mergejoin: 'off',
  max_parallel_workers_per_gather: '0',
  work_mem: "'16MB'",
}

/** The statements of a request, to be sent as one message inside a transaction; only the last one returns rows. */
export function catalogSql(request: CatalogRequest): string {
  const settings = Object.entries({ ...SPELLING, ...PLANNING }).map(([name, value]) => `set local ${name} = ${value};`)
  return `${settings.join('\n')}
with recursive ns as materialized (
  select n.oid, n.nspname, coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false) as usable
  from pg_catalog.pg_namespace as n
  where not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_') and n.nspname ${NE} 'information_schema'
    and ${covered(request)}
), ${RELATION_TABLES}
${[...HEAD_PARTS, ...RELATION_PARTS, ...TRAIT_PARTS, ...KEY_PARTS, ...LAST_PARTS]
  .map(part => `select j.row::pg_catalog.text as row from (${part}) as j(row)`)
  .join('\nunion all\n')}`
}

function covered(request: CatalogRequest): string {
  const name = 'pg_catalog.textsend(n.nspname::pg_catalog.text)'
  return request.schemas === null
    ? `${name} ${NE} all (${names(request.excludedSchemas)})`
    : `${name} ${EQ} any (${names(request.schemas)})`
}

const may = (privilege: string, letter: string) =>
  `case when pg_catalog.has_table_privilege(c.oid, '${privilege}') then '${letter}' end`

// A relation is visible if any of its columns may be read or written, as in information_schema. A partition is folded
// into its topmost visible ancestor, unless a foreign key refers to it. An extension's objects belong to the extension.
const RELATION_TABLES = `ext as materialized (
  select d.classid, d.objid, d.refobjid from pg_catalog.pg_extension as e join pg_catalog.pg_depend as d
    on d.refclassid ${EQ} 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid ${EQ} e.oid and d.deptype ${EQ} 'e'
), indexed as materialized (
  select i.indrelid as relation, pg_catalog.sum(c.relpages) as pages
  from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid ${EQ} i.indexrelid
  group by i.indrelid
), found as materialized (
  select c.oid, c.relname, c.relkind, c.reloptions, c.reltuples, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
    c.relpersistence, c.relreplident, c.reloftype ${NE} 0 as typed, toast.reloptions is not null as toasted, ns.nspname, m.may, m.may ${EQ} any (array['', 'd']) as partly,
    ${PAGES} as pages,
    ns.usable and (m.may ${NE} '' or coalesce(pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE'), false))
      as visible
  from ns join pg_catalog.pg_class as c on c.relnamespace ${EQ} ns.oid ${SIZED}
  cross join lateral (select pg_catalog.concat(${may('SELECT', 's')}, ${may('INSERT', 'i')}, ${may('UPDATE', 'u')},
    ${may('DELETE', 'd')}) as may offset 0) as m
  where c.relkind ${EQ} any (${flags('rpfvm')}) and not ${isOfExtension('pg_class', 'c.oid')}
), above(oid, parent) as (
  select found.oid, i.inhparent from found join pg_catalog.pg_inherits as i on i.inhrelid ${EQ} found.oid
  where found.relispartition
  union all
  select above.oid, i.inhparent from above join pg_catalog.pg_inherits as i on i.inhrelid ${EQ} above.parent
), folded as materialized (
  select above.oid from above join found on found.oid ${EQ} above.parent and found.visible
  where not exists (select from pg_catalog.pg_constraint as o
    where o.confrelid ${EQ} above.oid and o.contype ${EQ} 'f' and o.conparentid ${EQ} 0)
), rel as materialized (
  select found.oid, found.relname, found.relkind, found.reloptions, found.reltuples, found.relrowsecurity,
    found.relforcerowsecurity, found.relispartition, found.relpersistence, found.relreplident, found.typed, found.toasted,
    found.nspname, found.may, found.partly, found.pages, found.visible
  from found where not exists (select from folded where folded.oid ${EQ} found.oid)
), part(root, parent, oid) as (
  select rel.oid, rel.oid, i.inhrelid from rel join pg_catalog.pg_inherits as i on i.inhparent ${EQ} rel.oid
  where rel.relkind ${EQ} 'p'
  union all
  select part.root, part.oid, i.inhrelid from part join pg_catalog.pg_inherits as i on i.inhparent ${EQ} part.oid
), tree as materialized (
  select part.root, pg_catalog.count(*) as partitions, pg_catalog.sum(${PAGES}) as pages,
    pg_catalog.sum(c.reltuples) filter (where c.reltuples operator(pg_catalog.>=) 0) as rows
  from part join pg_catalog.pg_class as c on c.oid ${EQ} part.oid ${SIZED}
  where c.relkind ${NE} 'p'
  group by part.root
), seq as materialized (
  select c.oid, c.relname, c.relpersistence, ns.nspname,
    ns.usable and coalesce(pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE'), false) as visible
  from ns join pg_catalog.pg_class as c on c.relnamespace ${EQ} ns.oid
  where c.relkind ${EQ} 'S' and not ${isOfExtension('pg_class', 'c.oid')}
    and not exists (select from pg_catalog.pg_depend as d
    where d.classid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid ${EQ} c.oid and d.deptype ${EQ} 'i')
)`

const HEAD = `select ${OBJECT}('k', 'head', 'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'encoding', pg_catalog.current_setting('server_encoding'))`

const SCHEMAS = `select ${OBJECT}('k', 'schema', 'name', ns.nspname, 'usable', ns.usable,
  'comment', case when ns.usable then ${comment('pg_namespace', 'ns.oid')} end, 'extension', (select e.extname
    from ext join pg_catalog.pg_extension as e on e.oid ${EQ} ext.refobjid
    where ext.classid ${EQ} 'pg_catalog.pg_namespace'::pg_catalog.regclass and ext.objid ${EQ} ns.oid)) from ns`

const EXTENSIONS = `select ${OBJECT}('k', 'extension', 'name', e.extname, 'version', e.extversion, 'schema', n.nspname,
    'requires', (select pg_catalog.json_agg(o.extname order by o.extname) from pg_catalog.pg_depend as d
      join pg_catalog.pg_extension as o on o.oid ${EQ} d.refobjid
      where d.classid ${EQ} 'pg_catalog.pg_extension'::pg_catalog.regclass and d.objid ${EQ} e.oid
        and d.refclassid ${EQ} 'pg_catalog.pg_extension'::pg_catalog.regclass))
  from pg_catalog.pg_extension as e join pg_catalog.pg_namespace as n on n.oid ${EQ} e.extnamespace`

const HIDDEN = `select ${OBJECT}('k', 'hidden',
  'relations', (select pg_catalog.count(*) from rel where not rel.visible and not rel.relispartition),
  'columns', case when exists (select from rel where rel.visible and rel.partly) then (
    select pg_catalog.count(*) from rel join pg_catalog.pg_attribute as a on a.attrelid ${EQ} rel.oid
    where rel.visible and rel.partly and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped and not case when rel.partly
      then pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT, INSERT, UPDATE') else true end) else 0 end,
  'sequences', (select pg_catalog.count(*) from seq where not seq.visible))`

const HEAD_PARTS = [HEAD, SCHEMAS, EXTENSIONS]
const LAST_PARTS = [HIDDEN, ...DATABASE_PARTS, ...OTHER_PARTS]
