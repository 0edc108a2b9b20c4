/**
 * Keeps a snapshot, or notes that the last one still holds; counts the drift between the two.
 * Called by `introspect.ts` in the transaction that settles its task.
 */
import { countDrift, tablesOf } from '#server/domain/snapshot-summary.ts'
import type { Tx } from '#server/store/db.ts'
import * as snapshots from '#server/store/snapshots.ts'
import { drift } from '#shared/drift.ts'
import type { Snapshot } from '#shared/snapshot.ts'

/** A snapshot that was just taken, with its canonical text and the fingerprint of that. */
export interface Taken {
  readonly id: string
  readonly datasourceId: string
  readonly snapshot: Snapshot
  readonly text: string
  readonly fingerprint: string
  readonly now: Date
}

/** What became of it: the id of the row that holds it, whether that is a new one, and whether it differs from the last. */
export interface Kept {
  readonly id: string
  readonly changed: boolean
  readonly drifted: boolean
}

/** Keeps it. The caller holds the datasource's lock, so that two readings cannot both be the next one. */
export async function keepSnapshot(tx: Tx, org: string, taken: Taken): Promise<Kept> {
  const { snapshot, datasourceId, fingerprint, now } = taken
  const observed = await snapshots.pack(JSON.stringify(snapshot.observed))
  // Whatever was excluded then: drift compares what both cover, and what is excluded anew hides nothing that is not.
  const last = await snapshots.latest(tx, org, { datasourceId, asked: snapshot.schemasAsked })
  if (last?.fingerprint === fingerprint) {
    await snapshots.seen(tx, org, { id: last.id, observed, at: now })
    return { id: last.id, changed: false, drifted: false }
  }
  const before = last === undefined ? undefined : await snapshots.find(tx, org, last.id)
  const counts = before === undefined ? null : countDrift(drift(restored(before), snapshot))
  await snapshots.insert(tx, org, {
    id: taken.id,
    datasourceId,
    fingerprint,
    schemasAsked: snapshot.schemasAsked,
    excludedSchemas: snapshot.excludedSchemas,
    tableCount: tablesOf(snapshot).length,
    content: await snapshots.pack(taken.text),
    observed,
    previousId: before?.id ?? null,
    drift: counts,
    at: now,
  })
  return { id: taken.id, changed: true, drifted: counts !== null && counts.breaking + counts.risky + counts.safe > 0 }
}

/** A stored snapshot as it was taken. It was written by a worker, in the shape that it has. */
function restored(row: snapshots.SnapshotRow): Snapshot {
  const content: object = JSON.parse(row.content)
  const observed: object = JSON.parse(row.observed)
  return { ...content, observed } as Snapshot // canonical text of a snapshot, and what stood beside it
}
