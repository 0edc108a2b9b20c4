/**
 * Snapshots on the wire: inputs and answers of the `snapshots.*` procedures. `snapshot.ts` has the snapshot itself,
 * `drift.ts` the drift.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { PageInput } from '#shared/base/page.ts'
import { idOf, Timestamp } from '#shared/base/wire.ts'
import { SchemaName } from '#shared/datasources/datasource.ts'
import { Change } from '#shared/schemas/drift/drift.ts'
import { Finding, Hidden } from './snapshot.ts'

/** The id of a snapshot. */
export const SnapshotId = idOf('snap_')
export type SnapshotId = z.infer<typeof SnapshotId>

/** The number of changes of each class since the previous snapshot. */
export const DriftCounts = z.object({ breaking: z.number().int(), risky: z.number().int(), safe: z.number().int() })
export type DriftCounts = z.output<typeof DriftCounts>

/** Input of `snapshots.introspect`. Without `schemas`: all schemas except the datasource's excluded ones. */
export const IntrospectInput = z.strictObject({
  id: DatasourceId,
  schemas: z.array(SchemaName).min(1).max(100).optional(),
  idempotencyKey: z.string().min(1).max(255).optional(),
})

/** A snapshot without its content. `seenAt` is when an introspection last confirmed it. */
export const SnapshotSummary = z.object({
  id: SnapshotId,
  datasourceId: DatasourceId,
  fingerprint: z.string(),
  schemasAsked: z.array(z.string()).nullable(),
  tableCount: z.number().int(),
  previousId: SnapshotId.nullable(),
  drift: DriftCounts.nullable(),
  takenAt: Timestamp,
  seenAt: Timestamp,
})
export type SnapshotSummary = z.output<typeof SnapshotSummary>

/**
 * The result of an introspection. `tables` are `schema.table`, sorted; `changed` is false if no new snapshot was
 * stored.
 */
export const Introspection = z.object({
  snapshot: SnapshotSummary,
  tables: z.array(z.string()),
  schemasIntrospected: z.array(z.string()),
  findings: z.array(Finding),
  hidden: Hidden,
  changed: z.boolean(),
  introspectedAt: Timestamp,
})
export type Introspection = z.output<typeof Introspection>

/** Input of `snapshots.list`. */
export const SnapshotListInput = z.strictObject({ id: DatasourceId, ...PageInput.shape })
/** Answer of `snapshots.list`. */
export const SnapshotPage = z.object({ items: z.array(SnapshotSummary), nextCursor: z.string().nullable() })

/** Input of `snapshots.get`: the whole snapshot, one schema of it, or one table. */
export const SnapshotGetInput = z.strictObject({
  snapshotId: SnapshotId,
  schema: z.string().max(63).optional(),
  table: z.string().max(63).optional(),
})

/** Input of `snapshots.drift`. */
export const DriftInput = z.strictObject({ from: SnapshotId, to: SnapshotId })
/** Answer of `snapshots.drift`. */
export const Drift = z.object({
  from: SnapshotId,
  to: SnapshotId,
  counts: DriftCounts,
  /** Notes on the comparison: that the formats differ, or that the servers have different major versions. */
  notes: z.array(z.string()),
  changes: z.array(Change),
})
