/**
 * The part of the catalog query that names objects that snapshots do not model: operators, casts, collations,
 * statistics, text search, event triggers, default privileges and the like.
 *
 * Each is reported with the name by which PostgreSQL identifies it and the SHA-256 of its definition, so that changes
 * are detected; collations and statistics, which contain no code, are reported as the statement that creates them. Each
 * catalog is read on its own, and parts of another object are left to that object; objects of initdb have identifiers
 * below 16384. It must follow the rules of `catalog-sql.ts`. Only `catalog.ts` uses it.
 */
import { cut, EQ, NE, OBJECT, once } from './catalog-sql.ts'
import { isOfExtension } from './catalog-sql-database.ts'
import { OLDER } from './catalog-sql-relation.ts'

/** The objects of one catalog. */
interface Source {
  readonly catalog: string
  /** The column of the schema; null for objects without one. */
  readonly schema: string | null
  /** The texts that make up its definition, as arguments of `concat`; null if its name says everything. */
  readonly detail: string | null
  readonly where?: string
}

const TYPE = (oid: string) => `pg_catalog.format_type(${oid}, null)`
const text = (expression: string) => `${expression}::pg_catalog.text`
const func = (column: string) => text(`x.${column}::pg_catalog.oid::pg_catalog.regprocedure`)

const MAPPINGS = `(select pg_catalog.string_agg(pg_catalog.concat(m.maptokentype, ' ', m.mapseqno, ' ',
    ${text('m.mapdict::pg_catalog.regdictionary')}), ', ' order by m.maptokentype, m.mapseqno)
  from pg_catalog.pg_ts_config_map as m where m.mapcfg ${EQ} x.oid)`

const METHOD = `(select m.amname from pg_catalog.pg_am as m where m.oid ${EQ} x.opcmethod)`

const IS_UNUSED_SERVER = `not exists (select from pg_catalog.pg_foreign_table as f where f.ftserver ${EQ} x.oid)`
const IS_UNUSED_WRAPPER = `not exists (select from pg_catalog.pg_foreign_table as f join pg_catalog.pg_foreign_server as s
  on s.oid ${EQ} f.ftserver where s.srvfdw ${EQ} x.oid)`

const SOURCES: readonly Source[] = [
  {
    catalog: 'pg_operator',
    schema: 'oprnamespace',
    detail: `${func('oprcode')}, ' ', x.oprcanmerge, x.oprcanhash, ' ', ${func('oprrest')}, ' ', ${func('oprjoin')}`,
  },
  {
    catalog: 'pg_opclass',
    schema: 'opcnamespace',
    detail: `${METHOD}, ' ', ${TYPE('x.opcintype')}, ' ', x.opcdefault`,
  },
  { catalog: 'pg_opfamily', schema: 'opfnamespace', detail: null },
  { catalog: 'pg_conversion', schema: 'connamespace', detail: `${func('conproc')}, ' ', x.condefault` },
  {
    catalog: 'pg_ts_config',
    schema: 'cfgnamespace',
    detail: `(select p.prsname from pg_catalog.pg_ts_parser as p where p.oid ${EQ} x.cfgparser), ' ', ${MAPPINGS}`,
  },
  {
    catalog: 'pg_ts_dict',
    schema: 'dictnamespace',
    detail: `(select t.tmplname from pg_catalog.pg_ts_template as t where t.oid ${EQ} x.dicttemplate), ' ', x.dictinitoption`,
  },
  { catalog: 'pg_ts_parser', schema: 'prsnamespace', detail: func('prstoken') },
  { catalog: 'pg_ts_template', schema: 'tmplnamespace', detail: func('tmpllexize') },
  {
    catalog: 'pg_type',
    schema: 'typnamespace',
    detail: `${func('typinput')}, ' ', ${func('typoutput')}, ' ', x.typlen, x.typalign, x.typbyval`,
    // Arrays belong to their element type; a shell type has no input function yet.
    where: `(x.typtype ${EQ} 'b' and x.typcategory ${NE} 'A' or x.typtype ${EQ} 'p' and not x.typisdefined)`,
  },
  {
    catalog: 'pg_cast',
    schema: null,
    detail: `case when x.castfunc ${NE} 0 then ${func('castfunc')} end, ' ', x.castcontext, x.castmethod`,
  },
  {
    catalog: 'pg_event_trigger',
    schema: null,
    detail: `x.evtevent, ' ', ${func('evtfoid')}, ' ', x.evtenabled, ' ', pg_catalog.array_to_string(x.evttags, ', ')`,
  },
  { catalog: 'pg_language', schema: null, detail: `x.lanpltrusted, ' ', ${func('lanplcallfoid')}`, where: 'x.lanispl' },
  { catalog: 'pg_am', schema: null, detail: `${text('x.amhandler')}, ' ', x.amtype` },
  { catalog: 'pg_transform', schema: null, detail: `${func('trffromsql')}, ' ', ${func('trftosql')}` },
  { catalog: 'pg_foreign_server', schema: null, detail: null, where: IS_UNUSED_SERVER },
  { catalog: 'pg_foreign_data_wrapper', schema: null, detail: null, where: IS_UNUSED_WRAPPER },
  { catalog: 'pg_default_acl', schema: null, detail: text('x.defaclacl') },
]

