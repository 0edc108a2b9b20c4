/**
 * Runs the whole checklist on a datasource that is registered, and changes nothing about it: what a verification would find
 * now. The worker opens the credential in force; nothing of it is in the task.
 */

import { eventOf, type KnownContext } from '#server/api/context.ts'
import { changeable } from '#server/api/procedure/find.ts'
import { once } from '#server/api/procedure/once.ts'
import { outcomeOf } from '#server/api/procedure/outcome.ts'
import { newId } from '#server/domain/access/ids.ts'
import * as audit from '#server/store/access/audit.ts'
import { transaction } from '#server/store/database/db.ts'
import { someOf } from '#server/store/datasources/datasources-of-mode.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { Validation } from '#shared/checks/validation.ts'
import type { ValidateRegisteredInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'
import { admitValidation } from './admit-validation.ts'

const KEPT_MS = 600_000

/**
 * Validates the one that is named, else the one direct datasource of the caller's mode. Throws `entity_not_found` where there is
 * none, `invalid_request` where there are several and for an endpoint, `timeout` past the deadline.
 */
export async function validateRegistered(ctx: KnownContext, input: ValidateRegisteredInput): Promise<Validation> {
  await admitValidation(ctx)
  return once(ctx, {
    path: 'datasources.validateRegistered',
    input,
    effect: async inside => submit(inside, await meant(inside, input)),
    answer: async (inside, { answer, ...asked }) =>
      answer ??
      Validation.parse(await outcomeOf(inside, { ...asked, waitMs: inside.parts.validateMs, late: 'withdrawn' })),
    lasting: (submitted, answer) => ({ ...submitted, answer }),
    waits: true,
    isWithdrawnLate: true,
    rings: ['work'],
  })
}

/** The UUID of what is meant. */
async function meant(ctx: KnownContext, { id }: ValidateRegisteredInput): Promise<string> {
  if (id !== undefined) {
    const row = await changeable(ctx, id, 'datasources.create')
    if (row.kind === 'direct') return row.id
    throw refused('id', 'An endpoint is checked by POST /v1/datasources/{id}/verify.')
  }
  const { organizationId, mode } = ctx.principal
  const [only, ...others] = await someOf(ctx.parts.db, organizationId, { mode, kind: 'direct', limit: 2 })
  if (only === undefined) throw new Fault('entity_not_found')
  if (others.length === 0) return only.id
  throw refused('connectionString', 'There are several: give one, or POST /v1/datasources/{id}/validate.')
}

function refused(param: string, message: string): Fault {
  return new Fault('invalid_request', { issues: [{ path: [param], code: 'ambiguous', message }] })
}

/** What was handed to the worker, and once it is there the answer: an outcome is taken once. */
interface Submitted {
  readonly taskId: string
  readonly datasourceId: string
  readonly answer?: Validation
}

async function submit(ctx: KnownContext, datasourceId: string): Promise<Submitted> {
  const { parts, principal } = ctx
  const taskId = newId()
  const now = parts.clock()
  const expiresAt = new Date(now.getTime() + KEPT_MS)
  const about = { action: 'datasource.validated', objectKind: 'datasource', objectId: datasourceId }
  await transaction(parts.db, async tx => {
    const task = { id: taskId, kind: 'validate' as const, datasourceId, payload: null, now, expiresAt }
    await tasks.submit(tx, principal.organizationId, task)
    await audit.append(tx, principal.organizationId, eventOf(ctx, about))
  })
  return { taskId, datasourceId }
}
