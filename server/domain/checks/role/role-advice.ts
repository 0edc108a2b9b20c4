/**
 * What is allowed in a role and worth changing: one advisory for each, with the SQL that changes it.
 *
 * Never refuses. Called by `verification.ts`, unless the role policy is off.
 */

import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import type { Advisory } from '#shared/checks/check.ts'
import {
  giveTables,
  mendViews,
  revokeDefinerFunctions,
  revokeMemberships,
  revokeParameters,
  takeCreateRole,
} from './role-advice-sql.ts'
import { counted, isSwitched, list } from './role-checks.ts'
import type { Subject } from './role-fixes.ts'

const PRINTS = 'This prints what changes it:'

/** Advice about a role. The recommendation is a sentence and, from its second line on, SQL to paste. */
export function roleAdvice(facts: RoleFacts, subject: Subject): Advisory[] {
  return [
    ...adviceOnActing(facts, subject),
    ...adviceOnRights(facts, subject.login),
    ...adviceOnOwning(facts, subject.login),
    ...adviceOnPrivileged(facts, subject.login),
  ]
}

function adviceOnActing(facts: RoleFacts, { login, database }: Subject): Advisory[] {
  const role = quoteName(login)
  return advice(isSwitched(facts), 'role_switched', [
    'The login acts as another role, which set role none undoes: grant that role, and let the session choose it.',
    `alter role ${role} reset role;`,
    `alter role ${role} in database ${quoteName(database)} reset role;`,
  ])
}

function adviceOnRights(facts: RoleFacts, login: string): Advisory[] {
  const { wholeDatabaseRoles, settableParameters } = facts
  return [
    ...advice(wholeDatabaseRoles.length > 0, 'role_whole_database', [
      `The role reaches every table that row security does not hide, as ${list(wholeDatabaseRoles)}. Grant single tables. ${PRINTS}`,
      revokeMemberships(login, wholeDatabaseRoles, facts.serverVersionNum),
    ]),
    ...advice(
      (facts.createRole || facts.createRoleVia.length > 0) && facts.serverVersionNum >= 160_000,
      'role_createrole',
      [`The role can make roles. ${PRINTS}`, takeCreateRole(login)],
    ),
    ...advice(facts.createDb, 'role_createdb', [
      'The role can make databases.',
      `alter role ${quoteName(login)} nocreatedb;`,
    ]),
    ...advice(settableParameters.length > 0, 'role_parameters', [
      `The role may set parameters that only a superuser should. ${PRINTS}`,
      revokeParameters(login, settableParameters),
    ]),
  ]
}

function adviceOnOwning({ tables }: RoleFacts, login: string): Advisory[] {
  const others = tables.owned - tables.ownedRlsNotForced
  return advice(others > 0, 'role_ownership', [
    `The role owns ${counted(others, 'table')}, and row security binds an owner only while he leaves it forced. Give them to a role that nobody logs in as. ${PRINTS}`,
    giveTables(login),
  ])
}

function adviceOnPrivileged(facts: RoleFacts, login: string): Advisory[] {
  const { rlsBypassingViews: views, privilegedDefinerFunctions: functions } = facts
  return [
    ...advice(views > 0, 'rls_bypassing_views', [
      `The role may read ${counted(views, 'view')} of an owner whom row security does not bind. ${PRINTS}`,
      mendViews(login, facts.serverVersionNum),
    ]),
    ...advice(functions > 0, 'privileged_functions', [
      `The role may call ${counted(functions, 'SECURITY DEFINER function')} of an owner whom row security does not bind. ${PRINTS}`,
      revokeDefinerFunctions(login),
    ]),
  ]
}

function advice(applies: boolean, item: string, lines: readonly string[]): Advisory[] {
  return applies ? [{ item, recommendation: lines.join('\n') }] : []
}
