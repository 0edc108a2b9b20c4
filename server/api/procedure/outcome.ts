/**
 * Waits for the outcome of a task that the worker does once, for the request that submitted it.
 */

import type { WebParts } from '#server/api/context.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { Fault } from '#shared/faults/fault.ts'
import { awaited } from './wait.ts'

/** A task whose outcome is awaited. */
export interface Awaited {
  readonly taskId: string
  /** Null where it is about none that is registered. */
  readonly datasourceId: string | null
  readonly waitMs: number
  /** What becomes of it past the deadline: it goes with what was sealed into it, or is done all the same. */
  readonly late: 'withdrawn' | 'left'
}

/** For whom it was submitted. */
interface Asker {
  readonly parts: WebParts
  readonly principal: Pick<Principal, 'organizationId'>
}

/**
 * Takes a task's outcome. Throws `timeout` when there is none within `waitMs`, and at once when there will be none because
 * somebody has taken it; `entity_not_found` as soon as the datasource is removed, which ends its tasks.
 */
export async function outcomeOf(ctx: Asker, of: Awaited): Promise<unknown> {
  const { db } = ctx.parts
  const org = ctx.principal.organizationId
  const done = await awaited(ctx, of.waitMs, () => tasks.takeOutcome(db, org, of.taskId))
  const found = done ?? (of.late === 'withdrawn' ? await tasks.withdraw(db, org, of.taskId) : undefined)
  if (found !== undefined && found !== 'ended') return found.outcome
  const isThere = of.datasourceId === null || (await datasources.find(db, org, { id: of.datasourceId })) !== undefined
  throw new Fault(isThere ? 'timeout' : 'entity_not_found')
}
