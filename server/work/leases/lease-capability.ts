/**
 * Verifies the token presented for a lease, in the worker: hash, operator's signature, expiry and revocation. The web
 * tier's judgement is not trusted. `lease.ts` calls it before anything is opened.
 */
import { isUsablePublicKey } from '#server/domain/access/lease.ts'
import { KeyLacking } from '#server/seal/held-key.ts'
import { isAnyHashedOtherwise } from '#server/store/access/grant-peppers.ts'
import * as leases from '#server/store/access/leases.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

/**
 * The presented token and the datasource; after `notAfter`, in milliseconds since 1970, nobody waits for the answer.
 */
export interface Presented {
  readonly organizationId: string
  readonly payload: {
    readonly token: string
    readonly publicKey: string
    readonly datasourceId: DatasourceId
    readonly notAfter: number
  }
}

/** The token's capability, if it may take this lease. Fails closed: any irregularity is a refusal. */
export async function grantedCapability(
  deps: WorkerDeps,
  asked: Presented,
): Promise<leases.GrantedCapability | FaultCode> {
  const { organizationId, payload } = asked
  const now = deps.clock()
  if (now.getTime() > payload.notAfter) return 'timeout'
  if (!isUsablePublicKey(Buffer.from(payload.publicKey, 'base64'))) return 'invalid_body'
  const hashes = deps.tokens.hashes(payload.token).map(entry => entry.hash)
  const row = await leases.findGranted(deps.db, organizationId, hashes)
  if (row === undefined && (await isAnyHashedOtherwise(deps.db, organizationId, deps.tokens.pepperIds())))
    throw new KeyLacking('pepper')
  if (row === undefined) return 'capability_scope_denied'
  const { mode, hash, operations, datasource_ids: datasourceIds, expires_at: expiresAt } = row
  const grant = { organizationId, capabilityId: row.id, hash, mode, operations, datasourceIds, expiresAt }
  if (!deps.leaseSealer.knows(row.signed.signerId)) throw new KeyLacking(row.signed.signerId)
  if (!deps.leaseSealer.isSigned(grant, row.signed)) return 'capability_scope_denied'
  if (row.revoked_at !== null || expiresAt <= now) return 'capability_invalid'
  const isNamed = datasourceIds === null || datasourceIds.includes(payload.datasourceId)
  return isNamed && operations.includes('datasources.lease') ? row : 'capability_scope_denied'
}
