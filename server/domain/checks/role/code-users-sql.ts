/**
 * Part of a query: who owns what runs a function. Event triggers, functions with a parsed body, and, by the relation that they
 * belong to, triggers, policies, defaults, constraints, rules, views and indexes.
 */

const is = (catalog: string) => `d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass`
const relationOf = (catalog: string, column: string) =>
  `select x.${column} from pg_catalog.${catalog} x where ${is(catalog)} and x.oid = d.objid`

/** A subquery of one column, for each row `d` of `pg_depend` that refers to a function. */
export const USERS_OF_FUNCTION = `
    select e.evtowner from pg_catalog.pg_event_trigger e where ${is('pg_event_trigger')} and e.oid = d.objid
    union all
    select f.proowner from pg_catalog.pg_proc f where ${is('pg_proc')} and f.oid = d.objid
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
