/**
 * Requests and awaits work that only the worker can do: the web tier's end of `domain/tasks/contract.ts`. A payload is
 * sealed like a credential and deleted with its task.
 */

import type { WebDeps } from '#server/api/context.ts'
import { newId } from '#server/domain/access/ids.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import { packBox } from '#server/domain/access/sealed.ts'
import {
  type AskedKind,
  type AskedPayload,
  CONTRACT,
  PAYLOAD_VERSION,
  type TaskOutcome,
} from '#server/domain/tasks/contract.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import type { Db } from '#server/store/tables/tables.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { Fault } from '#shared/faults/fault.ts'
import { pollUntil } from './poll-until.ts'

/** The requester of a task. */
export interface Asker {
  /** The pool, or the transaction that the request belongs to. */
  readonly db: Db
  readonly deps: Pick<WebDeps, 'clock' | 'notifications' | 'sealer' | 'sealingKeys' | 'waiters'>
  readonly principal: Pick<Principal, 'organizationId'>
}

/** A task to submit. `datasourceId` is its datasource's UUID; null if it concerns no registered one. */
export interface TaskRequest<K extends AskedKind> {
  readonly kind: K
  readonly datasourceId: string | null
  /** Null if the task needs nothing but its datasource. */
  readonly payload: AskedPayload<K> | null
}

/** Seals the request into a task and makes it due. Returns its id. The caller notifies the workers after the commit. */
export async function submitTask<K extends AskedKind>(
  { db, deps, principal }: Asker,
  asked: TaskRequest<K>,
): Promise<string> {
  const { organizationId } = principal
  const taskId = newId()
  const key = asked.payload === null ? null : await deps.sealingKeys.of(db, organizationId)
  const content = { version: PAYLOAD_VERSION, ...asked.payload }
  const now = deps.clock()
  await tasks.submit(db, organizationId, {
    id: taskId,
    kind: asked.kind,
    datasourceId: asked.datasourceId,
    payload: key === null ? null : packBox(deps.sealer.sealTask(key, { organizationId, taskId }, content)),
    now,
    expiresAt: new Date(now.getTime() + CONTRACT[asked.kind].keptMs),
  })
  return taskId
}

/** A task whose outcome is awaited. */
export interface AwaitedTask<K extends AskedKind> {
  readonly kind: K
  readonly taskId: string
  /** Null if it concerns no registered datasource. */
  readonly datasourceId: string | null
  readonly waitMs: number
  /** After the deadline, the task is either withdrawn with its payload or left to continue. */
  readonly late: 'withdrawn' | 'left'
  /**
   * Whether the outcome is taken together with its task or only read: the task then stays until the answer built from
   * it is stored.
   */
  readonly reading?: OutcomeAccess
}

/** How an outcome is looked at. */
export type OutcomeAccess = 'taken' | 'read'

/**
 * Takes or reads a task's outcome. Throws `timeout` if there is none within `waitMs`, and at once if another request
 * has taken it; `entity_not_found` as soon as the datasource is removed, which ends its tasks.
 */
export async function awaitTask<K extends AskedKind>(
  asker: Asker,
  { reading, waitMs, taskId, late, kind, datasourceId }: AwaitedTask<K>,
): Promise<TaskOutcome<K>> {
  const { db } = asker
  const org = asker.principal.organizationId
  const look = reading === 'read' ? outcomes.readOutcome : outcomes.takeOutcome
  const done = await pollUntil(asker, waitMs, () => look(db, org, taskId))
  const found = done ?? (late === 'withdrawn' ? await outcomes.cancel(db, org, taskId) : undefined)
  // Sound: the schema belongs to the kind, which the compiler cannot follow through the table.
  if (found !== undefined && found !== 'ended') return CONTRACT[kind].outcome.parse(found.outcome) as TaskOutcome<K>
  const isThere = datasourceId === null || (await datasources.find(db, org, { id: datasourceId })) !== undefined
  throw new Fault(isThere ? 'timeout' : 'entity_not_found')
}
