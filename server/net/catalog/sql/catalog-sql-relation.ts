/**
 * The parts of the catalog query that describe the relations of the common table expression `rel`: one row per relation
 * and kind of property.
 *
 * Common properties of columns are in parallel arrays and rare ones in maps by column number. On a fresh connection
 * look-up functions are by far the most expensive: nothing is deparsed unnecessarily. It must follow the rules of
 * `catalog-sql.ts`. Only `catalog.ts` uses it.
 */
import { cut, EQ, flags, NE, OBJECT, once, rows } from './catalog-sql.ts'
import { collation } from './catalog-sql-object.ts'

const SERVER = `case when r.relkind ${EQ} 'f' then (select s.srvname from pg_catalog.pg_foreign_table as f
  join pg_catalog.pg_foreign_server as s on s.oid ${EQ} f.ftserver where f.ftrelid ${EQ} r.oid) end`

const QUERY = `case when r.relkind ${EQ} any (${flags('vm')}) then
  (select ${cut('x.text')} from (select pg_catalog.pg_get_viewdef(r.oid) as text offset 0) as x) end`

const PARTITION_KEY = `case when r.relkind ${EQ} 'p' then
  (select ${cut('x.text')} from (select pg_catalog.pg_get_partkeydef(r.oid) as text offset 0) as x) end`

// `tree` holds the sums over the partitions of partitioned tables.
const RELATIONS =
  rows(`select 'relation' as k, r.oid as id, r.nspname as schema, r.relname as name, r.relkind as kind, r.may,
    r.partly, r.relrowsecurity as secured, r.relforcerowsecurity as forced,
    case when r.relkind ${EQ} 'p' then tree.rows else r.reltuples end as rows,
    case when r.relkind ${EQ} 'p' then tree.pages else r.pages end
      operator(pg_catalog.*) pg_catalog.current_setting('block_size')::pg_catalog.int8 as bytes,
    tree.partitions, ${SERVER} as server, ${QUERY} as query,
    ${PARTITION_KEY} as "partitionKey",
    case when r.relkind ${EQ} 'v' then pg_catalog.array_to_string(r.reloptions, ', ') end as options
  from rel as r left join tree on tree.root ${EQ} r.oid
  where r.visible`)

const permission = (privilege: string, letter: string) =>
  `case when pg_catalog.has_column_privilege(a.attrelid, a.attnum, '${privilege}') then '${letter}' end`

// As in information_schema, columns on which the role has no privilege at all are omitted.
const COLUMNS = `select c.row from rel as r cross join lateral (
  select ${OBJECT}('k', 'columns', 'id', r.oid, 'numbers', pg_catalog.array_agg(a.attnum),
    'names', pg_catalog.array_agg(a.attname), 'types', pg_catalog.array_agg(a.type), 'flags', pg_catalog.array_agg(a.flags),
    'collations', pg_catalog.json_object_agg(a.attnum, a.collation) filter (where a.collation is not null),
    'may', pg_catalog.json_object_agg(a.attnum, a.granted) filter (where a.granted is not null))
  from (select a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
      pg_catalog.concat(case when a.attnotnull then 'n' end, a.attidentity, a.attgenerated) as flags,
      ${collation('a.attcollation', 'a.atttypid')} as collation,
      case when a.attacl is not null then pg_catalog.concat(${permission('SELECT', 's')}, ${permission('INSERT', 'i')},
        ${permission('UPDATE', 'u')}) end as granted
    from pg_catalog.pg_attribute as a
    where a.attrelid ${EQ} r.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
      and (not r.partly or pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT, INSERT, UPDATE'))
    order by a.attnum) as a) as c(row)
  where r.visible`

// Only an expression that names columns needs its relation, which pg_get_expr then opens and locks; the tree holds a
// text constant as bytes.
const DEFAULTS = `select ${OBJECT}('k', 'defaults', 'id', d.adrelid,
    'texts', pg_catalog.json_object_agg(d.adnum, ${cut('x.text')}))
  from rel as r join pg_catalog.pg_attrdef as d on d.adrelid ${EQ} r.oid
  ${once(
    'x',
    `pg_catalog.pg_get_expr(d.adbin, case when pg_catalog.strpos(d.adbin::pg_catalog.text, '{VAR ') ${EQ} 0 then 0
      else d.adrelid end)`,
  )}
  where r.visible
  group by d.adrelid`

