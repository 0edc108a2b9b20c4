/**
 * The parts of the catalog query that describe objects other than relations: types, sequences, functions, publications,
 * foreign servers, and the objects that belong to extensions.
 *
 * Bodies of functions may contain secrets: only their SHA-256 leaves the server. It must follow the rules of
 * `catalog-sql.ts`. Only `catalog.ts` uses it.
 */
import { cut, EQ, flags, NE, OBJECT, once } from './catalog-sql.ts'
import { collation, comment } from './catalog-sql-object.ts'
import { OLDER } from './catalog-sql-relation.ts'

/** An expression that is true if an object belongs to an extension, from the common table expression `ext`. */
export function isOfExtension(catalog: string, oid: string): string {
  return `exists (select from ext where ext.classid ${EQ} 'pg_catalog.${catalog}'::pg_catalog.regclass and ext.objid ${EQ} ${oid})`
}

// Types that belong to an extension or to PostgreSQL itself, not to the customer.
const FOREIGN = `(n.nspname ${EQ} 'information_schema' or n.nspname ${EQ} 'pg_catalog' or ${isOfExtension('pg_type', 't.oid')})`

// Of every schema, since columns of the requested schemas may use them; the reader keeps those in use.
const ENUMS = `select ${OBJECT}('k', 'enum', 'schema', n.nspname, 'name', pg_catalog.format_type(t.oid, null),
  'labels', (select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum as e
    where e.enumtypid ${EQ} t.oid), 'comment', ${comment('pg_type', 't.oid')})
  from pg_catalog.pg_type as t join pg_catalog.pg_namespace as n on n.oid ${EQ} t.typnamespace
  where t.typtype ${EQ} 'e' and not ${FOREIGN}`

const DOMAINS = `select ${OBJECT}('k', 'domain', 'schema', n.nspname, 'name', pg_catalog.format_type(t.oid, null),
  'type', pg_catalog.format_type(t.typbasetype, t.typtypmod), 'notNull', t.typnotnull, 'default', ${cut('x.text')},
  'collation', ${collation('t.typcollation', 't.typbasetype')},
  'checks', (select pg_catalog.json_agg(${OBJECT}('name', o.conname, 'definition', ${cut('y.text')}))
    from pg_catalog.pg_constraint as o ${once('y', 'pg_catalog.pg_get_constraintdef(o.oid)')}
    where o.contypid ${EQ} t.oid and o.contype ${EQ} 'c'), 'comment', ${comment('pg_type', 't.oid')},
  'foreign', ${FOREIGN})
  from pg_catalog.pg_type as t join pg_catalog.pg_namespace as n on n.oid ${EQ} t.typnamespace
  ${once('x', 'pg_catalog.pg_get_expr(t.typdefaultbin, 0)')}
  where t.typtype ${EQ} 'd'`

const COMPOSITES = `select ${OBJECT}('k', 'composite', 'schema', n.nspname, 'name', pg_catalog.format_type(t.oid, null),
  'attributes', (select pg_catalog.json_agg(${OBJECT}('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'collation', ${collation('a.attcollation', 'a.atttypid')}) order by a.attnum) from pg_catalog.pg_attribute as a
    where a.attrelid ${EQ} c.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped),
  'comment', ${comment('pg_type', 't.oid')})
  from pg_catalog.pg_class as c join pg_catalog.pg_type as t on t.oid ${EQ} c.reltype
  join pg_catalog.pg_namespace as n on n.oid ${EQ} c.relnamespace
  where c.relkind ${EQ} 'c' and not ${FOREIGN}`

const PROCEDURE = (oid: string) => `(select pg_catalog.concat(pg_catalog.quote_ident(fn.nspname), '.',
    pg_catalog.quote_ident(f.proname)) from pg_catalog.pg_proc as f join pg_catalog.pg_namespace as fn
  on fn.oid ${EQ} f.pronamespace where f.oid ${EQ} ${oid})`

// Multiranges exist since PostgreSQL 14: see OLDER. Only a name that differs from PostgreSQL's default is reported.
const MULTIRANGE = `(select case when m.typname ${NE} case when pg_catalog.strpos(t.typname::pg_catalog.text, 'range') ${EQ} 0
      then pg_catalog.concat(t.typname, '_multirange')
      else pg_catalog.regexp_replace(t.typname::pg_catalog.text, 'range', 'multirange') end
    then pg_catalog.format_type(m.oid, null) end
  from pg_catalog.pg_type as m where m.oid ${EQ} rngmultitypid)`

