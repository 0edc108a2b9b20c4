/**
 * The catalog query: one simple-query text, one round trip, read-only, for a role that owns nothing.
 *
 * Each row is one column of JSON text for `createCatalogReader`. It takes no locks but the share locks that PostgreSQL
 * itself takes to deparse, and runs nothing of the customer's. Called by the worker's introspection.
 */
import { cut, EQ, flags, NE, names, OBJECT, once } from '#server/net/catalog/sql/catalog-sql.ts'
import { collation, comment, PAGES, SIZED } from '#server/net/catalog/sql/catalog-sql-object.ts'
import { RELATION_PARTS } from '#server/net/catalog/sql/catalog-sql-relation.ts'

/** Which schemas to look at. */
export interface CatalogRequest {
  /** Exactly these; null for all but the excluded ones. System schemas are never among them. */
  readonly schemas: readonly string[] | null
  /** Only counts where `schemas` is null. */
  readonly excludedSchemas: readonly string[]
}

/** True for PostgreSQL's own schemas, temporary ones included: `pg_` is a reserved prefix, to superusers too. */
export function isSystemSchema(name: string): boolean {
  return name.startsWith('pg_') || name === 'information_schema'
}

/** True when a request is for a schema. */
export function isCovered(request: CatalogRequest, name: string): boolean {
  if (isSystemSchema(name)) return false
  return request.schemas?.includes(name) ?? !request.excludedSchemas.includes(name)
}

// With an empty search path every name outside `pg_catalog` is spelled with its schema, and with the others constants in
// expressions are spelled alike whatever the role's own settings are.
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

// Searching for the best plan, compiling it and starting workers would cost more than they save, and no file is to be
// written at the customer's for a sort.
const PLANNING = {
  jit: 'off',
  join_collapse_limit: '1',
  enable_mergejoin: 'off',
  max_parallel_workers_per_gather: '0',
  work_mem: "'16MB'",
}