const COMMENTS = `select ${OBJECT}('k', 'comments', 'id', d.objoid,
    'texts', pg_catalog.json_object_agg(d.objsubid, ${cut('d.description')}))
  from rel as r join pg_catalog.pg_description as d on d.objoid ${EQ} r.oid
  where r.visible and d.classoid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass
  group by d.objoid`

// The name of a target that is not described itself; the reader knows the names of the others.
const TARGET = `case when o.contype ${EQ} 'f' and t.oid is null then (
    select ${OBJECT}('schema', fn.nspname, 'relation', fc.relname, 'columns', array(
      select (select fa.attname from pg_catalog.pg_attribute as fa where fa.attrelid ${EQ} fc.oid and fa.attnum ${EQ} k.number)
      from pg_catalog.unnest(o.confkey) as k(number)))
    from pg_catalog.pg_class as fc join pg_catalog.pg_namespace as fn on fn.oid ${EQ} fc.relnamespace
    where fc.oid ${EQ} o.confrelid) end`

// A key is plain if its columns define it completely, a foreign key if its columns, its target and its actions do.
const IS_PLAIN = `case when o.contype ${EQ} any (${flags('pu')}) then
      not (o.condeferrable or conperiod or i.indnatts ${NE} i.indnkeyatts or indnullsnotdistinct)
    when o.contype ${EQ} 'f' then o.confmatchtype ${EQ} 's' and o.convalidated and not o.condeferrable
      and confdelsetcols is null and conenforced and not conperiod
    else false end`

/**
 * Columns that only later versions have (14: rngmultitypid; 15: confdelsetcols, indnullsnotdistinct, prattrs, prqual,
 * colliculocale; 16: collicurules; 17: colllocale; 18: conperiod, conenforced, pubgencols) are used without an alias:
 * if the catalog lacks one, the name resolves to the default in `older`, one query level further out.
 */
export const OLDER = `(select null::pg_catalog.oid as rngmultitypid, null::pg_catalog.int2[] as confdelsetcols, false as indnullsnotdistinct, false as conperiod,
  true as conenforced, null::pg_catalog.int2[] as prattrs, null::pg_catalog.pg_node_tree as prqual,
  null::pg_catalog.text as colliculocale, null::pg_catalog.text as colllocale, null::pg_catalog.text as collicurules,
  'n'::pg_catalog."char" as pubgencols) as older`

// The rows that link a foreign key to the partitions of its target have a parent: they are not constraints of their
// own. In a partition that is listed by itself, such a row has a parent on another table, with the same target.
const OWN = `(o.conparentid ${EQ} 0 or r.relispartition and exists (select from pg_catalog.pg_constraint as above
  where above.oid ${EQ} o.conparentid and above.conrelid ${NE} o.conrelid and above.confrelid ${EQ} o.confrelid))`

const CONSTRAINTS = `select c.row from ${OLDER} cross join lateral (
  select ${OBJECT}('k', 'constraints', 'id', o.id, 'constraints', pg_catalog.json_agg(o)) from (
    select o.conrelid as id, o.conname as name, o.contype as kind, o.conkey as numbers, o.confrelid as "targetId",
      o.confkey as "targetNumbers", ${TARGET} as target, o.confupdtype as update, o.confdeltype as delete,
      ${cut('x.text')} as definition
    from rel as r join pg_catalog.pg_constraint as o on o.conrelid ${EQ} r.oid
    left join pg_catalog.pg_index as i on i.indexrelid ${EQ} o.conindid
    left join rel as t on t.oid ${EQ} o.confrelid and t.visible and not t.partly
    ${once('x', `case when not (${IS_PLAIN}) then pg_catalog.pg_get_constraintdef(o.oid) end`)}
    where r.visible and ${OWN} and o.contype ${EQ} any (${flags('pufcx')})) as o
  group by o.id) as c(row)`

// The columns of an index, for a relation that is only partly visible; null if it is fully visible or an expression
// hides them.
const INDEXED = `case when r.partly then case when i.indpred is null then i.indkey::pg_catalog.int2[] else
  array[0]::pg_catalog.int2[] end end`

