/**
 * The SQL of advice about a role: queries that print statements to run, since a right may have come by any way: granted to
 * the login itself, to a group, or to all.
 *
 * A person pastes both. Names are quoted, and what is called is qualified, as in `role-fixes.ts`.
 */
import { quoteText } from '#shared/base/sql-text.ts'

const FIRST_OWN_OID = 16_384

const ofExtension = (oid: string) =>
  `exists (select from pg_catalog.pg_depend d where d.objid = ${oid} and d.deptype = 'e')`
const isReached = (login: string, role: string) => `pg_catalog.pg_has_role(${quoteText(login)}, ${role}, 'member')`
const unbound = (role: string) => `(${role}.rolsuper or ${role}.rolbypassrls)`
const GRANTEE = `case a.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end`
const isGranted = (login: string) => `(a.grantee = 0 or ${isReached(login, 'a.grantee')})`

/** Takes memberships away, wherever the login gets them from. Since 16 each has the one who granted it. */
export function revokeMemberships(login: string, roles: readonly string[], serverVersionNum: number): string {
  const [words, grantor] =
    serverVersionNum >= 160_000
      ? ['revoke %I from %I granted by %I cascade;', ', pg_catalog.pg_get_userbyid(m.grantor)']
      : ['revoke %I from %I;', '']
  return `select pg_catalog.format('${words}', r.rolname, pg_catalog.pg_get_userbyid(m.member)${grantor})
from pg_catalog.pg_auth_members m join pg_catalog.pg_roles r on r.oid = m.roleid
where r.rolname in (${roles.map(quoteText).join(', ')}) and ${isReached(login, 'm.member')};`
}

/** Takes CREATEROLE from the login and from what it is a member of. */
export function takeCreateRole(login: string): string {
  return `select pg_catalog.format('alter role %I nocreaterole;', r.rolname)
from pg_catalog.pg_roles r where r.rolcreaterole and not r.rolsuper and ${isReached(login, 'r.oid')};`
}

/** Takes granted parameters away (15 and later). */
export function revokeParameters(login: string, parameters: readonly string[]): string {
  return `select distinct pg_catalog.format('revoke set, alter system on parameter %s from %s cascade;', p.parname, ${GRANTEE})
from pg_catalog.pg_parameter_acl p cross join pg_catalog.aclexplode(p.paracl) a
where p.parname in (${parameters.map(quoteText).join(', ')}) and ${isGranted(login)};`
}

/** Gives tables to another owner: one by one, as `reassign owned` would give whole databases along with them. */
export function giveTables(login: string): string {
  return `select pg_catalog.format('alter table %s owner to "<a role without login>";', c.oid::pg_catalog.regclass)
from pg_catalog.pg_class c
where c.relkind in ('r', 'p') and c.relpersistence <> 't' and c.oid >= ${FIRST_OWN_OID} and ${isReached(login, 'c.relowner')};`
}

/** Makes views show rows with the eyes of who asks; before 15, gives them another owner. */
export function mendViews(login: string, serverVersionNum: number): string {
  const change =
    serverVersionNum >= 150_000
      ? 'alter view %s set (security_invoker = true);'
      : 'alter view %s owner to "<a role that row security binds>";'
  return `select pg_catalog.format(case c.relkind when 'v' then ${quoteText(change)}
  else 'alter materialized view %s owner to "<a role that row security binds>";' end, c.oid::pg_catalog.regclass)
from pg_catalog.pg_class c join pg_catalog.pg_roles o on o.oid = c.relowner
where c.relkind in ('v', 'm') and c.oid >= ${FIRST_OWN_OID} and ${unbound('o')}
  and not exists (select from pg_catalog.unnest(c.reloptions) r where r ~* '^security_invoker=(t|y|on|1)')
  and exists (select from pg_catalog.pg_roles g
    where ${isReached(login, 'g.oid')} and pg_catalog.has_any_column_privilege(g.oid, c.oid, 'select'))
  and not ${ofExtension('c.oid')};`
}

/** Takes SECURITY DEFINER functions and procedures of a privileged owner away. */
export function revokeDefinerFunctions(login: string): string {
  return `select pg_catalog.format('revoke execute on routine %s from %s cascade;', p.oid::pg_catalog.regprocedure, ${GRANTEE})
from pg_catalog.pg_proc p join pg_catalog.pg_roles o on o.oid = p.proowner
cross join pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
where p.prosecdef and p.oid >= ${FIRST_OWN_OID} and ${unbound('o')} and a.grantee <> p.proowner and ${isGranted(login)}
  and not ${ofExtension('p.oid')};`
}
