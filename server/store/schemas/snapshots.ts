/**
 * Rows of snapshots: written by the worker, read by the web tier. A row never changes, except for the time it was last
 * seen to hold and its estimates.
 */

import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A row without its content. */
export interface SnapshotRow {
  readonly id: string
  readonly datasource_id: string
  readonly fingerprint: string
  readonly schemas_asked: string[] | null
  readonly excluded_schemas: string[]
  readonly table_count: number
  readonly previous_id: string | null
  readonly breaking: number | null
  readonly risky: number | null
  readonly safe: number | null
  readonly taken_at: Date
  readonly seen_at: Date
}

/** A snapshot to insert. The counts describe the drift from `previousId`. */
export interface NewSnapshot {
  readonly id: string
  readonly datasourceId: string
  readonly fingerprint: string
  readonly schemasAsked: readonly string[] | null
  readonly excludedSchemas: readonly string[]
  readonly tableCount: number
  readonly content: Buffer
  readonly observed: Buffer
  /** The digest of the catalog that it was read of; null for none. */
  readonly digest: string | null
  readonly previousId: string | null
  readonly drift: { readonly breaking: number; readonly risky: number; readonly safe: number } | null
  readonly at: Date
}

const SUMMARY = [
  'id',
  'datasource_id',
  'fingerprint',
  'schemas_asked',
  'excluded_schemas',
  'table_count',
  'previous_id',
  'breaking',
  'risky',
  'safe',
  'taken_at',
  'seen_at',
] as const

/** Writes a snapshot. */
export async function insert({ tx, org }: UnitOfWork, entry: NewSnapshot): Promise<void> {
  await tx
    .insertInto('snapshots')
    .values({
      org_id: org,
      id: entry.id,
      datasource_id: entry.datasourceId,
      fingerprint: entry.fingerprint,
      schemas_asked: entry.schemasAsked === null ? null : [...entry.schemasAsked],
      excluded_schemas: [...entry.excludedSchemas],
      table_count: entry.tableCount,
      content: entry.content,
      observed: entry.observed,
      previous_id: entry.previousId,
      breaking: entry.drift?.breaking ?? null,
      risky: entry.drift?.risky ?? null,
      safe: entry.drift?.safe ?? null,
      ...digestSet(entry),
      taken_at: entry.at,
      seen_at: entry.at,
    })
    .execute()
}

function digestSet({ digest, at }: { readonly digest: string | null; readonly at: Date }) {
  return digest === null ? {} : { digest, digest_at: at }
}

/** A look that found the last snapshot to hold. `read` is of a catalog that was read for it, null where its digest said so. */
export interface Seen {
  readonly id: string
  readonly read: { readonly observed: Buffer; readonly digest: string | null } | null
  readonly at: Date
}

/** Records that a snapshot still matches the database. */
export async function seen({ tx, org }: UnitOfWork, { id, read, at }: Seen): Promise<void> {
  const found = read === null ? {} : { observed: read.observed, ...digestSet({ digest: read.digest, at }) }
  await tx
    .updateTable('snapshots')
    .set({ seen_at: at, ...found })
    .where('org_id', '=', org)
    .where('id', '=', id)
    .execute()
}

/** One snapshot with its content, packed as stored. */
export function findPacked(db: Db, org: string, id: string) {
  return db
    .selectFrom('snapshots')
    .select([...SUMMARY, 'content', 'observed'])
    .where('org_id', '=', org)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** A stored snapshot as the next look needs it: content and observations are packed, as the row holds them. */
export interface PackedSnapshot {
  readonly fingerprint: string
  readonly content: Buffer
  readonly observed: Buffer
  readonly digest: string | null
  readonly digest_at: Date | null
}

/** Returns the stored snapshot; undefined if no snapshot has that id. */
export function packed(db: Db, org: string, id: string): Promise<PackedSnapshot | undefined> {
  return db
    .selectFrom('snapshots')
    .select(['fingerprint', 'content', 'observed', 'digest', 'digest_at'])
    .where('org_id', '=', org)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Summaries of a datasource's snapshots, newest first. */
export function list(
  db: Db,
  org: string,
  ask: { datasourceId: string; limit: number; olderThan?: string | undefined },
): Promise<SnapshotRow[]> {
  const query = db
    .selectFrom('snapshots')
    .select(SUMMARY)
    .where('org_id', '=', org)
    .where('datasource_id', '=', ask.datasourceId)
    .orderBy('id', 'desc')
    .limit(ask.limit)
  return (ask.olderThan === undefined ? query : query.where('id', '<', ask.olderThan)).execute()
}

/**
 * The snapshot, among those requested for exactly the schemas in `asked`, that was last seen to hold. Without `asked`,
 * the latest of all schemas except the excluded ones, falling back to any other: introspecting one schema must not hide
 * another.
 */
export function latest(
  db: Db,
  org: string,
  { asked, datasourceId }: { datasourceId: string; asked?: readonly string[] | null },
): Promise<SnapshotRow | undefined> {
  const query = db
    .selectFrom('snapshots')
    .select(SUMMARY)
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .orderBy(eb => eb('schemas_asked', 'is', null), 'desc')
    .orderBy('seen_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
  if (asked === undefined) return query.executeTakeFirst()
  return query.where(sql<boolean>`schemas_asked is not distinct from ${asked}::text[]`).executeTakeFirst()
}
