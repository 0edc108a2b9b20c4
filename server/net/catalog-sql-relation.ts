/**
 * The part of the catalog query that describes one relation `r` of the common table expression `rel`, as one JSON text.
 *
 * What a column has most often stands in parallel arrays and what it has seldom in maps by its number: half the time and
 * bytes of an object for each column. It must keep to the rules of `catalog-sql.ts`. Only `catalog.ts` uses it.
 */
import { cut, EQ, flags, GT, NE, OBJECT, once } from './catalog-sql.ts'
import { collation } from './catalog-sql-object.ts'

// As in information_schema, a column on which the role has no permission at all is not there.
const COLUMN_SEEN = `(not r.partly or pg_catalog.has_column_privilege(r.oid, a.attnum, 'SELECT, INSERT, UPDATE'))`

const COLUMNS = `(select pg_catalog.json_build_array(pg_catalog.array_agg(a.attnum), pg_catalog.array_agg(a.attname),
    pg_catalog.array_agg(a.type), pg_catalog.array_agg(a.flags),
    pg_catalog.json_object_agg(a.attnum, a.collation) filter (where a.collation is not null),
    pg_catalog.json_object_agg(a.attnum, a.may) filter (where a.may is not null))
  from (select a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
      pg_catalog.concat(case when a.attnotnull then 'n' end, a.attidentity, a.attgenerated) as flags,
      ${collation('a.attcollation', 'a.atttypid')} as collation,
      case when a.attacl is not null then pg_catalog.concat(
        case when pg_catalog.has_column_privilege(r.oid, a.attnum, 'SELECT') then 's' end,
        case when pg_catalog.has_column_privilege(r.oid, a.attnum, 'INSERT') then 'i' end,
        case when pg_catalog.has_column_privilege(r.oid, a.attnum, 'UPDATE') then 'u' end) end as may
    from pg_catalog.pg_attribute as a
    where a.attrelid ${EQ} r.oid and a.attnum ${GT} 0 and not a.attisdropped and ${COLUMN_SEEN}
    order by a.attnum) as a)`

const CONCEALED = `case when r.partly then (select pg_catalog.count(*) from pg_catalog.pg_attribute as a
  where a.attrelid ${EQ} r.oid and a.attnum ${GT} 0 and not a.attisdropped and not ${COLUMN_SEEN}) else 0 end`

const DEFAULTS = `(select pg_catalog.json_object_agg(d.adnum, ${cut('x.text')})
  from pg_catalog.pg_attrdef as d ${once('x', 'pg_catalog.pg_get_expr(d.adbin, d.adrelid)')}
  where d.adrelid ${EQ} r.oid)`

const COMMENTS = `(select pg_catalog.json_object_agg(d.objsubid, ${cut('d.description')})
  from pg_catalog.pg_description as d
  where d.objoid ${EQ} r.oid and d.classoid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass)`

const REFERENCES = `case when o.contype ${EQ} 'f' then (
    select ${OBJECT}('schema', fn.nspname, 'relation', fc.relname, 'update', o.confupdtype, 'delete', o.confdeltype,
      'columns', array(select (select fa.attname from pg_catalog.pg_attribute as fa
        where fa.attrelid ${EQ} o.confrelid and fa.attnum ${EQ} k.number) from pg_catalog.unnest(o.confkey) as k(number)))
    from pg_catalog.pg_class as fc join pg_catalog.pg_namespace as fn on fn.oid ${EQ} fc.relnamespace
    where fc.oid ${EQ} o.confrelid) end`

