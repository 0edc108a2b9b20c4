/**
 * Stores a snapshot, or records that the last one still holds. It handles bytes: the process that read the catalog
 * produced them and counted the drift from the last snapshot, so that nothing here iterates over data that a stranger
 * sized. Called by `introspect.ts`.
 */

import type { FinishedSnapshot, LastSnapshot } from '#server/net/catalog/finish-catalog.ts'
import { trim } from '#server/store/schemas/kept-snapshots.ts'
import * as snapshots from '#server/store/schemas/snapshots.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The datasource, and the requested schemas: null for all but the excluded ones. */
export interface Covered {
  readonly datasourceId: string
  readonly schemasAsked: readonly string[] | null
  readonly excludedSchemas: readonly string[]
}

/** A new snapshot, and the id of the one that it was compared with; null for none. */
export interface Taken extends Covered {
  readonly id: string
  readonly snapshot: FinishedSnapshot
  /** The digest of the catalog; null where none was taken. */
  readonly digest: string | null
  readonly comparedWith: string | null
}

/** A snapshot as it is compared with, its id, and the digest of the catalog that it was read of, with the time. */
export interface StoredSnapshot {
  readonly id: string
  readonly last: LastSnapshot
  readonly digest: string | null
  readonly digestAt: Date | null
}

/** The stored snapshot: the id of its row, whether the row is new, and whether it differs from the previous one. */
export interface SavedSnapshot {
  readonly id: string
  readonly changed: boolean
  readonly drifted: boolean
}

/**
 * The snapshot to compare the next one with, whatever was excluded then: drift compares what both cover, and a newly
 * excluded schema hides nothing else.
 */
export async function lastSnapshot(
  db: Db,
  org: string,
  { datasourceId, schemasAsked }: Covered,
): Promise<StoredSnapshot | null> {
  const latest = await snapshots.latest(db, org, { datasourceId, asked: schemasAsked })
  const stored = latest && (await snapshots.packed(db, org, latest.id))
  if (!latest || !stored) return null
  const { digest, digest_at: digestAt, ...last } = stored
  return { id: latest.id, last, digest, digestAt }
}

/** Notes that the last snapshot holds, by its digest; null when it is no longer the last: then the catalog is to be read. */
export async function keepUnchanged(
  unit: UnitOfWork,
  { id, datasourceId, schemasAsked }: Covered & { id: string },
): Promise<SavedSnapshot | null> {
  const last = await snapshots.latest(unit.tx, unit.org, { datasourceId, asked: schemasAsked })
  if (last?.id !== id) return null
  await snapshots.seen(unit, { id, read: null, at: unit.now })
  return { id, changed: false, drifted: false }
}

/**
 * Stores the snapshot; null if the last snapshot is no longer the one that it was compared with: the catalog must then
 * be read again. The caller holds the datasource's lock, so that two readings cannot both become the next one.
 */
export async function saveSnapshot(unit: UnitOfWork, taken: Taken): Promise<SavedSnapshot | null> {
  const { id, datasourceId, schemasAsked, comparedWith } = taken
  const { now } = unit
  const { fingerprint, tableCount, drift, content, observed } = taken.snapshot
  const last = await snapshots.latest(unit.tx, unit.org, { datasourceId, asked: schemasAsked })
  if (last?.fingerprint === fingerprint) {
    await snapshots.seen(unit, { id: last.id, read: { observed, digest: taken.digest }, at: now })
    return { id: last.id, changed: false, drifted: false }
  }
  if ((last?.id ?? null) !== comparedWith) return null
  const { excludedSchemas } = taken
  await snapshots.insert(unit, {
    ...{ id, datasourceId, fingerprint, schemasAsked, excludedSchemas, tableCount, content, observed, drift, at: now },
    digest: taken.digest,
    // A previous snapshot too large to compare is not shown as the predecessor.
    previousId: drift === null ? null : comparedWith,
  })
  await trim(unit, datasourceId)
  return { id, changed: true, drifted: drift !== null && drift.breaking + drift.risky + drift.safe > 0 }
}
