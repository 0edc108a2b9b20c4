/**
 * Runs the whole checklist on a connection string without registering it. The string travels to the worker as a task's
 * payload, sealed like a credential, and is deleted with the task; nothing else is stored.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { awaiting } from '#server/api/procedure/idempotent.ts'
import { awaitTask, type OutcomeAccess, submitTask } from '#server/api/procedure/task.ts'
import { parseString, type SplitString, schemaOf, withAdvice } from '#server/api/registration/parse-registration.ts'
import { requireOurKey } from '#server/api/registration/sealing.ts'
import { placeFix } from '#server/domain/checks/fixes/place-fixes.ts'
import { judgeHost, type PlaceRefusal } from '#server/domain/network/host-policy.ts'
import type { AskedPayload } from '#server/domain/tasks/contract.ts'
import * as audit from '#server/store/access/audit.ts'
import type { Validation } from '#shared/checks/validation.ts'
import type { ValidateInput } from '#shared/datasources/registration.ts'
import { failureSpec } from '#shared/faults/failure.ts'
import { Fault } from '#shared/faults/fault.ts'
import { admitValidation } from './admit-validation.ts'

/**
 * Validates it within `deps.validateMs`. A refused host is a verdict here. Throws `invalid_body` for an invalid string,
 * `timeout` past the deadline.
 */
export async function validate(ctx: KnownContext, input: z.output<typeof ValidateInput>): Promise<Validation> {
  await admitValidation(ctx)
  const { parsed, refusal } = parsedOrRefused(ctx, input)
  const host = 'connectionString' in input ? input.connectionString.target.host : input.host
  const schema = parsed === null ? null : schemaOf(input.schema, parsed)
  const dbType = input.dbType ?? 'postgresql'
  const payload = parsed === null ? null : { secret: parsed.secret, schema, dbType }
  const submitted = async (inside: KnownContext) => {
    // Inside the transaction: a replay is answered even if the key was retired meanwhile.
    await requireOurKey(inside, input)
    return submit(inside, payload)
  }
  return awaiting({ ctx, path: 'datasources.validate', input }, submitted, {
    answer: async (inside, { taskId, answer }, reading) =>
      withAdvice(
        taskId === null ? refusedHost(refusal, host) : (answer ?? (await outcome(inside, taskId, reading))),
        parsed ?? NO_ADVICE,
      ),
    lasting: (submitted, answer) => ({ ...submitted, answer }),
    taskOf: ({ taskId }) => taskId,
    isWithdrawnLate: true,
    wakes: ['work'],
  })
}

const NO_ADVICE = { advisories: [] }

interface ParsedOrRefused {
  readonly parsed: SplitString | null
  readonly refusal: PlaceRefusal
}

/** Null for a host that is refused without a look-up: that verdict needs no worker. */
function parsedOrRefused(ctx: KnownContext, input: z.output<typeof ValidateInput>): ParsedOrRefused {
  try {
    return { parsed: parseString(ctx, input), refusal: 'host_refused' }
  } catch (thrown) {
    if (!(thrown instanceof Fault && thrown.code === 'byo_host_not_allowed')) throw thrown
    const place = 'connectionString' in input ? input.connectionString.target : input
    const decision = judgeHost({ host: place.host, port: place.port, purpose: 'postgres' }, ctx.deps.policy)
    return { parsed: null, refusal: decision.verdict === 'refuse' ? decision.code : 'host_refused' }
  }
}

function refusedHost(refusal: PlaceRefusal, host: string): Validation {
  const failure = { item: 'host' as const, actual: failureSpec(refusal).observed, fix: placeFix(refusal, host) }
  return { reachable: false, ready: false, reason: 'byo_host_not_allowed', failures: [failure], advisories: [] }
}

/** A submitted task, and its answer if there is one: the answer ends the task. */
interface Submitted {
  readonly taskId: string | null
  readonly answer?: Validation
}

/** Submits it to the worker, if there is anything to dial, and records the request. */
async function submit(ctx: KnownContext, payload: AskedPayload<'validate'> | null): Promise<Submitted> {
  const about = { action: 'datasource.validated', objectKind: null, objectId: null }
  return asCaller(ctx, async unit => {
    await audit.append(unit, about)
    if (payload === null) return { taskId: null }
    return { taskId: await submitTask({ ...ctx, db: unit.tx }, { kind: 'validate', datasourceId: null, payload }) }
  })
}

/** Nobody reads the outcome after the deadline: the string is deleted and never dialled. */
function outcome(ctx: KnownContext, taskId: string, reading: OutcomeAccess): Promise<Validation> {
  const waitMs = ctx.deps.validateMs
  return awaitTask(ctx, { kind: 'validate', taskId, datasourceId: null, waitMs, late: 'withdrawn', reading })
}
