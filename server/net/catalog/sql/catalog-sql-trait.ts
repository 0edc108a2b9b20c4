/**
 * The parts of the catalog query that describe rare properties of the relations of the common table expression `rel`:
 * each returns rows only for relations that have the property.
 *
 * Arguments and bodies of triggers and functions may contain secrets (a webhook's key): only their SHA-256 leaves the
 * server. It must follow the rules of `catalog-sql.ts`. Only `catalog.ts` uses it.
 */
import { cut, EQ, flags, NE, OBJECT, once } from './catalog-sql.ts'
import { OLDER } from './catalog-sql-relation.ts'

/** A schema-qualified name in SQL syntax. */
const qualifiedName = (schema: string, name: string) =>
  `pg_catalog.concat(pg_catalog.quote_ident(${schema}), '.', pg_catalog.quote_ident(${name}))`

const PARENTS = `(select pg_catalog.json_agg(${OBJECT}('schema', pn.nspname, 'name', pc.relname) order by i.inhseqno)
  from pg_catalog.pg_inherits as i join pg_catalog.pg_class as pc on pc.oid ${EQ} i.inhparent
  join pg_catalog.pg_namespace as pn on pn.oid ${EQ} pc.relnamespace where i.inhrelid ${EQ} r.oid)`

// Storage settings; a view's are reported with the view. Those of the TOAST table are separate.
const STORAGE = `case when r.relkind ${NE} 'v' then pg_catalog.concat_ws(', ', pg_catalog.array_to_string(r.reloptions, ', '),
    (select pg_catalog.string_agg(pg_catalog.concat('toast.', u.text), ', ') from pg_catalog.pg_class as h
      join pg_catalog.pg_class as t on t.oid ${EQ} h.reltoastrelid
      cross join lateral pg_catalog.unnest(t.reloptions) as u(text) where h.oid ${EQ} r.oid)) end`

const TRAITS = `select ${OBJECT}('k', 'traits', 'id', r.oid, 'unlogged', r.relpersistence ${EQ} 'u',
    'identity', case when r.relkind ${EQ} any (${flags('rpm')}) then r.relreplident else 'd'::pg_catalog."char" end, 'index', (select ic.relname from pg_catalog.pg_index as i
      join pg_catalog.pg_class as ic on ic.oid ${EQ} i.indexrelid where i.indrelid ${EQ} r.oid and i.indisreplident),
    'parents', ${PARENTS}, 'bound', case when r.relispartition then ${cut('b.text')} end,
    'options', (select f.ftoptions from pg_catalog.pg_foreign_table as f where f.ftrelid ${EQ} r.oid),
    'ofType', (select pg_catalog.format_type(c.reloftype, null) from pg_catalog.pg_class as c
      where c.oid ${EQ} r.oid and c.reloftype ${NE} 0),
    'storage', ${STORAGE},
    'columnOptions', case when r.relkind ${EQ} 'f' then (select pg_catalog.json_object_agg(a.attnum, a.attfdwoptions)
      from pg_catalog.pg_attribute as a where a.attrelid ${EQ} r.oid and a.attfdwoptions is not null
        and not a.attisdropped) end)
  from rel as r cross join lateral (select case when r.relispartition then (
    select pg_catalog.pg_get_expr(c.relpartbound, c.oid) from pg_catalog.pg_class as c where c.oid ${EQ} r.oid) end as text
    offset 0) as b
  where r.visible and (r.relpersistence ${EQ} 'u' or r.relkind ${EQ} 'f'
    or r.relreplident ${NE} 'd' and r.relkind ${EQ} any (${flags('rpm')})
    or r.typed or r.relkind ${NE} 'v' and r.reloptions is not null or r.toasted
    or exists (select from pg_catalog.pg_inherits as i where i.inhrelid ${EQ} r.oid))`

const own = (kind: string, name: string, definition: string) =>
  `select ${OBJECT}('kind', '${kind}', 'name', ${name}, 'definition', ${definition}) as row`

