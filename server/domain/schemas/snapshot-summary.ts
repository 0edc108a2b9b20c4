/**
 * Small pure summaries of snapshots: the tables, and the amount of drift. The worker stores them with a snapshot; the
 * web tier returns them.
 */
import type { Change } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'

const TABLES: ReadonlySet<string> = new Set(['table', 'partitioned_table', 'foreign_table'])

/** The tables of a snapshot as `schema.table`, sorted, without views. */
export function tablesOf(snapshot: Snapshot): string[] {
  const names = snapshot.schemas.flatMap(schema =>
    schema.relations.filter(relation => TABLES.has(relation.kind)).map(relation => `${schema.name}.${relation.name}`),
  )
  return names.sort()
}

/** The number of tables of a snapshot. */
export function countTables({ schemas }: Snapshot): number {
  let count = 0
  for (const { relations } of schemas) for (const { kind } of relations) if (TABLES.has(kind)) count += 1
  return count
}

/** The number of changes of each class. */
export function countDrift(changes: readonly Change[]): { breaking: number; risky: number; safe: number } {
  const of = (kind: Change['class']) => changes.filter(change => change.class === kind).length
  return { breaking: of('breaking'), risky: of('risky'), safe: of('safe') }
}
