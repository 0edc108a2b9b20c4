/**
 * Records that another credential has come into force, in the transaction that puts it there: for the record and for watchers.
 * The check of a database calls it, and that of an endpoint.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { CredentialContext, RequestedBy } from '#server/domain/access/sealed.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import type { Tx } from '#server/store/tables/tables.ts'

const WORKER = { kind: 'worker', id: null, requestId: null, address: null } as const

/**
 * Records it. The actor is who brought the credential, as the web tier signed it into the box together with the secret: a writer of
 * our tables cannot name another. The worker itself for a box of a release that did not say.
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
