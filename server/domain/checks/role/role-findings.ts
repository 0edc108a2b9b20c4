/**
 * Judges the role under a policy: the failing checklist items, each with its fix, and the related advice.
 *
 * `enforce` refuses whatever makes a role stronger than row security; `strict` also refuses what bypasses row security;
 * `warn` refuses nothing and advises on everything. Called by `verification.ts`, unless the policy is `off`.
 */
import type { RoleFacts } from '#server/domain/checks/probe.ts'
import type { Advisory } from '#shared/checks/check.ts'
import { DIRECT_ITEMS } from '#shared/checks/items.ts'
import { roleAdvice } from './role-advice.ts'
import { isRoleItem, type RoleFinding, type RoleItem, roleFindings } from './role-checks.ts'
import { type MendedRole, type NewRole, newRoleOnce } from './role-fixes.ts'
import { unboundRights } from './unbound-rights.ts'

/** An organization's policy for role findings. */
export type RolePolicy = 'strict' | 'enforce' | 'warn' | 'off'

/** A checklist item with its fix. */
export interface RoleLine {
  readonly actual: string
  readonly fix: string
}

/** The judgement of a role. */
export interface CheckedRole {
  /** The items with a finding. */
  readonly lines: ReadonlyMap<RoleItem, RoleLine>
  readonly advisories: Advisory[]
}

/** Judges a role. Only the first text that needs the SQL of a new role contains it. */
export function checkRole(facts: RoleFacts, subject: MendedRole, policy: RolePolicy): CheckedRole {
  const unbound = unboundRights(facts, subject)
  const findings = DIRECT_ITEMS.filter(isRoleItem).map(item => {
    const rights = policy === 'strict' && item === 'role_row_security' ? unbound : []
    return { item, found: [...roleFindings(item, facts, subject), ...rights] }
  })
  const isReplaced = findings.some(({ found }) => found.some(({ sql }) => sql === null))
  const newRole = newRoleOnce(subject)
  const lines = new Map<RoleItem, RoleLine>()
  for (const { item, found } of findings) {
    if (found.length > 0) lines.set(item, lineOf(item, found, { isReplaced, newRole }))
  }
  return { lines, advisories: roleAdvice(facts, { subject, newRole, unbound: policy === 'strict' ? [] : unbound }) }
}

/** Nothing else is taken from a role that is replaced: it may serve someone else. */
function lineOf(
  item: RoleItem,
  found: readonly RoleFinding[],
  { isReplaced, newRole }: { isReplaced: boolean; newRole: NewRole },
): RoleLine {
  const isNew = ({ sql, isOfRole = false }: RoleFinding) => sql === null || (isReplaced && isOfRole)
  const notes = found.filter(isNew).flatMap(finding => finding.notes ?? [])
  const own = found.flatMap(finding => (isNew(finding) ? [] : [finding.sql ?? '']))
  const fixes = found.some(isNew) ? [newRole(item, notes), ...own] : own
  return { actual: found.map(({ actual }) => actual).join('; '), fix: fixes.join('\n') }
}
