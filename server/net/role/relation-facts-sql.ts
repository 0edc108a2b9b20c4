/**
 * The statement that finds a login's ways around row security: views and functions that show rows with the privileges
 * of an owner who is exempt, tables above and below a row-secured one, and privileges on whole tables.
 *
 * Returns one row with one column of JSON text. No one's values are ever put into it; each list has at most 50 names.
 */
import { countSql, FIRST_OWN_OID, grants, grantsOnRelation, namesSql, notOfExtension, REACHED } from './reached-sql.ts'

/** Tables under row security. */
const secured = `secured as (
  select c.oid, c.relowner, c.relforcerowsecurity as forced
  from pg_catalog.pg_class c
  where c.relrowsecurity and c.relkind in ('r', 'p')
)`

const isInvoker = `exists (
  select from pg_catalog.unnest(v.reloptions) o where o ~* '^security_invoker=(t|tr|tru|true|y|ye|yes|on|1)$')`
/**
 * PostgreSQL's own test: the owner of a table, and roles with the owner's privileges, are bound only if row security is
 * forced.
 */
const isUnbound = (role: string) => `(${role}.rolsuper or ${role}.rolbypassrls
        or not l.forced and pg_catalog.pg_has_role(${role}.oid, l.relowner, 'usage'))`

/**
 * The views over row-secured tables, at any depth. A table is `open`: the reading role decides. A view whose owner is
 * bound is `shut`, and so is a view that runs as its caller (15 and later), even below a view that does not. A view
 * whose owner is exempt, a view over such a view, and a materialized view, whose rows are a copy, are a `leak`.
 */
const built = `built (oid, relowner, forced, state) as (
  select s.oid, s.relowner, s.forced, 'open' from secured s
  union
  select c.oid, 0::pg_catalog.oid, false, 'bare' from pg_catalog.pg_class c
  where not c.relrowsecurity and (c.oid in (select b.oid from below b) or c.oid in (select a.oid from above a))
  union
  select v.oid, 0::pg_catalog.oid, false, x.state
  from built l
  join pg_catalog.pg_depend d
    on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = l.oid
    and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.deptype = 'n'
  join pg_catalog.pg_rewrite w on w.oid = d.objid and w.ev_type = '1'
  join pg_catalog.pg_class v on v.oid = w.ev_class and v.relkind in ('v', 'm')
  join pg_catalog.pg_roles o on o.oid = v.relowner
  cross join lateral (
    select case
      when v.relkind = 'm' or l.state = 'leak' then 'leak'
      when l.state = 'shut' or ${isInvoker} then 'shut'
      when l.state = 'bare' then 'leak'
      when ${isUnbound('o')} then 'leak'
      else 'shut'
    end as state
  ) x
)`

const READS_OR_WRITES = `'SELECT', 'INSERT', 'UPDATE', 'DELETE'`

const isReached = `(${grantsOnRelation(READS_OR_WRITES)}
    or exists (select from holder h where h.name in ('pg_read_all_data', 'pg_write_all_data')))`
const isOthers = `c.oid >= ${FIRST_OWN_OID} and c.relowner not in (select w.oid from walk w)`

const leaking = `leaking as (
  select c.relnamespace, c.relname
  from pg_catalog.pg_class c
  where c.oid in (select l.oid from built l where l.state = 'leak') and ${isOthers}
    and ${isReached}
    and ${notOfExtension('pg_class', 'c.oid')}
)`

/**
 * Tables without row security that inherit from a row-secured one, including partitions: read directly, no policy
 * applies to them. Also tables without row security over row-secured ones: read through them, no policy applies to
 * those.
 */
const family = `below (oid) as (
  select s.oid from secured s
  union
  select i.inhrelid from below b join pg_catalog.pg_inherits i on i.inhparent = b.oid
),
above (oid) as (
  select s.oid from secured s
  union
  select i.inhparent from above b join pg_catalog.pg_inherits i on i.inhrelid = b.oid
),
child as (
  select c.relnamespace, c.relname from pg_catalog.pg_class c
  where c.oid in (select b.oid from below b) and not c.relrowsecurity and ${isOthers} and ${isReached}
),
parent as (
  select c.relnamespace, c.relname from pg_catalog.pg_class c
  where c.oid in (select b.oid from above b) and c.oid not in (select b.oid from below b)
    and not c.relrowsecurity and ${isOthers} and ${isReached}
)`

/**
 * Tables that the login may truncate, or attach a trigger to that runs the login's function as the next writer. Tables
 * share few access lists, and each list is expanded once.
 */
const seized = `list (acl, truncates, triggers) as (
  select l.relacl, pg_catalog.bool_or(a.privilege_type = 'TRUNCATE'), pg_catalog.bool_or(a.privilege_type = 'TRIGGER')
  from (
    select distinct c.relacl from pg_catalog.pg_class c where c.oid >= ${FIRST_OWN_OID} and c.relacl is not null
  ) l cross join pg_catalog.aclexplode(l.relacl) a
  where a.privilege_type in ('TRUNCATE', 'TRIGGER') and a.grantee in (select g.oid from grantee g)
  group by l.relacl
),
seized as (
  select c.relnamespace, c.relname, l.truncates, l.triggers
  from list l join pg_catalog.pg_class c on c.relacl = l.acl
  where c.relkind in ('r', 'p', 'f', 'v') and ${isOthers}
)`

/** Owners exempt from the row security of some table, in addition to superusers and roles with BYPASSRLS. */
const definers = `definer as (
  select f.proname, f.pronamespace
  from pg_catalog.pg_proc f join pg_catalog.pg_roles o on o.oid = f.proowner
  where f.oid >= ${FIRST_OWN_OID} and f.prosecdef and f.proowner not in (select w.oid from walk w)
    and exists (
      select from (select distinct s.relowner, s.forced from secured s) l
      where ${isUnbound('o')})
    and ${grants("coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))", "'EXECUTE'")}
    and ${notOfExtension('pg_proc', 'f.oid')}
)`

/** Counts, and the names of the first 50 of each. */
export const RELATION_FACTS_SQL = `with recursive ${REACHED},
${secured},
${built},
${leaking},
${family},
${seized},
${definers}
select pg_catalog.json_build_object(
  'views', ${countSql('leaking')},
  'view_names', ${namesSql('leaking', 'rel')},
  'functions', ${countSql('definer')},
  'function_names', ${namesSql('definer', 'pro')},
  'children', ${countSql('child')},
  'child_names', ${namesSql('child', 'rel')},
  'parents', ${countSql('parent')},
  'parent_names', ${namesSql('parent', 'rel')},
  'truncates', ${countSql('seized', 'q.truncates')},
  'triggers', ${countSql('seized', 'q.triggers')},
  'seized_names', ${namesSql('seized', 'rel')}
)::pg_catalog.text`
