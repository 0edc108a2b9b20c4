/**
 * The refusal of what would change an organization while it moves to another installation.
 */
import { Fault } from '#shared/faults/fault.ts'

/** A move takes seconds, or minutes for a large organization. */
const RETRY_AFTER = { 'Retry-After': '5' }

/** Nothing was done, and it can be done at the other installation soon, or here where the move is given up. */
export function organizationMoving(): Fault {
  return new Fault('organization_moving', { headers: RETRY_AFTER })
}
