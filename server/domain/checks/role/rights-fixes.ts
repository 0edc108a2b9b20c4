/**
 * The SQL that takes individual privileges from a role, and reassigns those of its functions that others run.
 *
 * `revoke-sql.ts` handles privileges that come from a group or from PUBLIC.
 */

import type { Found } from '#server/domain/checks/probe.ts'
import { dependsOn, USERS_OF_FUNCTION } from './code-users-sql.ts'
import { constants, moreNote, paste, runEach } from './pasted-sql.ts'
import { REVOKING, takeRights } from './revoke-sql.ts'
import type { MendedRole } from './role-fixes.ts'

/** Revokes the right to call functions on the server's files from the role and from PUBLIC. */
export function revokeFileFunctions(subject: MendedRole, functions: readonly string[]): string {
  const isOfCatalog = "p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace"
  return revokeFunctions(subject, `${isOfCatalog} and p.proname in (${constants(functions)})`)
}

/** Revokes the right to call functions of an extension, in whatever schema it is. */
export function revokeSecretFunctions(subject: MendedRole, functions: readonly string[]): string {
  return revokeFunctions(subject, `p.proname in (${constants(functions)})`)
}

function revokeFunctions({ login, serverVersionNum }: MendedRole, where: string): string {
  const objects = `  select pg_catalog.concat('routine ', p.oid::pg_catalog.regprocedure),
    coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner, true
  from pg_catalog.pg_proc p
  where ${where}`
  return paste(
    ['Needs a superuser.', ...REVOKING],
    takeRights({ login, privileges: ['EXECUTE'], objects, serverVersionNum }),
  )
}

/** Revokes the right to read catalogs that hold secrets. */
export function revokeCatalogs({ login, serverVersionNum }: MendedRole, catalogs: readonly string[]): string {
  const where = `c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace and c.relname in (${constants(catalogs)})`
  const objects = relationObjects(where)
  return paste(
    ['Needs a superuser.', ...REVOKING],
    takeRights({ login, privileges: ['SELECT'], objects, serverVersionNum }),
  )
}

/** Revokes the use of foreign servers, whose foreign tables keep working; null for each that has a user mapping. */
export function revokeServers({ login, serverVersionNum }: MendedRole, names: readonly string[] | null): string {
  const where =
    names === null
      ? 'exists (select from pg_catalog.pg_user_mappings m where m.srvid = s.oid)'
      : `s.srvname in (${constants(names)})`
  const objects = `  select pg_catalog.format('foreign server %I', s.srvname), s.srvacl, s.srvowner, true
  from pg_catalog.pg_foreign_server s
  where ${where}`
  return paste(
    ['Needs the owner of the foreign server, or a superuser. Existing foreign tables keep working.', ...REVOKING],
    takeRights({ login, privileges: ['USAGE'], objects, serverVersionNum }),
  )
}

/** Revokes `alter system`, and `set` if `privileges` contains it, on parameters (15 and later). */
export function revokeParameters(
  subject: MendedRole,
  parameters: readonly string[],
  privileges: readonly string[],
): string {
  const objects = `  select pg_catalog.concat('parameter ', p.parname), p.paracl, 10::pg_catalog.oid, true
  from pg_catalog.pg_parameter_acl p
  where p.parname in (${constants(parameters)})`
  const { login, serverVersionNum } = subject
  return paste(['Needs a superuser.', ...REVOKING], takeRights({ login, privileges, objects, serverVersionNum }))
}

/** Gives functions to the owners of the objects that run them, and to a superuser for an event trigger. */
export function giveFunctions({ count, names }: Found): string {
  return paste(
    [
      'Needs a superuser. Read these functions first: the role wrote them, and others run them.',
      ...moreNote(count, names),
    ],
    runEach(`select pg_catalog.format('alter routine %s owner to %I', p.oid::pg_catalog.regprocedure,
  pg_catalog.pg_get_userbyid(pg_catalog.min(u.owner)))
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
cross join lateral ${dependsOn('p.oid')} d
cross join lateral (${USERS_OF_FUNCTION}
) u (owner)
where ${isNamed('n.nspname', 'p.proname', names)} and u.owner <> p.proowner
group by p.oid`),
  )
}

/** Relations with their access lists and those of their columns, for `takeRights`. */
export function relationObjects(where: string): string {
  return `  select pg_catalog.concat('table ', c.oid::pg_catalog.regclass), x.acl, c.relowner, x.whole
  from pg_catalog.pg_class c cross join lateral (
    select c.relacl, true
    union all
    select t.attacl, false from pg_catalog.pg_attribute t where t.attrelid = c.oid and t.attacl is not null
  ) x (acl, whole)
  where ${where}`
}

/** An expression: a pair of names is among the given quoted names. */
export function isNamed(schema: string, name: string, names: readonly string[]): string {
  const quoted = (column: string) => `pg_catalog.replace(${column}, '"', '""')`
  return `pg_catalog.concat('"', ${quoted(schema)}, '"."', ${quoted(name)}, '"') in (${constants(names)})`
}
