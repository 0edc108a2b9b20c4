/**
 * Properties of a role that are allowed but worth changing: one advisory for each, with the SQL that changes it.
 *
 * Never refuses. Called by `role-findings.ts`.
 */

import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { counted } from '#shared/base/counted.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import type { Advisory } from '#shared/checks/check.ts'
import { paste } from './pasted-sql.ts'
import { among, quotedList } from './quoted-names.ts'
import { leaveRoles } from './revoke-sql.ts'
import {
  giveFunctions,
  revokeCatalogs,
  revokeParameters,
  revokeSecretFunctions,
  revokeServers,
} from './rights-fixes.ts'
import { isSwitched } from './role-checks.ts'
import type { MendedRole, NewRole } from './role-fixes.ts'
import type { UnboundRight } from './unbound-rights.ts'

/** The input of advice, besides the facts. */
export interface Advising {
  readonly subject: MendedRole
  readonly newRole: NewRole
  /** Privileges that bypass row security, unless the policy refuses them. */
  readonly unbound: readonly UnboundRight[]
}

const LEAVING = [
  'Needs a superuser, or the role that granted the membership.',
  'The role also loses everything else that these groups grant.',
]

/** Advice about a role. The recommendation is a sentence and, from its second line on, SQL to paste. */
export function roleAdvice(facts: RoleFacts, { subject, newRole, unbound }: Advising): Advisory[] {
  return [
    ...adviceOnActing(facts, subject),
    ...adviceOnMemberships(facts, subject),
    ...adviceOnParameters(facts, subject),
    ...adviceOnOwning(facts, newRole),
    ...unbound.flatMap(({ item, actual, sql }) =>
      advice(true, item, [`The role ${actual}. Row security does not apply to that.`, sql]),
    ),
    ...adviceOnSecrets(facts, subject),
  ]
}

/** The statement that resets each setting; if the setting is not known to be one of these, the login's own. */
function adviceOnActing(facts: RoleFacts, { login, database }: MendedRole): Advisory[] {
  const [role, here] = [quoteName(login), quoteName(database)]
  const RESETS = {
    login: `alter role ${role} reset role;`,
    login_here: `alter role ${role} in database ${here} reset role;`,
    database: `alter database ${here} reset role;`,
    server: 'alter role all reset role;',
  } as const
  const isShared = facts.actingBy.includes('database') || facts.actingBy.includes('server')
  return advice(isSwitched(facts), 'role_switched', [
    'The login acts as another role, which set role none undoes: grant that role, and let the session choose it.',
    paste(
      [
        'Needs a superuser, or a role that may alter this role or owns the database.',
        ...(isShared
          ? ['The setting applies to every login: those that need the other role must choose it, too.']
          : []),
      ],
      ...facts.actingBy.map(by => RESETS[by]),
    ),
  ])
}

function adviceOnMemberships(facts: RoleFacts, { login, serverVersionNum }: MendedRole): Advisory[] {
  const { wholeDatabaseRoles, statisticsRoles, createRoleVia, createDbVia } = facts
  const leave = (roles: readonly string[]) => paste(LEAVING, leaveRoles(login, roles, serverVersionNum))
  const attribute = (name: string, isOwn: boolean, via: readonly string[]) => [
    ...(isOwn
      ? [paste(['Needs a superuser, or a role that may alter this role.'], `alter role ${quoteName(login)} no${name};`)]
      : []),
    ...(via.length > 0 ? [leave(via)] : []),
  ]
  return [
    ...advice(wholeDatabaseRoles.length > 0, 'role_whole_database', [
      `The role reaches every table that row security does not hide${verifiers(facts)}, as ${quotedList(wholeDatabaseRoles)}. Grant single tables.`,
      leave(wholeDatabaseRoles),
    ]),
    ...advice(statisticsRoles.length > 0, 'role_statistics', [
      `The role sees the statements of other sessions, including their values, and settings that contain passwords, as ${quotedList(statisticsRoles)}.`,
      leave(statisticsRoles),
    ]),
    ...advice((facts.createRole || createRoleVia.length > 0) && serverVersionNum >= 160_000, 'role_createrole', [
      'The role can create roles.',
      ...attribute('createrole', facts.createRole, createRoleVia),
    ]),
    ...advice(facts.createDb || createDbVia.length > 0, 'role_createdb', [
      `The role can create databases${facts.createDb ? '' : `, as ${quotedList(createDbVia)}`}.`,
      ...attribute('createdb', facts.createDb, createDbVia),
    ]),
  ]
}

/** PostgreSQL's `pg_read_all_data` includes catalogs. */
function verifiers({ wholeDatabaseRoles }: RoleFacts): string {
  return wholeDatabaseRoles.includes('pg_read_all_data') ? ', including the password verifiers of all roles' : ''
}

function adviceOnParameters({ settableParameters: parameters }: RoleFacts, subject: MendedRole): Advisory[] {
  return advice(parameters.length > 0, 'role_parameters', [
    `The role may set parameters that only a superuser should: ${quotedList(parameters)}.`,
    revokeParameters(subject, parameters, ['SET', 'ALTER SYSTEM']),
  ])
}

/** The SQL of a new role is requested only when it is printed: the first request gets it. */
function adviceOnOwning(facts: RoleFacts, newRole: NewRole): Advisory[] {
  const { tables, ownsDatabase, calledFunctions: called } = facts
  const others = tables.owned - tables.ownedRlsNotForced
  return [
    ...advice(others > 0, 'role_ownership', [
      `The role owns ${counted(others, 'table')}, and row security binds an owner only while they leave it forced. Use a role that owns nothing.`,
      others > 0 ? newRole('role_ownership') : '',
    ]),
    ...advice(ownsDatabase, 'role_database_owner', [
      'The role owns the database, or acts as its owner: it may drop it, and change its settings for every login. Use a role that owns nothing.',
      ownsDatabase ? newRole('role_database_owner') : '',
    ]),
    ...advice(called.count > 0, 'role_code', [
      `The role owns ${counted(called.count, 'function')} that triggers, policies or the like of other owners run with the rights of the role that uses their tables${among(called.names, called.count)}.`,
      giveFunctions(called),
    ]),
  ]
}

function adviceOnSecrets(facts: RoleFacts, subject: MendedRole): Advisory[] {
  const { secretCatalogs: catalogs, secretFunctions: functions, userMappings: mappings } = facts
  const sees = [
    ...(catalogs.length > 0 ? [`may read ${quotedList(catalogs)}, with other people's rows or passwords`] : []),
    ...(functions.length > 0 ? [`may connect as the server's own account by ${quotedList(functions)}`] : []),
    ...(mappings > 0 ? [`can read or use the password of ${counted(mappings, 'user mapping')}`] : []),
  ]
  return advice(sees.length > 0, 'role_secrets', [
    `The role ${sees.join(', and ')}.`,
    ...(catalogs.length > 0 ? [revokeCatalogs(subject, catalogs)] : []),
    ...(functions.length > 0 ? [revokeSecretFunctions(subject, functions)] : []),
    ...(mappings > 0 ? [revokeServers(subject, null)] : []),
  ])
}

function advice(applies: boolean, item: string, lines: readonly string[]): Advisory[] {
  return applies ? [{ item, recommendation: lines.join('\n') }] : []
}