/** The properties of a partition that do not come from its table. `c` is the partition. */
const OWN_PARTS = `(select pg_catalog.json_agg(o.row) from (
    ${own('constraint', 'k.conname', cut('x.text'))} from pg_catalog.pg_constraint as k
      ${once('x', 'pg_catalog.pg_get_constraintdef(k.oid)')}
      where k.conrelid ${EQ} c.oid and k.coninhcount ${EQ} 0 and k.conparentid ${EQ} 0 and k.contype ${EQ} any (${flags('pufcx')})
    union all ${own('index', 'ic.relname', cut('x.text'))} from pg_catalog.pg_index as i
      join pg_catalog.pg_class as ic on ic.oid ${EQ} i.indexrelid and not ic.relispartition
      ${once('x', 'pg_catalog.pg_get_indexdef(i.indexrelid)')}
      where i.indrelid ${EQ} c.oid and not exists (select from pg_catalog.pg_constraint as k where k.conindid ${EQ} i.indexrelid
        and k.conrelid ${EQ} c.oid and k.contype ${EQ} any (${flags('pux')}))
    union all ${own('trigger', 't.tgname', 'null')} from pg_catalog.pg_trigger as t
      where t.tgrelid ${EQ} c.oid and not t.tgisinternal and t.tgparentid ${EQ} 0
    union all ${own('policy', 'p.polname', 'null')} from pg_catalog.pg_policy as p where p.polrelid ${EQ} c.oid
    union all ${own('publication', 'p.pubname', 'null')} from pg_catalog.pg_publication_rel as q
      join pg_catalog.pg_publication as p on p.oid ${EQ} q.prpubid where q.prrelid ${EQ} c.oid
    union all ${own('rule', 'w.rulename', 'null')} from pg_catalog.pg_rewrite as w where w.ev_class ${EQ} c.oid
    union all ${own('default', 'a.attname', cut('x.text'))} from pg_catalog.pg_attribute as a
      join pg_catalog.pg_attribute as b on b.attrelid ${EQ} part.parent and b.attname ${EQ} a.attname and not b.attisdropped
      left join pg_catalog.pg_attrdef as d on d.adrelid ${EQ} a.attrelid and d.adnum ${EQ} a.attnum
      left join pg_catalog.pg_attrdef as e on e.adrelid ${EQ} b.attrelid and e.adnum ${EQ} b.attnum
      ${once('x', 'pg_catalog.pg_get_expr(d.adbin, d.adrelid)')} ${once('y', 'pg_catalog.pg_get_expr(e.adbin, e.adrelid)')}
      where a.attrelid ${EQ} c.oid and not a.attisdropped and a.attgenerated ${EQ} '' and (d.oid is not null or e.oid is not null)
        and coalesce(x.text, '') ${NE} coalesce(y.text, '')
    union all ${own('not null', 'a.attname', 'null')} from pg_catalog.pg_attribute as a
      join pg_catalog.pg_attribute as b on b.attrelid ${EQ} part.parent and b.attname ${EQ} a.attname and not b.attisdropped
      where a.attrelid ${EQ} c.oid and a.attnotnull and not b.attnotnull and not a.attisdropped
        and a.attnum operator(pg_catalog.>) 0
        and not exists (select from pg_catalog.pg_constraint as k where k.conrelid ${EQ} c.oid and k.contype ${EQ} 'p'
          and a.attnum ${EQ} any (k.conkey))
    union all ${own('comment', "''", cut('m.description'))} from pg_catalog.pg_description as m
      where m.objoid ${EQ} c.oid and m.classoid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and m.objsubid ${EQ} 0
    union all ${own('storage', "''", cut('x.text'))} from (select pg_catalog.array_to_string(c.reloptions, ', ') as text) as x
      where x.text is not null
    union all ${own('replica identity', "''", 'c.relreplident::pg_catalog.text')} from (select) as x
      where c.relreplident ${NE} 'd' and c.relkind ${NE} 'f'
    union all ${own('row security', "''", 'null')} from (select) as x where c.relrowsecurity) as o)`

const PARTITIONS = `select ${OBJECT}('k', 'partition', 'id', part.root, 'name', ${qualifiedName('n.nspname', 'c.relname')},
    'of', case when part.parent ${NE} part.root then (select ${qualifiedName('un.nspname', 'u.relname')}
      from pg_catalog.pg_class as u join pg_catalog.pg_namespace as un on un.oid ${EQ} u.relnamespace
      where u.oid ${EQ} part.parent) end,
    'bound', ${cut('b.text')}, 'key', ${cut('k.text')}, 'unlogged', c.relpersistence ${EQ} 'u',
    'server', (select s.srvname from pg_catalog.pg_foreign_table as f
      join pg_catalog.pg_foreign_server as s on s.oid ${EQ} f.ftserver where f.ftrelid ${EQ} c.oid),
    'options', (select f.ftoptions from pg_catalog.pg_foreign_table as f where f.ftrelid ${EQ} c.oid),
    'own', ${OWN_PARTS})
  from part join rel on rel.oid ${EQ} part.root and rel.visible join pg_catalog.pg_class as c on c.oid ${EQ} part.oid
  join pg_catalog.pg_namespace as n on n.oid ${EQ} c.relnamespace
  ${once('b', 'pg_catalog.pg_get_expr(c.relpartbound, c.oid)')}
  ${once('k', `case when c.relkind ${EQ} 'p' then pg_catalog.pg_get_partkeydef(c.oid) end`)}`

