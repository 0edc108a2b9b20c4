/**
 * What refuses a role: one rule for each of the checklist's role items, from the facts to what was seen and its fix.
 *
 * A role is what it can become. Rules say only what is; whether that refuses is the role policy's, in `verification.ts`.
 */

import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import type { DirectItem } from '#shared/checks/check.ts'
import { forceRowSecurity, replaceRole, revokeFileFunctions, type Subject, takeAttribute } from './role-fixes.ts'

/** What is wrong with a role: what was seen, in our words around quoted names, and what mends it. */
export interface RoleFinding {
  readonly actual: string
  readonly fix: string
}

/** An item of the checklist that is about the role. */
export type RoleItem = Extract<DirectItem, `role_${string}`>
type Rule = (facts: RoleFacts, subject: Subject) => RoleFinding | null

/** Before 16, CREATEROLE grants itself any role that is no superuser's, `pg_execute_server_program` among them. */
const CREATEROLE_TAMED = 160_000

const MAX_NAMES = 5

const RULES: Readonly<Record<RoleItem, Rule>> = {
  role_superuser: (facts, subject) =>
    facts.superuser
      ? {
          actual: isSwitched(facts) ? 'a superuser, whom set role none brings back' : 'a superuser',
          fix: replaceRole(subject),
        }
      : null,
  role_bypassrls: (facts, subject) =>
    facts.bypassRls ? { actual: 'has BYPASSRLS', fix: ownAttribute(facts, subject, 'bypassrls') } : null,
  role_membership: (facts, subject) => {
    const superusers = phrase('a superuser', facts.superuserVia)
    const bypassing = phrase('with BYPASSRLS', facts.bypassRlsVia)
    const actual = [superusers, bypassing].filter(text => text !== '').join('; ')
    return actual === '' ? null : { actual: `can become or act as ${actual}`, fix: replaceRole(subject) }
  },
  role_server_files: serverFiles,
  role_replication: (facts, subject) => attributeRule(facts, subject, 'replication'),
  role_createrole: (facts, subject) =>
    facts.serverVersionNum < CREATEROLE_TAMED ? attributeRule(facts, subject, 'createrole') : null,
  role_provider_admin: (facts, subject) =>
    facts.providerAdminRoles.length > 0
      ? { actual: `is, or is a member of, ${list(facts.providerAdminRoles)}`, fix: replaceRole(subject) }
      : null,
  role_row_security: facts => {
    const { ownedRlsNotForced } = facts.tables
    if (ownedRlsNotForced === 0) return null
    return {
      actual: `owns ${counted(ownedRlsNotForced, 'table')} whose row security does not bind the owner`,
      fix: forceRowSecurity(facts.ownerBypassTables, ownedRlsNotForced),
    }
  },
}

/** What is wrong with the role in respect of one item; null when nothing is. */
export function roleFinding(item: RoleItem, facts: RoleFacts, subject: Subject): RoleFinding | null {
  return RULES[item](facts, subject)
}

/** Whether an item is one of those that the role policy governs. */
export function isRoleItem(item: DirectItem): item is RoleItem {
  return Object.hasOwn(RULES, item)
}

/** Whether `alter role … set role` makes the login look like another. */
export function isSwitched(facts: RoleFacts): boolean {
  return facts.sessionUser !== facts.currentUser
}

/** Names for a sentence: quoted, five at most. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map(quoteName).join(', ')
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown
}

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function phrase(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${list(names)}, ${what}`
}

function serverFiles(facts: RoleFacts, subject: Subject): RoleFinding | null {
  const { serverFileRoles: roles, serverFileFunctions: functions } = facts
  const seen = [
    ...(roles.length > 0 ? [`can act as ${list(roles)}`] : []),
    ...(functions.length > 0 ? [`may call ${list(functions)}`] : []),
  ]
  if (seen.length === 0) return null
  // A function may be granted to all: then a new role would have it too.
  const fixes = [
    ...(functions.length > 0 ? [revokeFileFunctions(subject, functions)] : []),
    ...(roles.length > 0 ? [replaceRole(subject)] : []),
  ]
  return { actual: seen.join('; '), fix: fixes.join('\n') }
}

function attributeRule(facts: RoleFacts, subject: Subject, attribute: 'replication' | 'createrole') {
  const own = attribute === 'replication' ? facts.replication : facts.createRole
  const via = attribute === 'replication' ? facts.replicationVia : facts.createRoleVia
  if (!own && via.length === 0) return null
  const actual = `${own ? 'has' : `can act as ${list(via)}, with`} ${attribute.toUpperCase()}`
  return { actual, fix: via.length === 0 ? ownAttribute(facts, subject, attribute) : replaceRole(subject) }
}

/** A superuser is not mended by taking one attribute, and taking one from a server's first role would harm its owner. */
function ownAttribute(facts: RoleFacts, subject: Subject, attribute: 'bypassrls' | 'replication' | 'createrole') {
  return facts.superuser ? replaceRole(subject) : takeAttribute(subject, attribute)
}
