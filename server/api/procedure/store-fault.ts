/**
 * Turns an error of our own database into a caller's fault: unavailable, outcome unknown, busy with the caller's own organization,
 * or refused because of existing rows. No other place does.
 */

import { organizationMoving } from '#server/api/caller/moving.ts'
import { isAway, OrganizationBusy, OutcomeUnknown } from '#server/store/connection/availability.ts'
import { LimitReached, NaturalKeyTaken } from '#server/store/database/refusals.ts'
import { OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The delay in seconds before a retry: a failover or a restart takes a few. */
const RETRY_AFTER = { 'Retry-After': '2' }

/** The fault for an error from our own database, or one derived from it; null for any other. */
export function storeFault(thrown: unknown): Fault | null {
  if (thrown instanceof OutcomeUnknown) return new Fault('outcome_unknown', { cause: thrown })
  if (thrown instanceof OrganizationMoving) return organizationMoving()
  if (thrown instanceof OrganizationBusy) return new Fault('rate_limit_exceeded', { headers: RETRY_AFTER })
  if (thrown instanceof LimitReached) return new Fault('resource_limit_reached', { cause: thrown })
  if (thrown instanceof NaturalKeyTaken) return new Fault('conflict', { cause: thrown })
  return isAway(thrown) ? databaseAway(thrown) : null
}

/** Our own database is temporarily unavailable, and nothing was done, or a retry is safe. */
export function databaseAway(cause: unknown): Fault {
  return new Fault('service_unavailable', { cause, headers: RETRY_AFTER })
}
