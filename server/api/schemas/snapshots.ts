/**
 * The procedures of snapshots: introspect now, list, read, compare. None of them dials: the worker does, and stores its
 * findings.
 */

import { z } from 'zod'
import type { KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { procedure, router } from '#server/api/procedure/trpc.ts'
import { snapshotToResponse } from '#server/api/responses/snapshot.ts'
import { JsonText } from '#server/api/schemas/reader/json-text.ts'
import { PartText } from '#server/api/schemas/reader/snapshot-reader.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as snapshots from '#server/store/schemas/snapshots.ts'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import type { Change } from '#shared/schemas/drift/drift.ts'
import {
  Drift,
  DriftInput,
  IntrospectInput,
  Introspection,
  SnapshotGetInput,
  SnapshotListInput,
  SnapshotPage,
  SnapshotSummary,
} from '#shared/schemas/introspection.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { introspect } from './introspect.ts'

/** Callers see a `Snapshot`; here it is JSON text, which nothing on this event loop parses. */
const SnapshotWhole = z.object({
  summary: SnapshotSummary,
  content: z.custom<Snapshot>(part => part instanceof PartText),
})
/** As with `SnapshotWhole`, callers see the changes; here they are JSON text. */
const DriftText = Drift.extend({ changes: z.custom<Change[]>(changes => changes instanceof JsonText) })

/** `snapshots.*`. */
export const snapshotsRouter = router({
  /** Introspects now, and returns the result; an unverified datasource is verified first. */
  introspect: procedure('datasources.introspect')
    .input(IntrospectInput)
    .output(Introspection)
    .mutation(({ ctx, input }) => introspect(ctx, input)),

  /** Snapshots of a datasource, newest first, without their content. */
  list: procedure('datasources.read')
    .input(SnapshotListInput)
    .output(SnapshotPage)
    .query(async ({ ctx, input }) => {
      const row = await readable(ctx, input.id)
      const { limit, cursor } = input
      const olderThan = cursor === undefined ? undefined : uuidOf(cursor, 'snap_')
      if (olderThan === null)
        throw new Fault('invalid_request', {
          issues: [{ path: ['cursor'], code: 'cursor', message: 'not a cursor of this list' }],
        })
      const found = await snapshots.list(ctx.db, row.org_id, {
        datasourceId: row.id,
        limit: limit + 1,
        olderThan,
      })
      const items = found.slice(0, limit).map(summary => snapshotToResponse(summary, row))
      return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null }
    }),

  /** One snapshot: the whole, one schema of it, or one table. */
  get: procedure('datasources.read')
    .input(SnapshotGetInput)
    .output(SnapshotWhole)
    .query(async ({ ctx, input }) => {
      const uuid = uuidOf(input.snapshotId, 'snap_')
      const org = ctx.principal.organizationId
      const snapshot = uuid === null ? undefined : await snapshots.findPacked(ctx.db, org, uuid)
      if (snapshot === undefined) throw new Fault('entity_not_found')
      const row = await ownerOf(ctx, snapshot.datasource_id)
      const part: unknown = await ctx.deps.snapshotReader.part(snapshot, input, ctx.answers)
      // The cast is sound: the bytes that replace the mark have this shape.
      return { summary: snapshotToResponse(snapshot, row), content: part as Snapshot }
    }),

  /** The snapshot that was last seen to hold, without its content. */
  latest: procedure('datasources.read')
    .input(z.strictObject({ id: DatasourceId }))
    .output(SnapshotSummary)
    .query(async ({ ctx, input }) => {
      const row = await readable(ctx, input.id)
      const latest = await snapshots.latest(ctx.db, row.org_id, { datasourceId: row.id })
      if (latest === undefined) throw new Fault('entity_not_found')
      return snapshotToResponse(latest, row)
    }),

  /** The drift between two snapshots of a datasource, over the schemas that both cover. */
  drift: procedure('datasources.read')
    .input(DriftInput)
    .output(DriftText)
    .query(async ({ ctx, input }) => {
      const [from, to] = [await found(ctx, input.from), await found(ctx, input.to)]
      if (from.row.id !== to.row.id) {
        const message = 'Both snapshots must be of one datasource.'
        throw new Fault('invalid_request', { issues: [{ path: ['to'], code: 'other_datasource', message }] })
      }
      const { counts, notes, changes } = await ctx.deps.snapshotReader.drift(from.snapshot, to.snapshot, ctx.answers)
      // Sound: the bytes that replace the mark have this shape.
      return { ...input, counts, notes, changes: changes as unknown as Change[] }
    }),
})

async function readable(ctx: KnownContext, id: DatasourceId) {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, 'datasources.read', { datasourceId: row.id })
  return row
}

/** A snapshot by its id, with its datasource: a removed one no longer has snapshots. */
async function found(ctx: KnownContext, id: string) {
  const uuid = uuidOf(id, 'snap_')
  const snapshot = uuid === null ? undefined : await snapshots.findPacked(ctx.db, ctx.principal.organizationId, uuid)
  if (snapshot === undefined) throw new Fault('entity_not_found')
  const row = await ownerOf(ctx, snapshot.datasource_id)
  return { snapshot, row }
}

async function ownerOf(ctx: KnownContext, datasourceId: string) {
  const row = await datasources.find(ctx.db, ctx.principal.organizationId, { id: datasourceId })
  if (row === undefined) throw new Fault('entity_not_found')
  requireScope(ctx.principal, 'datasources.read', { datasourceId: row.id })
  return row
}
