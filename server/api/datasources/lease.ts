/**
 * Leases, the web tier's part: passes the presented token on to the worker, which checks it itself, and hands back the box
 * that the worker sealed to the holder. Nothing here can be read by this process.
 */

import { eventOf, type KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { awaitTask, submitTask } from '#server/api/procedure/task.ts'
import { isUsablePublicKey } from '#server/domain/access/lease.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as audit from '#server/store/access/audit.ts'
import * as leases from '#server/store/access/leases.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Lease, LeaseId, LeaseInput } from '#shared/access/lease.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import { faultOfTask } from '#shared/faults/task-fault.ts'

/** Leases the credential in force to the caller's one-time key. Throws `timeout` when no worker answers within `deps.answerMs`. */
export async function lease(ctx: KnownContext, input: LeaseInput): Promise<Lease> {
  using _place = ctx.deps.waiters.take(ctx.principal)
  const row = await requireDatasource(ctx, input.id)
  requireScope(ctx.principal, 'datasources.lease', { datasourceId: row.id, mode: row.mode })
  // A key has not this scope, and would not do: it takes a capability that an operator has signed.
  if (ctx.principal.kind !== 'capability') throw new Fault('forbidden')
  if (row.kind !== 'direct') throw refusedAt('id', 'An endpoint has no credential to lease.')
  if (!isUsablePublicKey(Buffer.from(input.publicKey, 'base64')))
    throw refusedAt('publicKey', 'That is no X25519 public key of 32 bytes, or one that hides nothing.')
  const taskId = await submit(ctx, { datasourceId: row.id, input })
  ctx.deps.notifications.ring('work')
  // Past the deadline nobody reads the answer: token and task go, and a worker that is at it leases nothing.
  const asked = { taskId, datasourceId: row.id, waitMs: ctx.deps.answerMs, late: 'withdrawn' as const }
  const outcome = await awaitTask(ctx, { ...asked, kind: 'lease' })
  if ('fault' in outcome) throw faultOfTask(outcome)
  return outcome.lease
}

function refusedAt(field: string, message: string): Fault {
  return new Fault('invalid_body', { issues: [{ path: [field], code: 'not_leasable', message }] })
}

function submit(ctx: KnownContext, of: { datasourceId: string; input: LeaseInput }): Promise<string> {
  const { deps, requestId, address } = ctx
  const { id: datasourceId, publicKey, ttlSeconds } = of.input
  const notAfter = deps.clock().getTime() + deps.answerMs
  const payload = { token: ctx.token(), publicKey, ttlSeconds, datasourceId, notAfter, requestId, address }
  return submitTask(ctx, { kind: 'lease', datasourceId: of.datasourceId, payload })
}

/** Ends a lease that the calling capability took. Another's, one that has ended and one that never was: all the same. */
export async function releaseLease(ctx: KnownContext, leaseId: LeaseId): Promise<{ leaseId: LeaseId }> {
  const { deps, principal } = ctx
  const id = uuidOf(leaseId, 'lease_')
  if (id === null) throw new Fault('entity_not_found')
  await transaction(deps.db, async tx => {
    const which = { id, capabilityId: principal.id, by: 'released' as const, now: deps.clock() }
    if ((await leases.end(tx, principal.organizationId, which)) === undefined) throw new Fault('entity_not_found')
    const about = { action: 'lease.released', objectKind: 'lease', objectId: id }
    await audit.append(tx, principal.organizationId, eventOf(ctx, about))
  })
  return { leaseId }
}