// A column that is indexed in the plain way, else null; on varchar (1043) the operators for `text` (25) are the
// defaults too. Each type's default operators come from one hash: looking them up per index, or joining them, would be
// the most expensive part.
const PLAIN_COLUMN = `(select pg_catalog.quote_ident(a.attname) from pg_catalog.pg_attribute as a
  where a.attrelid ${EQ} i.indrelid and a.attnum ${EQ} i.indkey[k.at] and i.indoption[k.at] ${EQ} 0
    and i.indcollation[k.at] ${EQ} a.attcollation
    and case when (i.indclass[k.at], case when a.atttypid ${EQ} 1043 then 25::pg_catalog.oid else a.atttypid end) ${EQ} any (
      select oc.oid, oc.opcintype from pg_catalog.pg_opclass as oc where oc.opcdefault) then true else false end)`

const PLAIN_COLUMNS = `case when i.indexprs is null and i.indpred is null and i.indnatts ${EQ} i.indnkeyatts
    and ic.relam ${EQ} 403 and ic.reloptions is null and not indnullsnotdistinct then (
  select case when pg_catalog.count(l.name) ${EQ} i.indnatts then pg_catalog.string_agg(l.name, ', ') end
  from (select ${PLAIN_COLUMN} as name
    from (select pg_catalog.generate_series(0, i.indnatts operator(pg_catalog.-) 1) as at) as k offset 0) as l) end`

// The text of a plain B-tree index (403) is composed here: pg_get_indexdef makes ten look-ups for each.
const INDEX_TEXT = `case when p.text is null then pg_catalog.pg_get_indexdef(i.indexrelid) else pg_catalog.concat('CREATE ',
    case when i.indisunique then 'UNIQUE ' end, 'INDEX ', pg_catalog.quote_ident(ic.relname), ' ON ',
    case when ic.relkind ${EQ} 'I' then 'ONLY ' end, pg_catalog.quote_ident(r.nspname), '.',
    pg_catalog.quote_ident(r.relname), ' USING btree (', p.text, ')') end`

const INDEXES = `select c.row from ${OLDER} cross join lateral (
  select ${OBJECT}('k', 'indexes', 'id', i.id, 'indexes', pg_catalog.json_agg(i)) from (
    select i.indrelid as id, ic.relname as name, ${cut('x.text')} as definition, i.indisunique as unique,
      i.indisvalid as valid, ${INDEXED} as about
    from rel as r join pg_catalog.pg_index as i on i.indrelid ${EQ} r.oid
    join pg_catalog.pg_class as ic on ic.oid ${EQ} i.indexrelid
    left join pg_catalog.pg_constraint as o on o.conindid ${EQ} i.indexrelid and o.conrelid ${EQ} i.indrelid
      and o.contype ${EQ} any (${flags('pux')})
    ${once('p', PLAIN_COLUMNS)} ${once('x', INDEX_TEXT)}
    where r.visible and o.oid is null) as i
  group by i.id) as c(row)`

const ROLES = `(select pg_catalog.json_agg(case when u.role ${EQ} 0 then 'public'::pg_catalog.name
    else pg_catalog.pg_get_userbyid(u.role) end) from pg_catalog.unnest(p.polroles) as u(role))`

const POLICIES = `select ${OBJECT}('k', 'policies', 'id', p.polrelid, 'policies', pg_catalog.json_agg(
    ${OBJECT}('name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive, 'roles', ${ROLES},
      'using', ${cut('q.text')}, 'check', ${cut('w.text')})))
  from rel as r join pg_catalog.pg_policy as p on p.polrelid ${EQ} r.oid
  ${once('q', 'pg_catalog.pg_get_expr(p.polqual, p.polrelid)')}
  ${once('w', 'pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)')}
  where r.visible
  group by p.polrelid`

/** The relations and their columns, in the order in which the reader can use them at once. */
export const RELATION_PARTS: readonly string[] = [RELATIONS, COLUMNS, DEFAULTS, COMMENTS]

/**
 * The last parts of relations: the reader serialises each relation when its indexes arrive, and again if more follows.
 */
export const KEY_PARTS: readonly string[] = [POLICIES, CONSTRAINTS, INDEXES]
