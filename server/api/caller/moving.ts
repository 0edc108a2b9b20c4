/**
 * The refusal of changes to an organization that is
 * moving to another installation.
 */
import { Fault } from '#shared/faults/fault.ts'

/** A move takes seconds, or minutes for a large organization. */
const RETRY_AFTER = { 'Retry-After': '5' }

/** Nothing was done. A retry succeeds soon at the other installation, or here if the move is abandoned. */
export function organizationMoving(): Fault {
  return new Fault('organization_moving', { headers: RETRY_AFTER })
}