/** Objects of a schema are reported with it; default privileges name their schema themselves. */
function found({ catalog, schema, detail, where }: Source): string {
  const about = `select 'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid as class, x.oid,
      ${schema === null ? 'null::pg_catalog.name' : 'ns.nspname'} as schema,
      ${detail === null ? 'null' : `pg_catalog.concat(${detail})`}::pg_catalog.text as detail
    from pg_catalog.${catalog} as x`
  const within = schema === null ? '' : ` join ns on ns.oid ${EQ} x.${schema} and ns.usable`
  const others = `x.oid operator(pg_catalog.>=) 16384 and not ${isOfExtension(catalog, 'x.oid')}`
  return `${about}${within} where ${others}${where === undefined ? '' : ` and ${where}`}`
}

const OTHERS = `select ${OBJECT}('k', 'other', 'schema', o.schema, 'name', pg_catalog.concat(s.type, ' ', s.identity),
    'definition', null, 'hash', case when o.detail is not null then
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(o.detail)), 'hex') end)
  from (${SOURCES.map(found).join('\n    union all ')}) as o
  cross join lateral pg_catalog.pg_identify_object(o.class, o.oid, 0) as s(type, schema, name, identity)
  where s.identity is not null and not exists (select from pg_catalog.pg_depend as d
    where d.classid ${EQ} o.class and d.objid ${EQ} o.oid and d.deptype ${EQ} 'i')`

const STATISTICS = `select ${OBJECT}('k', 'other', 'schema', ns.nspname, 'name',
    pg_catalog.concat('statistics object ', pg_catalog.quote_ident(ns.nspname), '.', pg_catalog.quote_ident(x.stxname)),
    'definition', ${cut('d.text')}, 'hash', null)
  from pg_catalog.pg_statistic_ext as x join ns on ns.oid ${EQ} x.stxnamespace and ns.usable
  ${once('d', 'pg_catalog.pg_get_statisticsobjdef(x.oid)')}
  where not ${isOfExtension('pg_statistic_ext', 'x.oid')} and d.text is not null`

const literal = (expression: string) => `pg_catalog.quote_literal(${expression})`
// ICU's locale is in collcollate (13, 14), colliculocale (15, 16), and colllocale (17 and later): see OLDER.
const LOCALE = `coalesce(colllocale, colliculocale, ${text('x.collcollate')})`
const PROVIDER = `case when x.collprovider ${EQ} 'i' then 'icu' when x.collprovider ${EQ} 'b' then 'builtin' else 'libc' end`
const COLLATION = `pg_catalog.concat('CREATE COLLATION ', pg_catalog.quote_ident(ns.nspname), '.',
    pg_catalog.quote_ident(x.collname), ' (provider = ', ${PROVIDER},
    case when x.collprovider ${EQ} 'c' then pg_catalog.concat(', lc_collate = ', ${literal(text('x.collcollate'))},
        ', lc_ctype = ', ${literal(text('x.collctype'))})
      else pg_catalog.concat(', locale = ', ${literal(LOCALE)}) end,
    case when not x.collisdeterministic then ', deterministic = false' end,
    case when collicurules is not null then pg_catalog.concat(', rules = ', ${literal('collicurules')}) end, ')')`

const COLLATIONS = `select c.row from ${OLDER} cross join lateral (
  select ${OBJECT}('k', 'other', 'schema', ns.nspname, 'name',
    pg_catalog.concat('collation ', pg_catalog.quote_ident(ns.nspname), '.', pg_catalog.quote_ident(x.collname)),
    'definition', ${cut('d.text')}, 'hash', null)
  from pg_catalog.pg_collation as x join ns on ns.oid ${EQ} x.collnamespace and ns.usable
  ${once('d', COLLATION)}
  where not ${isOfExtension('pg_collation', 'x.oid')}) as c(row)`

// Every role may read these columns, but not always its object identifier (13).
const SUBSCRIPTIONS = `select ${OBJECT}('k', 'other', 'schema', null, 'name',
    pg_catalog.concat('subscription ', pg_catalog.quote_ident(s.subname)), 'definition', null, 'hash',
    pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(pg_catalog.array_to_string(s.subpublications, ', '))), 'hex'))
  from pg_catalog.pg_subscription as s join pg_catalog.pg_database as d on d.oid ${EQ} s.subdbid
  where d.datname ${EQ} pg_catalog.current_database()`

/** The parts of the catalog query in this file. */
export const OTHER_PARTS: readonly string[] = [OTHERS, STATISTICS, COLLATIONS, SUBSCRIPTIONS]
