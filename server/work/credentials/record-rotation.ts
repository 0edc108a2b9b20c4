/**
 * Records that a new credential has come into force, in the transaction that puts it there: in the audit record and for
 * subscribers. Called by the checks of databases and of endpoints.
 */

import type { CredentialContext, RequestedBy } from '#server/domain/access/sealed.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/**
 * Records the rotation. The actor is the requester, whom the web tier signed into the box together with the secret:
 * someone who writes to our tables cannot name another. The worker itself for a box from a release that did not record
 * the requester.
 */
export async function recordRotation(
  unit: UnitOfWork,
  { datasourceId }: CredentialContext,
  requestedBy: RequestedBy | null,
): Promise<void> {
  const about = { action: 'datasource.rotated', objectKind: 'datasource', objectId: datasourceId }
  await audit.append(requestedBy === null ? unit : { ...unit, actor: requestedBy }, about)
  changes.append(unit, { datasourceId, change: 'rotated' })
}