// The sequence of an identity column, if its settings differ from the defaults.
const IDENTITIES = `select ${OBJECT}('k', 'identity', 'id', a.attrelid, 'number', a.attnum,
    'start', s.seqstart::pg_catalog.text, 'increment', s.seqincrement::pg_catalog.text,
    'min', s.seqmin::pg_catalog.text, 'max', s.seqmax::pg_catalog.text, 'cache', s.seqcache::pg_catalog.text,
    'cycle', s.seqcycle)
  from pg_catalog.pg_sequence as s join pg_catalog.pg_depend as d on d.classid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.objid ${EQ} s.seqrelid and d.deptype ${EQ} 'i' and d.refclassid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass
  join rel as r on r.oid ${EQ} d.refobjid and r.visible
  join pg_catalog.pg_attribute as a on a.attrelid ${EQ} d.refobjid and a.attnum ${EQ} d.refobjsubid
    and a.attidentity ${NE} ''
  where s.seqstart ${NE} 1 or s.seqincrement ${NE} 1 or s.seqmin ${NE} 1 or s.seqcache ${NE} 1 or s.seqcycle
    or s.seqmax ${NE} case when s.seqtypid ${EQ} 20 then 9223372036854775807 when s.seqtypid ${EQ} 21 then 32767
      else 2147483647 end`

const DETAIL = `case when t.tgnargs operator(pg_catalog.>) 0 or t.tgqual is not null or t.tgoldtable is not null or t.tgnewtable is not null
  then pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(pg_catalog.pg_get_triggerdef(t.oid))), 'hex') end`

const TRIGGERS = `select ${OBJECT}('k', 'triggers', 'id', t.tgrelid, 'triggers', pg_catalog.json_agg(
    ${OBJECT}('name', t.tgname, 'type', t.tgtype, 'enabled', t.tgenabled, 'function', ${qualifiedName('fn.nspname', 'f.proname')},
      'numbers', t.tgattr::pg_catalog.int2[], 'constraint', t.tgconstraint ${NE} 0, 'deferrable', t.tgdeferrable,
      'deferred', t.tginitdeferred, 'detail', ${DETAIL})))
  from rel as r join pg_catalog.pg_trigger as t on t.tgrelid ${EQ} r.oid
  join pg_catalog.pg_proc as f on f.oid ${EQ} t.tgfoid join pg_catalog.pg_namespace as fn on fn.oid ${EQ} f.pronamespace
  where r.visible and not t.tgisinternal and t.tgparentid ${EQ} 0
  group by t.tgrelid`

const RULES = `select ${OBJECT}('k', 'rules', 'id', w.ev_class, 'rules', pg_catalog.json_agg(
    ${OBJECT}('name', w.rulename, 'event', w.ev_type, 'instead', w.is_instead, 'enabled', w.ev_enabled,
      'definition', ${cut('x.text')})))
  from pg_catalog.pg_rewrite as w join rel as r on r.oid ${EQ} w.ev_class and r.visible
  ${once('x', 'pg_catalog.pg_get_ruledef(w.oid)')}
  where w.rulename ${NE} '_RETURN'
  group by w.ev_class`

// Row filters and column lists exist since PostgreSQL 15: see OLDER.
const PUBLISHED = `select c.row from ${OLDER} cross join lateral (
  select ${OBJECT}('k', 'published', 'id', i.id, 'publications', pg_catalog.json_agg(i)) from (
    select pr.prrelid as id, p.pubname as name, prattrs::pg_catalog.int2[] as numbers, ${cut('x.text')} as filter
    from pg_catalog.pg_publication_rel as pr join pg_catalog.pg_publication as p on p.oid ${EQ} pr.prpubid
    join rel as r on r.oid ${EQ} pr.prrelid and r.visible
    ${once('x', 'pg_catalog.pg_get_expr(prqual, pr.prrelid)')}) as i
  group by i.id) as c(row)`

// A not-null constraint that is not validated yet, or does not apply to inheriting tables (18); before 18, an
// inheriting table could drop its own.
const WEAK = `select ${OBJECT}('k', 'weak', 'id', o.conrelid, 'unvalidated', pg_catalog.array_agg(k.number), 'below', null)
  from pg_catalog.pg_constraint as o join rel as r on r.oid ${EQ} o.conrelid and r.visible
  cross join lateral pg_catalog.unnest(o.conkey) as k(number)
  where o.contype ${EQ} 'n' and not o.convalidated
  group by o.conrelid`