// A primary key says something beyond its columns when it is deferrable, includes columns, or has another access method
// than the B-tree (403), as WITHOUT OVERLAPS of PostgreSQL 18 does. The rows of a foreign key to the partitions of what
// it refers to have a parent.
const CONSTRAINTS = `(select pg_catalog.json_agg(${OBJECT}('name', o.conname, 'kind', o.contype, 'columns', o.conkey,
    'references', ${REFERENCES}, 'definition', ${cut('x.text')}))
  from pg_catalog.pg_constraint as o
  ${once(
    'x',
    `case when o.contype ${NE} 'p' or o.condeferrable or exists (select from pg_catalog.pg_index as i
      join pg_catalog.pg_class as ic on ic.oid ${EQ} i.indexrelid
      where i.indexrelid ${EQ} o.conindid and (i.indnatts ${NE} i.indnkeyatts or ic.relam ${NE} 403))
    then pg_catalog.pg_get_constraintdef(o.oid) end`,
  )}
  where o.conrelid ${EQ} r.oid and o.conparentid ${EQ} 0 and o.contype ${EQ} any (${flags('pufcx')}))`

// The columns of an index, for a relation that is seen in part; null when all is seen or they hide in an expression.
const INDEXED = `case when r.partly then case when i.indpred is null then i.indkey::pg_catalog.int2[] else
  array[0]::pg_catalog.int2[] end end`

const INDEXES = `(select pg_catalog.json_agg(${OBJECT}('name', ic.relname, 'definition', ${cut('x.text')},
    'unique', i.indisunique, 'valid', i.indisvalid, 'about', ${INDEXED}))
  from pg_catalog.pg_index as i join pg_catalog.pg_class as ic on ic.oid ${EQ} i.indexrelid
  ${once('x', 'pg_catalog.pg_get_indexdef(i.indexrelid)')}
  where i.indrelid ${EQ} r.oid and not i.indisprimary and not ((i.indisunique or i.indisexclusion) and exists (
    select from pg_catalog.pg_constraint as o
    where o.conindid ${EQ} i.indexrelid and o.conrelid ${EQ} r.oid and o.contype ${EQ} any (${flags('ux')}))))`

const ROLES = `(select pg_catalog.json_agg(case when u.role ${EQ} 0 then 'public'::pg_catalog.name
    else pg_catalog.pg_get_userbyid(u.role) end) from pg_catalog.unnest(p.polroles) as u(role))`

const POLICIES = `(select pg_catalog.json_agg(${OBJECT}('name', p.polname, 'command', p.polcmd,
    'permissive', p.polpermissive, 'roles', ${ROLES}, 'using', ${cut('q.text')}, 'check', ${cut('w.text')}))
  from pg_catalog.pg_policy as p
  ${once('q', 'pg_catalog.pg_get_expr(p.polqual, p.polrelid)')}
  ${once('w', 'pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)')}
  where p.polrelid ${EQ} r.oid)`

const SERVER = `case when r.relkind ${EQ} 'f' then (select s.srvname from pg_catalog.pg_foreign_table as f
  join pg_catalog.pg_foreign_server as s on s.oid ${EQ} f.ftserver where f.ftrelid ${EQ} r.oid) end`

const QUERY = `case when r.relkind ${EQ} any (${flags('vm')}) then
  (select ${cut('x.text')} from (select pg_catalog.pg_get_viewdef(r.oid) as text offset 0) as x) end`

/** A JSON object for each visible relation; `tree` holds the sums over the partitions of those that have them. */
export const RELATIONS = `select ${OBJECT}('k', 'relation', 'schema', r.nspname, 'name', r.relname, 'kind', r.relkind,
  'may', r.may, 'secured', r.relrowsecurity, 'forced', r.relforcerowsecurity,
  'rows', case when r.relkind ${EQ} 'p' then tree.rows else r.reltuples end,
  'bytes', case when r.relkind ${EQ} 'p' then tree.pages else r.pages end
    operator(pg_catalog.*) pg_catalog.current_setting('block_size')::pg_catalog.int8,
  'partitions', tree.partitions,
  'columns', ${COLUMNS}, 'concealed', ${CONCEALED}, 'defaults', ${DEFAULTS}, 'comments', ${COMMENTS}, 'constraints', ${CONSTRAINTS},
  'indexes', ${INDEXES}, 'policies', ${POLICIES}, 'server', ${SERVER}, 'query', ${QUERY},
  'partitionKey', case when r.relkind ${EQ} 'p' then pg_catalog.pg_get_partkeydef(r.oid) end)
from rel as r left join tree on tree.root ${EQ} r.oid
where r.visible`
