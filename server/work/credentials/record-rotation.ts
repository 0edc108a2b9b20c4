/**
 * Records that a new credential has come into force, in the transaction that puts it there: in the audit record and for
 * subscribers. Called by the checks of databases and of endpoints.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { CredentialContext, RequestedBy } from '#server/domain/access/sealed.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import type { Tx } from '#server/store/tables/tables.ts'

const WORKER = { kind: 'worker', id: null, requestId: null, address: null } as const

/**
 * Records the rotation. The actor is the requester, whom the web tier signed into the box together with the secret:
 * someone who writes to our tables cannot name another. The worker itself for a box from a release that did not record
 * the requester.
 */
export async function recordRotation(
  tx: Tx,
  { organizationId, datasourceId }: CredentialContext,
  of: { requestedBy: RequestedBy | null; at: Date },
): Promise<void> {
  const about = { action: 'datasource.rotated', objectKind: 'datasource', objectId: datasourceId }
  const actor = of.requestedBy ?? WORKER
  await audit.append(tx, organizationId, { id: newId(), actor, outcome: 'ok', at: of.at, ...about })
  changes.append(tx, organizationId, { datasourceId, change: 'rotated', at: of.at })
}
