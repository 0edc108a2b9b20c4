/**
 * Privileges that bypass row security: one finding for each kind, with the SQL that revokes it.
 *
 * They are advice; under the role policy `strict` they are refusals. Called by `role-findings.ts` and `role-advice.ts`.
 */

import type { Found, RoleFacts } from '#server/domain/checks/probe.ts'
import { counted } from '#shared/base/counted.ts'
import { quoteText } from '#shared/base/sql-text.ts'
import { moreNote, paste, runEach } from './pasted-sql.ts'
import { among } from './quoted-names.ts'
import { REVOKING, takeRights } from './revoke-sql.ts'
import { isNamed, relationObjects } from './rights-fixes.ts'
import type { MendedRole } from './role-fixes.ts'

/** One kind of such a privilege. */
export interface UnboundRight {
  /** The item of the advisory. */
  readonly item: string
  readonly actual: string
  readonly sql: string
}

const ROWS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
const NEEDS_TABLES = 'Needs the owner of the tables, or a superuser.'

/** The kinds that a role has. */
export function unboundRights(facts: RoleFacts, subject: MendedRole): UnboundRight[] {
  return [viewRights, functionRights, childRights, parentRights, tableRights].flatMap(rights => rights(facts, subject))
}

function viewRights({ rlsBypassingViews: views }: RoleFacts, subject: MendedRole): UnboundRight[] {
  const { count, names } = views
  const actual = `may use ${counted(count, 'view')} that ${count === 1 ? 'shows' : 'show'} row-secured tables as an owner exempt from row security sees them${among(names, count)}`
  const notes = [
    'Needs the owner of the views, or a superuser. On the tables themselves, policies apply to select.',
    'From 15 on, alter view … set (security_invoker = true) keeps a view and shows each reader the rows that policies allow: it',
    'takes the view away from roles that may not read its tables, and rows from the others.',
  ]
  return right(count > 0, 'rls_bypassing_views', { actual, sql: revokeNamed(subject, views, notes) })
}

function functionRights({ privilegedDefinerFunctions: functions }: RoleFacts, subject: MendedRole): UnboundRight[] {
  const { count, names } = functions
  const objects = `  select pg_catalog.concat('routine ', p.oid::pg_catalog.regprocedure),
    coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner, true
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where p.prosecdef and ${isNamed('n.nspname', 'p.proname', names)}`
  const { login, serverVersionNum } = subject
  return right(count > 0, 'privileged_functions', {
    actual: `may call ${counted(count, 'SECURITY DEFINER function')} of an owner exempt from row security${among(names, count)}`,
    sql: paste(
      ['Needs the owner of the functions, or a superuser.', ...REVOKING, ...moreNote(count, names)],
      takeRights({ login, privileges: ['EXECUTE'], objects, serverVersionNum }),
    ),
  })
}

function childRights({ unsecuredChildren: children }: RoleFacts, subject: MendedRole): UnboundRight[] {
  const { count, names } = children
  const isChild = `c.oid in (${names.map(name => `pg_catalog.to_regclass(${quoteText(name)})`).join(', ')})`
  const notes = [
    NEEDS_TABLES,
    'Through the parent, nothing changes. Read directly, such a table then shows only the rows that its own policies allow:',
    'none, except to its owner, until it has a policy.',
    ...moreNote(count, names),
  ]
  const foreign = relationObjects(`c.relkind = 'f' and ${isChild}`)
  const { login, serverVersionNum } = subject
  const enable =
    runEach(`select pg_catalog.format('alter table %s enable row level security', c.oid::pg_catalog.regclass)
from pg_catalog.pg_class c
where c.relkind in ('r', 'p') and not c.relrowsecurity and ${isChild}`)
  const revoke = `-- A foreign table has no row security: the privilege is revoked.\n${takeRights({ login, privileges: ROWS, objects: foreign, serverVersionNum })}`
  return right(count > 0, 'role_partitions', {
    actual: `may use ${counted(count, 'partition or child', 'partitions or children')} past the policies of the table above${among(names, count)}`,
    sql: paste(notes, enable, revoke),
  })
}

function parentRights({ unsecuredParents: parents }: RoleFacts, subject: MendedRole): UnboundRight[] {
  const { count, names } = parents
  return right(count > 0, 'role_partitions', {
    actual: `may use ${counted(count, 'table')} through which row-secured tables below are read past their policies${among(names, count)}`,
    sql: revokeNamed(subject, parents, [NEEDS_TABLES]),
  })
}

/** One finding for both: `grant all on all tables` grants them on each table of a schema. */
function tableRights({ tableRights: { truncate, trigger, names } }: RoleFacts, subject: MendedRole): UnboundRight[] {
  const privileges = [...(truncate > 0 ? ['TRUNCATE'] : []), ...(trigger > 0 ? ['TRIGGER'] : [])]
  const may = [
    ...(truncate > 0 ? [`empty ${counted(truncate, 'table')}, regardless of who owns the rows`] : []),
    ...(trigger > 0 ? [`have its function run as the next role that writes to ${counted(trigger, 'table')}`] : []),
  ]
  const { login, serverVersionNum } = subject
  const objects = relationObjects(`c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'f')
    and not pg_catalog.pg_has_role(${quoteText(login)}, c.relowner, 'member')`)
  return right(privileges.length > 0, 'role_table_rights', {
    actual: `may ${may.join(', and ')}, by ${privileges.join(' and ')}${among(names, Math.max(truncate, trigger))}`,
    sql: paste([NEEDS_TABLES, ...REVOKING], takeRights({ login, privileges, objects, serverVersionNum })),
  })
}

function revokeNamed(subject: MendedRole, { count, names }: Found, notes: readonly string[]): string {
  const { login, serverVersionNum } = subject
  const oids = names.map(name => `pg_catalog.to_regclass(${quoteText(name)})`).join(', ')
  const objects = relationObjects(`c.oid in (${oids})`)
  return paste(
    [...notes, ...REVOKING, ...moreNote(count, names)],
    takeRights({ login, privileges: ROWS, objects, serverVersionNum }),
  )
}

function right(applies: boolean, item: string, { actual, sql }: { actual: string; sql: string }): UnboundRight[] {
  return applies ? [{ item, actual, sql }] : []
}