/** The statements of a request, to be sent as one message inside a transaction; only the last one gives rows. */
export function catalogSql(request: CatalogRequest): string {
  const settings = Object.entries({ ...SPELLING, ...PLANNING }).map(([name, value]) => `set local ${name} = ${value};`)
  return `${settings.join('\n')}
with recursive ns as materialized (
  select n.oid, n.nspname, coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false) as usable
  from pg_catalog.pg_namespace as n
  where not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_') and n.nspname ${NE} 'information_schema'
    and ${covered(request)}
), ${RELATION_TABLES}
${[HEAD, SCHEMAS, EXTENSIONS, ...RELATION_PARTS, HIDDEN, ENUMS, DOMAINS, SEQUENCES]
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

// Seen is what may be read or written in any column, as in information_schema; partitions are folded into their root.
const RELATION_TABLES = `indexed as materialized (
  select i.indrelid as relation, pg_catalog.sum(c.relpages) as pages
  from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid ${EQ} i.indexrelid
  group by i.indrelid
), rel as materialized (
  select c.oid, c.relname, c.relkind, c.reloptions, c.reltuples, c.relrowsecurity, c.relforcerowsecurity, ns.nspname, m.may,
    m.may ${EQ} any (array['', 'd']) as partly,
    ${PAGES} as pages,
    ns.usable and (m.may ${NE} '' or coalesce(pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE'), false))
      as visible
  from ns join pg_catalog.pg_class as c on c.relnamespace ${EQ} ns.oid ${SIZED}
  cross join lateral (select pg_catalog.concat(${may('SELECT', 's')}, ${may('INSERT', 'i')}, ${may('UPDATE', 'u')},
    ${may('DELETE', 'd')}) as may offset 0) as m
  where c.relkind ${EQ} any (${flags('rpfvm')}) and not c.relispartition
), part(root, oid) as (
  select rel.oid, i.inhrelid from rel join pg_catalog.pg_inherits as i on i.inhparent ${EQ} rel.oid
  where rel.relkind ${EQ} 'p'
  union all
  select part.root, i.inhrelid from part join pg_catalog.pg_inherits as i on i.inhparent ${EQ} part.oid
), tree as materialized (
  select part.root, pg_catalog.count(*) as partitions, pg_catalog.sum(${PAGES}) as pages,
    pg_catalog.sum(c.reltuples) filter (where c.reltuples operator(pg_catalog.>=) 0) as rows
  from part join pg_catalog.pg_class as c on c.oid ${EQ} part.oid ${SIZED}
  where c.relkind ${NE} 'p'
  group by part.root
), seq as materialized (
  select c.oid, c.relname, ns.nspname,
    ns.usable and coalesce(pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE'), false) as visible
  from ns join pg_catalog.pg_class as c on c.relnamespace ${EQ} ns.oid
  where c.relkind ${EQ} 'S' and not exists (select from pg_catalog.pg_depend as d
    where d.classid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid ${EQ} c.oid and d.deptype ${EQ} 'i')
)`

const HEAD = `select ${OBJECT}('k', 'head', 'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'encoding', pg_catalog.current_setting('server_encoding'))`

const SCHEMAS = `select ${OBJECT}('k', 'schema', 'name', ns.nspname, 'usable', ns.usable,
  'comment', case when ns.usable then ${comment('pg_namespace', 'ns.oid')} end) from ns`

const EXTENSIONS = `select ${OBJECT}('k', 'extension', 'name', e.extname, 'version', e.extversion, 'schema', n.nspname)
  from pg_catalog.pg_extension as e join pg_catalog.pg_namespace as n on n.oid ${EQ} e.extnamespace`

const HIDDEN = `select ${OBJECT}('k', 'hidden',
  'relations', (select pg_catalog.count(*) from rel where not rel.visible),
  'columns', case when exists (select from rel where rel.visible and rel.partly) then (
    select pg_catalog.count(*) from rel join pg_catalog.pg_attribute as a on a.attrelid ${EQ} rel.oid
    where rel.visible and rel.partly and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped and not case when rel.partly
      then pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT, INSERT, UPDATE') else true end) else 0 end,
  'sequences', (select pg_catalog.count(*) from seq where not seq.visible))`

// Of every schema, since columns of the schemas asked for may use them; the reader keeps those that are used.
const ENUMS = `select ${OBJECT}('k', 'enum', 'schema', n.nspname, 'name', pg_catalog.format_type(t.oid, null),
  'labels', (select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum as e
    where e.enumtypid ${EQ} t.oid), 'comment', ${comment('pg_type', 't.oid')})
  from pg_catalog.pg_type as t join pg_catalog.pg_namespace as n on n.oid ${EQ} t.typnamespace
  where t.typtype ${EQ} 'e'`

const DOMAINS = `select ${OBJECT}('k', 'domain', 'schema', n.nspname, 'name', pg_catalog.format_type(t.oid, null),
  'type', pg_catalog.format_type(t.typbasetype, t.typtypmod), 'notNull', t.typnotnull, 'default', ${cut('x.text')},
  'collation', ${collation('t.typcollation', 't.typbasetype')},
  'checks', (select pg_catalog.json_agg(${OBJECT}('name', o.conname, 'definition', ${cut('y.text')}))
    from pg_catalog.pg_constraint as o ${once('y', 'pg_catalog.pg_get_constraintdef(o.oid)')}
    where o.contypid ${EQ} t.oid and o.contype ${EQ} 'c'), 'comment', ${comment('pg_type', 't.oid')})
  from pg_catalog.pg_type as t join pg_catalog.pg_namespace as n on n.oid ${EQ} t.typnamespace
  ${once('x', 'pg_catalog.pg_get_expr(t.typdefaultbin, 0)')}
  where t.typtype ${EQ} 'd'`

const OWNER = `(select ${OBJECT}('relation', c.relname, 'column', a.attname) from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as c on c.oid ${EQ} d.refobjid
  join pg_catalog.pg_attribute as a on a.attrelid ${EQ} d.refobjid and a.attnum ${EQ} d.refobjsubid
  where d.classid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid ${EQ} seq.oid and d.deptype ${EQ} 'a'
    and d.refclassid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass)`

const SEQUENCES = `select ${OBJECT}('k', 'sequence', 'schema', seq.nspname, 'name', seq.relname,
  'type', pg_catalog.format_type(s.seqtypid, null), 'start', s.seqstart::pg_catalog.text,
  'increment', s.seqincrement::pg_catalog.text, 'min', s.seqmin::pg_catalog.text, 'max', s.seqmax::pg_catalog.text,
  'cache', s.seqcache::pg_catalog.text, 'cycle', s.seqcycle, 'ownedBy', ${OWNER},
  'comment', ${comment('pg_class', 'seq.oid')})
  from seq join pg_catalog.pg_sequence as s on s.seqrelid ${EQ} seq.oid
  where seq.visible`
