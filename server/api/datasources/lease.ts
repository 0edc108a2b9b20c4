/**
 * Leases, the web tier's part: passes the presented token on to the worker, which checks it itself, and hands back the box
 * that the worker sealed to the holder. Nothing here can be read by this process.
 */

import { z } from 'zod'
import { eventOf, type KnownContext } from '#server/api/context.ts'
import { rowOf } from '#server/api/procedure/find.ts'
import { outcomeOf } from '#server/api/procedure/outcome.ts'
import { newId } from '#server/domain/access/ids.ts'
import { isUsablePublicKey } from '#server/domain/access/lease.ts'
import { refusal } from '#server/domain/access/scope.ts'
import { packBox } from '#server/domain/access/sealed.ts'
import * as audit from '#server/store/access/audit.ts'
import * as leases from '#server/store/access/leases.ts'
import { transaction } from '#server/store/database/db.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { Lease, type LeaseId, type LeaseInput } from '#shared/access/lease.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import { faultOfTask, TaskFault } from '#shared/faults/task-fault.ts'

const KEPT_MS = 600_000

const Outcome = z.union([z.object({ lease: Lease }), TaskFault])

/** Leases the credential in force to the caller's one-time key. Throws `timeout` when no worker answers within `parts.answerMs`. */
export async function lease(ctx: KnownContext, input: LeaseInput): Promise<Lease> {
  using _place = ctx.parts.waiters.take(ctx.principal)
  const row = await rowOf(ctx, input.id)
  const denied = refusal(ctx.principal, 'datasources.lease', { datasourceId: row.id, mode: row.mode })
  if (denied !== null) throw new Fault(denied)
  // A key has not this scope, and would not do: it takes a capability that an operator has signed.
  if (ctx.principal.kind !== 'capability') throw new Fault('forbidden')
  if (row.kind !== 'direct') throw refusedAt('id', 'An endpoint has no credential to lease.')
  if (!isUsablePublicKey(Buffer.from(input.publicKey, 'base64')))
    throw refusedAt('publicKey', 'That is no X25519 public key of 32 bytes, or one that hides nothing.')
  const taskId = await submit(ctx, { datasourceId: row.id, input })
  ctx.parts.signals.ring('work')
  // Past the deadline nobody reads the answer: token and task go, and a worker that is at it leases nothing.
  return leaseIn(await outcomeOf(ctx, { taskId, datasourceId: row.id, waitMs: ctx.parts.answerMs, late: 'withdrawn' }))
}

function refusedAt(field: string, message: string): Fault {
  return new Fault('invalid_body', { issues: [{ path: [field], code: 'not_leasable', message }] })
}

async function submit(ctx: KnownContext, of: { datasourceId: string; input: LeaseInput }): Promise<string> {
  const { parts, principal, requestId, address } = ctx
  const organizationId = principal.organizationId
  const taskId = newId()
  const now = parts.clock()
  const key = await parts.sealingKeys.of(parts.db, organizationId)
  const { id: datasourceId, publicKey, ttlSeconds } = of.input
  const notAfter = now.getTime() + parts.answerMs
  const payload = { token: ctx.token(), publicKey, ttlSeconds, datasourceId, notAfter, requestId, address }
  await tasks.submit(parts.db, organizationId, {
    id: taskId,
    kind: 'lease',
    datasourceId: of.datasourceId,
    payload: packBox(parts.sealer.sealTask(key, { organizationId, taskId }, payload)),
    now,
    expiresAt: new Date(now.getTime() + KEPT_MS),
  })
  return taskId
}

function leaseIn(outcome: unknown): Lease {
  const found = Outcome.parse(outcome)
  if ('fault' in found) throw faultOfTask(found)
  return found.lease
}

/** Ends a lease that the calling capability took. Another's, one that has ended and one that never was: all the same. */
export async function releaseLease(ctx: KnownContext, leaseId: LeaseId): Promise<{ leaseId: LeaseId }> {
  const { parts, principal } = ctx
  const id = uuidOf(leaseId, 'lease_')
  if (id === null) throw new Fault('entity_not_found')
  await transaction(parts.db, async tx => {
    const which = { id, capabilityId: principal.id, by: 'released' as const, now: parts.clock() }
    if ((await leases.end(tx, principal.organizationId, which)) === undefined) throw new Fault('entity_not_found')
    const about = { action: 'lease.released', objectKind: 'lease', objectId: id }
    await audit.append(tx, principal.organizationId, eventOf(ctx, about))
  })
  return { leaseId }
}
