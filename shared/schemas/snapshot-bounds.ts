/**
 * How large a snapshot may be. A catalog is sized by whoever runs the database, so each of its sizes has a bound, and an
 * introspection that meets one says which.
 *
 * The names are what callers read in `ctx` of the issue, such as `{ maxRelations: 20000 }`.
 */

/** The bounds. Bytes are UTF-8; 1,600 columns and names of 63 bytes are PostgreSQL's own (`MaxHeapAttributeNumber`, `NAMEDATALEN`). */
export const SNAPSHOT_BOUNDS = {
  /** Of the canonical text of a snapshot, as it is stored before it is compressed. */
  maxBytes: 32 << 20,
  /** Tables, views and the like, of all schemas together. */
  maxRelations: 20_000,
  /** Of one relation. */
  maxColumns: 1_600,
  /** Of one object's name. */
  maxNameBytes: 63,
  /** Of one type as `format_type` spells it. */
  maxTypeBytes: 1_024,
  /** Of one comment, default, definition or query; longer ones come cut, with length and SHA-256. */
  maxDefinitionBytes: 8_000,
  /** Constraints, indexes, policies, triggers or the like of one relation, checks of one domain, roles of one policy. */
  maxParts: 10_000,
  /** Partitions, functions and objects of extensions, of all schemas together. */
  maxObjects: 100_000,
  /** Of one enum. */
  maxLabels: 50_000,
} as const

/** The name of a bound. */
export type SnapshotBound = keyof typeof SNAPSHOT_BOUNDS

/** True for the name of a bound. */
export function isSnapshotBound(name: string): name is SnapshotBound {
  return Object.hasOwn(SNAPSHOT_BOUNDS, name)
}
