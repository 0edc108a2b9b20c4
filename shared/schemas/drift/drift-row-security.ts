/**
 * Whether row-level security hides every row of a relation: it is on, and no permissive policy lets one be read.
 *
 * Only the rules of drift use it.
 */
import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'

/** True when row-level security is on, and no permissive policy is for reading. Those it does not bind see on. */
export function isHidden(relation: Node): boolean {
  if (relation['rowSecurity'] !== true) return false
  const policies = nodesIn(relation, 'policies')
  return !policies.some(({ restrictive, command }) => !restrictive && (command === 'all' || command === 'select'))
}
