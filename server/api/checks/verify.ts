/**
 * Makes a datasource's check due now, at a caller's request.
 * The worker performs the check.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { type AwaitedVerification, awaitVerification, verifyTask } from '#server/api/procedure/await-verification.ts'
import { awaiting, idempotentAs } from '#server/api/procedure/idempotent.ts'
import { requireChangeable } from '#server/api/procedure/require-datasource.ts'
import * as audit from '#server/store/access/audit.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { VerifyInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'

/** Makes the check due, and returns the datasource, after the check if the caller waits for it. */
export async function verify(ctx: KnownContext, input: z.output<typeof VerifyInput>): Promise<Datasource> {
  const waitSeconds = input.waitSeconds ?? 0
  const call = { ctx, path: 'datasources.verify', input }
  const requested = (inside: KnownContext) => request(inside, input)
  const answer = (inside: KnownContext, placed: AwaitedVerification) =>
    awaitVerification(inside, { ...placed, waitSeconds })
  const of = { answer, wakes: ['work'] as const }
  return waitSeconds > 0 ? awaiting(call, requested, of) : idempotentAs(call, requested, of)
}

async function request(ctx: KnownContext, input: z.output<typeof VerifyInput>): Promise<AwaitedVerification> {
  const { id } = await requireChangeable(ctx, input.id, 'datasources.update')
  const about = { action: 'datasource.verification_requested', objectKind: 'datasource', objectId: id }
  return asCaller(ctx, async unit => {
    if ((await lockDatasource(unit, { id })) === undefined) throw new Fault('entity_not_found')
    await audit.append(unit, about)
    return { id, request: await tasks.request(unit, verifyTask(id)) }
  })
}
