/**
 * Runs the whole checklist on a connection string without registering it. The string travels to the worker as a task's
 * payload, sealed like a credential, and goes with the task; nothing else is stored.
 */
import type { z } from 'zod'
import { newId } from '#server/domain/ids.ts'
import { packBox } from '#server/domain/sealed.ts'
import * as tasks from '#server/store/tasks.ts'
import type { ValidateInput } from '#shared/datasource.ts'
import { failureSpec } from '#shared/failure.ts'
import { Fault } from '#shared/fault.ts'
import { Validation } from '#shared/validation.ts'
import type { KnownContext } from './context.ts'
import { type DraftedString, draftString } from './draft.ts'
import { once } from './once.ts'
import { requireOurKey } from './sealing.ts'
import { awaited } from './wait.ts'

const DEADLINE_MS = 30_000
const KEPT_MS = 600_000

/** Validates it within 30 s. A refused host is a verdict here. Throws `invalid_body` for no string, `timeout` past the deadline. */
export async function validate(ctx: KnownContext, input: z.output<typeof ValidateInput>): Promise<Validation> {
  await requireOurKey(ctx, input)
  let drafted: DraftedString
  try {
    drafted = draftString(ctx, input)
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'byo_host_not_allowed') return refusedHost()
    throw thrown
  }
  const payload = {
    secret: drafted.secret,
    schema: input.schema === undefined ? 'public' : input.schema,
    dbType: input.dbType ?? 'postgresql',
  }
  return once(ctx, {
    path: 'datasources.validate',
    // Nothing is changed, so tRPC takes no key for it; a dialect's header is honoured.
    input: {},
    effect: within => submit(within, payload),
    answer: (within, { taskId }) => outcome(within, taskId),
    waits: true,
    rings: ['work'],
  })
}

/** What is decided without a look-up needs no worker. */
function refusedHost(): Validation {
  const { saw, fix } = failureSpec('host_refused')
  return {
    reachable: false,
    ready: false,
    reason: 'byo_host_not_allowed',
    failures: [{ item: 'host', actual: saw, fix }],
    advisories: [],
  }
}

async function submit(ctx: KnownContext, payload: object): Promise<{ taskId: string }> {
  const { parts, principal } = ctx
  const organizationId = principal.organizationId
  const taskId = newId()
  const key = await parts.sealingKeys.of(parts.db, organizationId)
  const now = parts.clock()
  await tasks.submit(parts.db, organizationId, {
    id: taskId,
    kind: 'validate',
    datasourceId: null,
    payload: packBox(parts.sealer.sealTask(key, { organizationId, taskId }, payload)),
    now,
    expiresAt: new Date(now.getTime() + KEPT_MS),
  })
  return { taskId }
}

async function outcome(ctx: KnownContext, taskId: string): Promise<Validation> {
  const { parts, principal } = ctx
  const found = await awaited(parts, DEADLINE_MS, () => tasks.takeOutcome(parts.db, principal.organizationId, taskId))
  if (found === undefined) throw new Fault('timeout')
  return Validation.parse(found)
}