const RANGES = `select c.row from ${OLDER} cross join lateral (
  select ${OBJECT}('k', 'range', 'schema', n.nspname, 'name', pg_catalog.format_type(t.oid, null),
    'type', pg_catalog.format_type(g.rngsubtype, null), 'collation', ${collation('g.rngcollation', 'g.rngsubtype')},
    'class', (select pg_catalog.concat(pg_catalog.quote_ident(cn.nspname), '.', pg_catalog.quote_ident(oc.opcname))
      from pg_catalog.pg_opclass as oc join pg_catalog.pg_namespace as cn on cn.oid ${EQ} oc.opcnamespace
      where oc.oid ${EQ} g.rngsubopc and not oc.opcdefault),
    'canonical', ${PROCEDURE('g.rngcanonical::pg_catalog.oid')},
    'difference', ${PROCEDURE('g.rngsubdiff::pg_catalog.oid')}, 'multirange', ${MULTIRANGE},
    'comment', ${comment('pg_type', 't.oid')})
  from pg_catalog.pg_range as g join pg_catalog.pg_type as t on t.oid ${EQ} g.rngtypid
  join pg_catalog.pg_namespace as n on n.oid ${EQ} t.typnamespace
  where not ${FOREIGN}) as c(row)`

const OWNER = `(select ${OBJECT}('relation', c.relname, 'column', a.attname) from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as c on c.oid ${EQ} d.refobjid
  join pg_catalog.pg_attribute as a on a.attrelid ${EQ} d.refobjid and a.attnum ${EQ} d.refobjsubid
  where d.classid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid ${EQ} seq.oid and d.deptype ${EQ} 'a'
    and d.refclassid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass)`

const SEQUENCES = `select ${OBJECT}('k', 'sequence', 'schema', seq.nspname, 'name', seq.relname,
  'type', pg_catalog.format_type(s.seqtypid, null), 'start', s.seqstart::pg_catalog.text,
  'increment', s.seqincrement::pg_catalog.text, 'min', s.seqmin::pg_catalog.text, 'max', s.seqmax::pg_catalog.text,
  'cache', s.seqcache::pg_catalog.text, 'cycle', s.seqcycle, 'unlogged', seq.relpersistence ${EQ} 'u', 'ownedBy', ${OWNER},
  'comment', ${comment('pg_class', 'seq.oid')})
  from seq join pg_catalog.pg_sequence as s on s.seqrelid ${EQ} seq.oid
  where seq.visible`

const AGGREGATE = `(select pg_catalog.concat(a.aggkind, a.aggnumdirectargs, ' ', a.aggtransfn, ' ', a.aggfinalfn, a.aggfinalextra,
    a.aggfinalmodify, ' ', a.aggcombinefn, ' ', a.aggmtransfn, ' ', a.aggminvtransfn, ' ', a.aggmfinalfn, ' ',
    a.aggsortop::pg_catalog.regoperator, ' ', pg_catalog.format_type(a.aggtranstype, null), ' ', a.agginitval)
  from pg_catalog.pg_aggregate as a where a.aggfnoid ${EQ} p.oid)`

// For a body stored as a parse tree, `prosrc` is empty (14 and later). A function in C is a symbol in a file.
const BODY = `pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(case when p.prokind ${EQ} 'a' then ${AGGREGATE}
  when p.prosrc ${EQ} '' then pg_catalog.pg_get_functiondef(p.oid)
  when p.probin is not null then pg_catalog.concat(p.prosrc, ' ', p.probin) else p.prosrc end)), 'hex')`

// Values of settings may be secrets.
const SETTINGS = `(select pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(
    pg_catalog.string_agg(c.setting, ', ' order by c.at))), 'hex')
  from pg_catalog.unnest(p.proconfig) with ordinality as c(setting, at)
  where not pg_catalog.starts_with(c.setting, 'search_path='))`

const SEARCH_PATH = `(select pg_catalog.substr(c.setting, 13) from pg_catalog.unnest(p.proconfig) as c(setting)
  where pg_catalog.starts_with(c.setting, 'search_path='))`

// The types of the input parameters: together with the name they identify a function, and every major formats them
// alike.
const SIGNATURE = `(select pg_catalog.concat(pg_catalog.string_agg(pg_catalog.format_type(s.type, null), ', ' order by s.at))
  from pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as s(type, at))`

// The constructors of a range are created with it.
const IS_OF_RANGE = `exists (select from pg_catalog.pg_depend as d
  where d.classid ${EQ} 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid ${EQ} p.oid and d.deptype ${EQ} 'i')`