const BELOW = `select ${OBJECT}('k', 'weak', 'id', a.attrelid, 'unvalidated', null, 'below', pg_catalog.array_agg(a.attnum))
  from rel as r join pg_catalog.pg_inherits as i on i.inhparent ${EQ} r.oid
  join pg_catalog.pg_attribute as a on a.attrelid ${EQ} r.oid and a.attnotnull
  join pg_catalog.pg_attribute as b on b.attrelid ${EQ} i.inhrelid and b.attname ${EQ} a.attname
    and not b.attnotnull and not b.attisdropped
  where r.visible and r.relkind ${NE} 'p' and a.attnum operator(pg_catalog.>) 0
  group by a.attrelid`

// Since 18 a not-null constraint has a name: one that differs from PostgreSQL's default is reported.
const NOT_NULL_NAMES = `select ${OBJECT}('k', 'notNullNames', 'id', o.conrelid,
    'names', pg_catalog.json_object_agg(a.attnum, o.conname))
  from rel as r join pg_catalog.pg_constraint as o on o.conrelid ${EQ} r.oid and o.contype ${EQ} 'n'
  join pg_catalog.pg_attribute as a on a.attrelid ${EQ} r.oid and a.attnum ${EQ} o.conkey[1]
  where r.visible and o.coninhcount ${EQ} 0 and o.conname::pg_catalog.text ${NE}
    pg_catalog.concat(r.relname, '_', a.attname, '_not_null')
  group by o.conrelid`

const PART_REMARKS = `select ${OBJECT}('k', 'remark', 'id', x.relation, 'of', x.kind, 'name', x.name, 'text', ${cut('d.description')})
  from (select t.oid, 'trigger' as kind, t.tgrelid as relation, t.tgname as name,
        'pg_catalog.pg_trigger'::pg_catalog.regclass as class from pg_catalog.pg_trigger as t where t.tgparentid ${EQ} 0
      union all select p.oid, 'policy', p.polrelid, p.polname, 'pg_catalog.pg_policy'::pg_catalog.regclass
        from pg_catalog.pg_policy as p
      union all select w.oid, 'rule', w.ev_class, w.rulename, 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        from pg_catalog.pg_rewrite as w where w.rulename ${NE} '_RETURN') as x
  join pg_catalog.pg_description as d on d.objoid ${EQ} x.oid and d.classoid ${EQ} x.class
  join rel as r on r.oid ${EQ} x.relation and r.visible`

const KEY_REMARKS = `select ${OBJECT}('k', 'remark', 'id', o.conrelid, 'of', 'constraint', 'name', o.conname,
    'text', ${cut('d.description')})
  from pg_catalog.pg_description as d join pg_catalog.pg_constraint as o on o.oid ${EQ} d.objoid
  join rel as r on r.oid ${EQ} o.conrelid and r.visible
  where d.classoid ${EQ} 'pg_catalog.pg_constraint'::pg_catalog.regclass`

const INDEX_REMARKS = `select ${OBJECT}('k', 'remark', 'id', i.indrelid, 'of', 'index', 'name', ic.relname,
    'text', ${cut('d.description')})
  from pg_catalog.pg_description as d join pg_catalog.pg_index as i on i.indexrelid ${EQ} d.objoid
  join pg_catalog.pg_class as ic on ic.oid ${EQ} i.indexrelid join rel as r on r.oid ${EQ} i.indrelid and r.visible
  where d.classoid ${EQ} 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid ${EQ} 0`

// Objects inherited from the parent of a partition or of an inheriting table: creating the child creates them again.
const INHERITED = `select ${OBJECT}('k', 'inherited', 'id', r.oid,
    'constraints', (select pg_catalog.json_agg(o.conname) from pg_catalog.pg_constraint as o
      where o.conrelid ${EQ} r.oid and (o.coninhcount operator(pg_catalog.>) 0 and not o.conislocal or o.conparentid ${NE} 0)),
    'indexes', case when r.relispartition then (select pg_catalog.json_agg(ic.relname) from pg_catalog.pg_index as x
      join pg_catalog.pg_class as ic on ic.oid ${EQ} x.indexrelid where x.indrelid ${EQ} r.oid and ic.relispartition) end)
  from rel as r where r.visible and exists (select from pg_catalog.pg_inherits as i where i.inhrelid ${EQ} r.oid)`

/** The parts. */
export const TRAIT_PARTS: readonly string[] = [
  TRAITS,
  PARTITIONS,
  IDENTITIES,
  TRIGGERS,
  RULES,
  PUBLISHED,
  WEAK,
  BELOW,
  NOT_NULL_NAMES,
  PART_REMARKS,
  KEY_REMARKS,
  INDEX_REMARKS,
  INHERITED,
]
