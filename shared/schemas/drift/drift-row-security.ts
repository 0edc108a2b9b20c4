/**
 * Decides whether row-level security hides every row of a relation: it is enabled, and no permissive policy allows
 * reading.
 *
 * Only the rules of drift use this.
 */
import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'

/**
 * True if row-level security is enabled and no permissive policy is for reading. Roles that bypass it still see the
 * rows.
 */
export function isHidden(relation: Node): boolean {
  if (relation['rowSecurity'] !== true) return false
  const policies = nodesIn(relation, 'policies')
  return !policies.some(({ restrictive, command }) => !restrictive && (command === 'all' || command === 'select'))
}