const FUNCTIONS = `select ${OBJECT}('k', 'function', 'schema', ns.nspname, 'name', p.proname, 'kind', p.prokind,
  'identity', ${cut('i.text')}, 'arguments', ${cut('a.text')}, 'result', ${cut('r.text')}, 'language', l.lanname,
  'volatility', p.provolatile, 'definer', p.prosecdef, 'strict', p.proisstrict, 'leakproof', p.proleakproof,
  'parallel', p.proparallel, 'set', ${SETTINGS}, 'path', ${cut('s.text')}, 'body', ${BODY},
  'may', coalesce(pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), false), 'comment', ${comment('pg_proc', 'p.oid')})
  from ns join pg_catalog.pg_proc as p on p.pronamespace ${EQ} ns.oid
  join pg_catalog.pg_language as l on l.oid ${EQ} p.prolang
  ${once('i', SIGNATURE)}
  ${once('a', 'pg_catalog.pg_get_function_arguments(p.oid)')} ${once('r', 'pg_catalog.pg_get_function_result(p.oid)')}
  ${once('s', SEARCH_PATH)}
  where ns.usable and not ${isOfExtension('pg_proc', 'p.oid')} and not ${IS_OF_RANGE}`

// The schemas of a publication (15 and later) are found through its dependencies: 6237 is pg_publication_namespace,
// 6104 is pg_publication; a query must not name a catalog that PostgreSQL 13 lacks.
const PUBLISHED_SCHEMAS = `(select pg_catalog.json_agg(sn.nspname order by sn.nspname) from pg_catalog.pg_depend as d
  join pg_catalog.pg_depend as e on e.classid ${EQ} 6237 and e.objid ${EQ} d.objid
    and e.refclassid ${EQ} 'pg_catalog.pg_namespace'::pg_catalog.regclass
  join pg_catalog.pg_namespace as sn on sn.oid ${EQ} e.refobjid
  where d.classid ${EQ} 6237 and d.refclassid ${EQ} 6104 and d.refobjid ${EQ} p.oid)`

// Publications of generated columns exist since PostgreSQL 18: see OLDER.
const PUBLICATIONS = `select c.row from ${OLDER} cross join lateral (select ${OBJECT}('k', 'publication', 'name', p.pubname, 'all', p.puballtables, 'insert', p.pubinsert,
  'update', p.pubupdate, 'delete', p.pubdelete, 'truncate', p.pubtruncate, 'root', p.pubviaroot,
  'generated', pubgencols ${EQ} 's', 'schemas', ${PUBLISHED_SCHEMAS})
  from pg_catalog.pg_publication as p) as c(row)`

const SERVERS = `select ${OBJECT}('k', 'server', 'name', s.srvname, 'wrapper', w.fdwname,
  'extension', (select e.extname from ext join pg_catalog.pg_extension as e on e.oid ${EQ} ext.refobjid
    where ext.classid ${EQ} 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass and ext.objid ${EQ} w.oid),
  'handled', w.fdwhandler ${NE} 0)
  from pg_catalog.pg_foreign_server as s join pg_catalog.pg_foreign_data_wrapper as w on w.oid ${EQ} s.srvfdw
  where s.oid ${EQ} any (select f.ftserver from pg_catalog.pg_foreign_table as f)`

const MEMBERS = `select ${OBJECT}('k', 'member', 'extension', e.extname, 'of', 'relation', 'schema', n.nspname, 'name', c.relname)
  from ext join pg_catalog.pg_extension as e on e.oid ${EQ} ext.refobjid join pg_catalog.pg_class as c on c.oid ${EQ} ext.objid
  join pg_catalog.pg_namespace as n on n.oid ${EQ} c.relnamespace
  where ext.classid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and c.relkind ${EQ} any (${flags('rpfvmS')})`

const MEMBER_TYPES = `select ${OBJECT}('k', 'member', 'extension', e.extname, 'of', 'type', 'schema', n.nspname,
    'name', pg_catalog.format_type(t.oid, null))
  from ext join pg_catalog.pg_extension as e on e.oid ${EQ} ext.refobjid join pg_catalog.pg_type as t on t.oid ${EQ} ext.objid
  join pg_catalog.pg_namespace as n on n.oid ${EQ} t.typnamespace
  where ext.classid ${EQ} 'pg_catalog.pg_type'::pg_catalog.regclass and t.typtype ${EQ} any (${flags('bdecrm')})
    and t.typcategory ${NE} 'A' and t.typrelid ${EQ} 0`

/** The parts of the catalog query in this file. */
export const DATABASE_PARTS: readonly string[] = [
  ENUMS,
  DOMAINS,
  COMPOSITES,
  RANGES,
  SEQUENCES,
  FUNCTIONS,
  PUBLICATIONS,
  SERVERS,
  MEMBERS,
  MEMBER_TYPES,
]
