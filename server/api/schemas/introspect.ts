/**
 * `snapshots.introspect`: requests an introspection from the worker and awaits it, up to 30 s in total. An unverified
 * datasource is verified first within the same time, since an untrusted one is not read.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { awaitVerification, verifyTask } from '#server/api/procedure/await-verification.ts'
import { awaiting } from '#server/api/procedure/idempotent.ts'
import { requireChangeable, requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { awaitTask, type OutcomeAccess, submitTask } from '#server/api/procedure/task.ts'
import { snapshotToResponse } from '#server/api/responses/snapshot.ts'
import * as audit from '#server/store/access/audit.ts'
import type { DatasourceRow } from '#server/store/datasources/datasources.ts'
import * as snapshots from '#server/store/schemas/snapshots.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { FAULTS, Fault, isFaultCode } from '#shared/faults/fault.ts'
import { currentCode } from '#shared/faults/fault-names.ts'
import { faultOfTask } from '#shared/faults/task-fault.ts'
import type { IntrospectInput, Introspection } from '#shared/schemas/introspection.ts'

const DEADLINE_MS = 30_000

/**
 * Introspects. Throws `conflict` for a rejected datasource and, retryable, for one whose refusal awaits confirmation;
 * `introspection_failed` or `database_unreachable`; and `timeout` past the deadline, in which case the task continues.
 */
export async function introspect(ctx: KnownContext, input: z.output<typeof IntrospectInput>): Promise<Introspection> {
  const startedAt = performance.now()
  const leftMs = () => Math.max(0, DEADLINE_MS - (performance.now() - startedAt))
  const call = { ctx, path: 'snapshots.introspect', input }
  const submitted = async (inside: KnownContext) =>
    submit(inside, await introspectable(inside, input), input.schemas ?? null)
  return awaiting(call, submitted, {
    before: async () => {
      const row = await introspectable(ctx, input)
      if (row.status === 'unverified') await verifyFirst(ctx, row, leftMs())
      await requireActive(ctx, input)
    },
    answer: async (within, { taskId, found }, reading) => {
      const row = await introspectable(within, input)
      const stored = found ?? (await outcome(within, { row, taskId, waitMs: leftMs(), reading }))
      return presented(within, { row, ...stored })
    },
    lasting: ({ taskId }, { snapshot, changed }) => ({
      taskId,
      found: { snapshotId: uuidOf(snapshot.id, 'snap_') ?? '', changed },
    }),
    taskOf: ({ taskId }) => taskId,
    wakes: ['work'],
  })
}

async function introspectable(ctx: KnownContext, input: z.output<typeof IntrospectInput>): Promise<DatasourceRow> {
  const row = await requireChangeable(ctx, input.id, 'datasources.introspect')
  if (row.kind !== 'direct') throw new Fault('entity_not_found')
  return row
}

async function verifyFirst(ctx: KnownContext, row: DatasourceRow, waitMs: number): Promise<void> {
  const request = await asCaller(ctx, unit => tasks.request(unit, verifyTask(row.id)))
  ctx.deps.notifications.ring('work')
  await awaitVerification(ctx, { id: row.id, request, waitSeconds: waitMs / 1000 })
}

/** A refused datasource is not read: its `statusReason` has the reason. */
async function requireActive(ctx: KnownContext, input: z.output<typeof IntrospectInput>): Promise<void> {
  const row = await requireDatasource(ctx, input.id)
  if (row.status === 'active') return
  const reason = currentCode(row.status_reason ?? '')
  if (row.status === 'unverified') throw new Fault(isFaultCode(reason) ? reason : 'timeout')
  const message = isFaultCode(reason) ? FAULTS[reason].message : FAULTS.conflict.message
  throw new Fault('conflict', { issues: [{ path: [], code: reason, message }] })
}

interface Found {
  readonly snapshotId: string
  readonly changed: boolean
}

/** A submitted task, and its finding once known: the stored answer ends the task. */
interface Submitted {
  readonly taskId: string
  readonly found?: Found
}

async function submit(ctx: KnownContext, row: DatasourceRow, schemas: string[] | null): Promise<Submitted> {
  const about = { action: 'datasource.introspected', objectKind: 'datasource', objectId: row.id }
  return asCaller(ctx, async unit => {
    const taskId = await submitTask(
      { ...ctx, db: unit.tx },
      {
        kind: 'introspect',
        datasourceId: row.id,
        payload: { schemas },
      },
    )
    await audit.append(unit, about)
    return { taskId }
  })
}

type Waited = { row: DatasourceRow; taskId: string; waitMs: number; reading: OutcomeAccess }

async function outcome(ctx: KnownContext, { row, ...asked }: Waited): Promise<Found> {
  const outcome = await awaitTask(ctx, { ...asked, kind: 'introspect', datasourceId: row.id, late: 'left' })
  if ('fault' in outcome) throw faultOfTask(outcome)
  return outcome
}

async function presented(
  ctx: KnownContext,
  { row, changed, snapshotId }: Found & { row: DatasourceRow },
): Promise<Introspection> {
  const stored = await snapshots.findPacked(ctx.db, ctx.principal.organizationId, snapshotId)
  if (stored === undefined) throw new Fault('entity_not_found')
  const { tables, schemas, findings, hidden } = await ctx.deps.snapshotReader.names(stored, ctx.answers)
  return {
    snapshot: snapshotToResponse(stored, row),
    tables: [...tables],
    schemasIntrospected: [...schemas],
    findings: [...findings],
    hidden,
    changed,
    introspectedAt: stored.seen_at.toISOString(),
  }
}
