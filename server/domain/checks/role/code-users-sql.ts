/**
 * Parts of queries: the objects that depend on a function, and the owners of those that run it. These are event
 * triggers, functions with a parsed body, operators, domains, extended statistics (`analyze` computes them as the
 * table's owner), and, through the relation that they belong to, triggers, policies, defaults, constraints, rules,
 * views and indexes.
 */

const is = (catalog: string) => `d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass`
const relationOf = (catalog: string, column: string) =>
  `select x.${column} from pg_catalog.${catalog} x where ${is(catalog)} and x.oid = d.objid`

const IN_CATALOG = (catalog: string) => `'pg_catalog.${catalog}'::pg_catalog.regclass`

/** A subquery of the objects that depend on a function, also through an operator that calls it. */
export const dependsOn = (functionOid: string) => `(
    select d.classid, d.objid from pg_catalog.pg_depend d
    where d.refclassid = ${IN_CATALOG('pg_proc')} and d.refobjid = ${functionOid}
    union all
    select d.classid, d.objid
    from pg_catalog.pg_operator q
    join pg_catalog.pg_depend d on d.refclassid = ${IN_CATALOG('pg_operator')} and d.refobjid = q.oid
    where q.oid >= 16384 and q.oprcode = ${functionOid})`

/** A subquery of one column, for each row `d` of `dependsOn`. */
export const USERS_OF_FUNCTION = `
    select e.evtowner from pg_catalog.pg_event_trigger e where ${is('pg_event_trigger')} and e.oid = d.objid
    union all
    select f.proowner from pg_catalog.pg_proc f where ${is('pg_proc')} and f.oid = d.objid
    union all
    select p.oprowner from pg_catalog.pg_operator p where ${is('pg_operator')} and p.oid = d.objid
    union all
    select t.typowner from pg_catalog.pg_type t where ${is('pg_type')} and t.oid = d.objid
    union all
    select t.typowner from pg_catalog.pg_constraint x join pg_catalog.pg_type t on t.oid = x.contypid
    where ${is('pg_constraint')} and x.oid = d.objid
    union all
    select s.stxowner from pg_catalog.pg_statistic_ext s where ${is('pg_statistic_ext')} and s.oid = d.objid
    union all
    select c.relowner from pg_catalog.pg_class c where c.oid in (
      ${relationOf('pg_trigger', 'tgrelid')}
      union all
      ${relationOf('pg_policy', 'polrelid')}
      union all
      ${relationOf('pg_attrdef', 'adrelid')}
      union all
      ${relationOf('pg_constraint', 'conrelid')}
      union all
      ${relationOf('pg_rewrite', 'ev_class')}
      union all
      select d.objid where ${is('pg_class')})`
