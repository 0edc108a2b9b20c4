/**
 * Leases a credential to a platform's worker: verifies the presented token, opens the current credential, and seals it
 * to the holder's key. The web tier is not trusted: hash, operator's signature, expiry and revocation are verified
 * here, before anything is opened.
 */

import { ZodError } from 'zod'
import { newId } from '#server/domain/access/ids.ts'
import { leasedTarget } from '#server/domain/access/lease.ts'
import type { TaskOutcome, TaskPayload } from '#server/domain/tasks/contract.ts'
import { openingOr, openOr } from '#server/seal/held-key.ts'
import * as audit from '#server/store/access/audit.ts'
import * as leases from '#server/store/access/leases.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { assertHeld } from '#server/store/tasks/claim-hold.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'
import { onceFound, usableOrAwaited } from '#server/work/credentials/await-check.ts'
import { openInForce, openPayload } from '#server/work/credentials/open.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import type { Lease, LeasedCredential } from '#shared/access/lease.ts'
import { datasourceId } from '#shared/base/datasource-name.ts'
import { type Mode, typedId } from '#shared/base/wire.ts'
import { formatConnectionString } from '#shared/connection-string/connection-string-text.ts'
import { failureSpec } from '#shared/faults/failure.ts'
import type { TaskFault } from '#shared/faults/task-fault.ts'
import { grantedCapability } from './lease-capability.ts'

const LOCATE_MS = 10_000
const MAX_TRIES = 3

interface Asked {
  readonly organizationId: string
  readonly datasourceId: string
  readonly payload: TaskPayload<'lease'>
}

/** Performs a `lease` task. */
export async function handleLease(deps: WorkerDeps, claim: claims.ClaimOf<'lease'>): Promise<void> {
  const payload = await openingOr(
    () => openPayload(deps, claim, 'lease').catch(unlessMalformed),
    () => null,
  )
  const asked = { organizationId: claim.organizationId, datasourceId: claim.datasourceId }
  if (payload === null) await refuse(deps, claim, { fault: 'credential_unreadable', capabilityId: null, payload })
  else await grantOrRefuse(deps, claim, { ...asked, payload })
  deps.notifications.ring('news', claim.organizationId)
}

/** The row may change while a host is resolved: then it is read again. */
async function grantOrRefuse(deps: WorkerDeps, claim: claims.ClaimOf<'lease'>, asked: Asked): Promise<void> {
  const { payload } = asked
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const capability = await grantedCapability(deps, asked)
    if (typeof capability === 'string') {
      return refuse(deps, claim, { fault: capability, capabilityId: null, payload })
    }
    const found = await leasable(deps, claim, { asked, mode: capability.mode })
    if (found === null) return
    if ('fault' in found) return refuse(deps, claim, { ...found, capabilityId: capability.id, payload })
    if (await grant(deps, claim, { asked, capability, ...found })) return
  }
  return refuse(deps, claim, { fault: 'conflict', capabilityId: null, payload })
}

/** The parts that do not depend on the lease itself. */
type LeasableContent = Omit<LeasedCredential, 'expiresAt' | 'id' | 'publicKey'>

interface Grant extends Leasable {
  readonly asked: Asked
  readonly capability: leases.GrantedCapability
}

/** Answers and records the lease; returns false and does nothing if its preconditions have changed. */
async function grant(deps: WorkerDeps, claim: claims.ClaimOf<'lease'>, granted: Grant): Promise<boolean> {
  const { asked, capability } = granted
  const { organizationId: org, datasourceId, payload } = asked
  const now = deps.clock()
  const expiresAt = new Date(Math.min(now.getTime() + payload.ttlSeconds * 1000, capability.expires_at.getTime()))
  const { credentialVersion: version } = granted.content
  const { publicKey } = payload
  const id = newId()
  const leaseId = typedId('lease_', id)
  const bound = { id: leaseId, publicKey, expiresAt: expiresAt.toISOString() }
  const content = { ...granted.content, ...bound } satisfies LeasedCredential
  const sealed = deps.leaseSealer.sealLease(Buffer.from(publicKey, 'base64'), content).toString('base64')
  const lease: Lease = { leaseId, sealed, expiresAt: content.expiresAt, credentialVersion: version }
  const end = await asWorker(deps, org, async unit => {
    // The claim was lost: its new holder answers, and this box is discarded.
    if (!(await assertHeld(unit.tx, claim))) return 'lost'
    const entry = {
      id,
      datasourceId,
      capabilityId: capability.id,
      version,
      verdictSignature: granted.verdictSignature,
      expiresAt,
    }
    if (!(await leases.insert(unit, entry))) return 'changed'
    await claims.finish(unit.tx, claim, { lease } satisfies TaskOutcome<'lease'>)
    await recordLease(unit, asked, { capabilityId: capability.id, outcome: 'ok' })
    return 'granted'
  })
  if (end === 'granted') {
    deps.log.info({ organizationId: org, datasourceId, leaseId, expiresAt: lease.expiresAt }, 'leased')
  }
  return end !== 'changed'
}

