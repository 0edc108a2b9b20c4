/**
 * The web tier's part of leases: passes the presented token to the worker, which verifies it itself, and returns the
 * box that the worker sealed to the holder. This process cannot read any of it.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { awaitTask, submitTask } from '#server/api/procedure/task.ts'
import { isUsablePublicKey } from '#server/domain/access/lease.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as audit from '#server/store/access/audit.ts'
import * as leases from '#server/store/access/leases.ts'
import type { Lease, LeaseId, LeaseInput } from '#shared/access/lease.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import { faultOfTask } from '#shared/faults/task-fault.ts'

/**
 * Leases the current credential to the caller's one-time key. Throws `timeout` if no worker answers within
 * `deps.answerMs`.
 */
export async function lease(ctx: KnownContext, input: LeaseInput): Promise<Lease> {
  using _place = ctx.deps.waiters.take(ctx.principal)
  const row = await requireDatasource(ctx, input.id)
  requireScope(ctx.principal, 'datasources.lease', { datasourceId: row.id, mode: row.mode })
  // A key does not have this scope, and would not suffice: it takes a capability that an operator has signed.
  if (ctx.principal.kind !== 'capability') throw new Fault('forbidden')
  if (row.kind !== 'direct') throw refusedAt('id', 'An endpoint has no credential to lease.')
  if (!isUsablePublicKey(Buffer.from(input.publicKey, 'base64')))
    throw refusedAt('publicKey', 'That is not an X25519 public key of 32 bytes, or it is one that protects nothing.')
  const taskId = await submit(ctx, { datasourceId: row.id, input })
  ctx.deps.notifications.ring('work')
  // Nobody reads the answer after the deadline: token and task are deleted, and a worker in the middle of it leases
  // nothing.
  const asked = { taskId, datasourceId: row.id, waitMs: ctx.deps.answerMs, late: 'withdrawn' as const }
  const outcome = await awaitTask(ctx, { ...asked, kind: 'lease' })
  if ('fault' in outcome) throw faultOfTask(outcome)
  return outcome.lease
}

function refusedAt(field: string, message: string): Fault {
  return new Fault('invalid_body', { issues: [{ path: [field], code: 'not_leasable', message }] })
}

function submit(ctx: KnownContext, leaseCall: { datasourceId: string; input: LeaseInput }): Promise<string> {
  const { deps, requestId, address } = ctx
  const { id: datasourceId, publicKey, ttlSeconds } = leaseCall.input
  const notAfter = deps.clock().getTime() + deps.answerMs
  const payload = { token: ctx.token(), publicKey, ttlSeconds, datasourceId, notAfter, requestId, address }
  return submitTask(ctx, { kind: 'lease', datasourceId: leaseCall.datasourceId, payload })
}

/**
 * Ends a lease that the calling capability took. Another's lease, an ended one and an unknown one are
 * indistinguishable.
 */
export async function releaseLease(ctx: KnownContext, leaseId: LeaseId): Promise<{ leaseId: LeaseId }> {
  const { principal } = ctx
  const id = uuidOf(leaseId, 'lease_')
  if (id === null) throw new Fault('entity_not_found')
  await asCaller(ctx, async unit => {
    const which = { id, capabilityId: principal.id, by: 'released' as const }
    if ((await leases.end(unit, which)) === undefined) throw new Fault('entity_not_found')
    const about = { action: 'lease.released', objectKind: 'lease', objectId: id }
    await audit.append(unit, about)
  })
  return { leaseId }
}
