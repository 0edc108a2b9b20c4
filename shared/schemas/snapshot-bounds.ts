/**
 * The maximum size of a snapshot. The owner of a database decides the size of its catalog, so each dimension has a
 * bound, and an introspection that reaches one reports which.
 *
 * Callers read these names in the `ctx` of the issue, as in `{ maxRelations: 20000 }`.
 */

/**
 * The bounds. Bytes are UTF-8. 1,600 columns and names of 63 bytes are PostgreSQL's own limits
 * (`MaxHeapAttributeNumber`, `NAMEDATALEN`).
 */
export const SNAPSHOT_BOUNDS = {
  /** The canonical text of a snapshot, as it is stored, before compression. */
  maxBytes: 32 << 20,
  /** Tables, views and the like, in all schemas together. */
  maxRelations: 20_000,
  /** Columns of one relation. */
  maxColumns: 1_600,
  /** The name of one object. */
  maxNameBytes: 63,
  /** One type as `format_type` prints it. */
  maxTypeBytes: 1_024,
  /** One comment, default, definition or query. Longer texts are truncated and replaced by length and SHA-256. */
  maxDefinitionBytes: 8_000,
  /**
   * Constraints, indexes, policies, triggers or the like of one relation; checks of one domain; roles of one policy.
   */
  maxParts: 10_000,
  /** Partitions, functions and members of extensions, in all schemas together. */
  maxObjects: 100_000,
  /** Labels of one enum. */
  maxLabels: 50_000,
} as const

/** The name of a bound. */
export type SnapshotBound = keyof typeof SNAPSHOT_BOUNDS

/** True if the text is the name of a bound. */
export function isSnapshotBound(name: string): name is SnapshotBound {
  return Object.hasOwn(SNAPSHOT_BOUNDS, name)
}