/** The leased credential, and the signature of the verdict that allows its use. */
interface Leasable {
  readonly content: LeasableContent
  readonly verdictSignature: Buffer
}

/** The leased credential, or a fault. Null if a check must come first; the claim was then released. */
async function leasable(
  deps: WorkerDeps,
  claim: claims.ClaimOf<'lease'>,
  { asked, mode }: { asked: Asked; mode: Mode },
): Promise<Leasable | TaskFault | null> {
  const { organizationId: org, datasourceId: id, payload } = asked
  const row = await sealed.datasource(deps.db, org, id)
  // Compares the whole typed id, including its prefix, with the requested one.
  if (row === undefined || datasourceId(row) !== payload.datasourceId) return { fault: 'entity_not_found' }
  if (row.mode !== mode) return { fault: 'capability_scope_denied' }
  if (row.kind !== 'direct') return { fault: 'conflict' }
  const use = await usableOrAwaited(deps, claim, row)
  if (use !== 'usable') return use
  const verdictSignature = row.verdict?.signature
  const inForce = row.current
  const secret =
    inForce === null
      ? null
      : openOr(
          () => openInForce(deps, row, inForce),
          () => null,
        )
  if (inForce === null || verdictSignature === undefined || secret?.kind !== 'direct')
    return { fault: 'credential_unreadable' }
  const { target, caCertificate } = secret
  const { version: credentialVersion } = inForce.context
  const { host, port, database } = target
  const found = await deps.dialler.locate({ host, port, database, deadlineMs: LOCATE_MS })
  if (found.failure !== null) return onceFound(failureSpec(found.failure.code).fault)
  const dialled = leasedTarget(target, found.openNetwork)
  if (dialled === null) return onceFound('tls_failed')
  const md5 = inForce.md5Allowed ? { md5Allowed: true as const } : {}
  const ca = caCertificate === null ? {} : { caCertificate, ...md5 }
  const where = { addresses: [...found.addresses], datasourceId: payload.datasourceId, mode: row.mode }
  const content = { connectionString: formatConnectionString(dialled), ...ca, ...where, credentialVersion }
  return { content, verdictSignature }
}

/**
 * Null for a malformed payload, so that the caller gets an answer at once: another worker's lease would come too late.
 */
function unlessMalformed(thrown: unknown): null {
  if (thrown instanceof ZodError) return null
  throw thrown
}

interface Refusal extends TaskFault {
  readonly capabilityId: string | null
  readonly payload: TaskPayload<'lease'> | null
}

/** Answers with a fault, and records it if it is known who was refused. */
async function refuse(deps: WorkerDeps, claim: claims.ClaimOf<'lease'>, refusal: Refusal): Promise<void> {
  const { capabilityId, payload, ...outcome } = refusal
  const { fault } = outcome
  const organizationId = claim.organizationId
  await asWorker(deps, claim.organizationId, async unit => {
    if (!(await claims.finish(unit.tx, claim, outcome satisfies TaskOutcome<'lease'>))) return
    if (payload === null || capabilityId === null) return
    const asked = { organizationId, datasourceId: claim.datasourceId, payload }
    await recordLease(unit, asked, { capabilityId, outcome: fault })
  })
  deps.log.warn({ ...aboutTask(claim), fault, stage: 'lease' }, 'lease refused')
}

/** Records a lease or its refusal as the holder's act. */
function recordLease(
  unit: UnitOfWork,
  { payload, datasourceId }: Asked,
  { capabilityId, outcome }: { capabilityId: string; outcome: string },
): Promise<void> {
  const { requestId, address } = payload
  const actor = { kind: 'capability', id: capabilityId, requestId, address } as const
  return audit.append(
    { ...unit, actor },
    { action: 'datasource.leased', objectKind: 'datasource', objectId: datasourceId, outcome },
  )
}
