/**
 * The statement that finds the login's code that other roles run: its functions in event triggers, and in triggers,
 * policies, defaults, constraints, indexes, rules, views and functions of other owners.
 *
 * Returns one row with one column of JSON text; each list has at most 50 names.
 */
import { dependsOn, USERS_OF_FUNCTION } from '#server/domain/checks/role/code-users-sql.ts'
import { countSql, FIRST_OWN_OID, namesSql, REACHED } from './reached-sql.ts'

/** Functions and procedures that the login can replace and that objects of another owner run. */
const run = `run as (
  select f.oid, f.proname, f.pronamespace,
    pg_catalog.bool_or(d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass) as is_event
  from pg_catalog.pg_proc f
  cross join lateral ${dependsOn('f.oid')} d
  cross join lateral (${USERS_OF_FUNCTION}
  ) u (owner)
  where f.oid >= ${FIRST_OWN_OID} and f.proowner in (select h.oid from holder h)
    and u.owner not in (select w.oid from walk w)
  group by f.oid, f.proname, f.pronamespace
),
evented as (select r.proname, r.pronamespace from run r where r.is_event),
called as (select r.proname, r.pronamespace from run r where not r.is_event)`

/** Counts of such functions, with those of event triggers counted separately, and their names. */
export const CODE_FACTS_SQL = `with recursive ${REACHED},
${run}
select pg_catalog.json_build_object(
  'evented', ${countSql('evented')},
  'evented_names', ${namesSql('evented', 'pro')},
  'called', ${countSql('called')},
  'called_names', ${namesSql('called', 'pro')}
)::pg_catalog.text`
