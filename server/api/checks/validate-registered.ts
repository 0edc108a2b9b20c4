/**
 * Runs the whole checklist on a registered datasource without changing it: what a verification would find now. The
 * worker opens the current credential; the task does not contain it.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import { awaiting } from '#server/api/procedure/idempotent.ts'
import { requireChangeable } from '#server/api/procedure/require-datasource.ts'
import { awaitTask, type OutcomeAccess, submitTask } from '#server/api/procedure/task.ts'
import * as audit from '#server/store/access/audit.ts'
import { someOf } from '#server/store/datasources/datasources-of-mode.ts'
import type { Validation } from '#shared/checks/validation.ts'
import type { ValidateRegisteredInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'
import { admitValidation } from './admit-validation.ts'

/**
 * Validates the named datasource, or else the only direct one of the caller's mode. Throws `entity_not_found` if there
 * is none, `invalid_request` if there are several and for an endpoint, `timeout` past the deadline.
 */
export async function validateRegistered(ctx: KnownContext, input: ValidateRegisteredInput): Promise<Validation> {
  await admitValidation(ctx)
  const submitted = async (inside: KnownContext) => submit(inside, await meant(inside, input))
  return awaiting({ ctx, path: 'datasources.validateRegistered', input }, submitted, {
    answer: async (inside, { answer, ...asked }, reading) => answer ?? outcome(inside, { ...asked, reading }),
    lasting: (submitted, answer) => ({ ...submitted, answer }),
    taskOf: ({ taskId }) => taskId,
    isWithdrawnLate: true,
    wakes: ['work'],
  })
}

function outcome(
  ctx: KnownContext,
  submitted: Omit<Submitted, 'answer'> & { reading: OutcomeAccess },
): Promise<Validation> {
  return awaitTask(ctx, { ...submitted, kind: 'validate', waitMs: ctx.deps.validateMs, late: 'withdrawn' })
}

/** The UUID of the requested datasource. */
async function meant(ctx: KnownContext, { id }: ValidateRegisteredInput): Promise<string> {
  if (id !== undefined) {
    const row = await requireChangeable(ctx, id, 'datasources.create')
    if (row.kind === 'direct') return row.id
    throw refused('id', 'An endpoint is checked by POST /v1/datasources/{id}/verify.')
  }
  const { organizationId, mode } = ctx.principal
  const [only, ...others] = await someOf(ctx.db, organizationId, { mode, kind: 'direct', limit: 2 })
  if (only === undefined) throw new Fault('entity_not_found')
  if (others.length === 0) return only.id
  throw refused('connectionString', 'There are several: name one, or use POST /v1/datasources/{id}/validate.')
}

function refused(param: string, message: string): Fault {
  return new Fault('invalid_request', { issues: [{ path: [param], code: 'ambiguous', message }] })
}

/** A submitted task, and its answer if there is one: the answer ends the task. */
interface Submitted {
  readonly taskId: string
  readonly datasourceId: string
  readonly answer?: Validation
}

async function submit(ctx: KnownContext, datasourceId: string): Promise<Submitted> {
  const about = { action: 'datasource.validated', objectKind: 'datasource', objectId: datasourceId }
  return asCaller(ctx, async unit => {
    const taskId = await submitTask({ ...ctx, db: unit.tx }, { kind: 'validate', datasourceId, payload: null })
    await audit.append(unit, about)
    return { taskId, datasourceId }
  })
}
