/**
 * Reads the rows of the catalog query as they come over the wire, and describes a defect in our own words.
 *
 * Nothing of a row gets into an error. Only the reader and what it is made of use it.
 */

import { boundOf } from '#server/net/catalog/wire/catalog-bounds.ts'
import { OTHER_ROW, UTF8_ROW, type WireRow } from '#server/net/catalog/wire/catalog-shapes.ts'
import { Fault } from '#shared/faults/fault.ts'
import { SNAPSHOT_BOUNDS, type SnapshotBound } from '#shared/schemas/snapshot-bounds.ts'

/** Thrown for an answer that our query cannot give. `what` is our own phrase. */
export function misbehaved(what: string): Fault {
  return new Fault('server_misbehaved', { cause: new Error(`catalog: ${what}`) })
}

/** Thrown when a bound is exceeded; its issue names the bound. */
export function tooLarge(bound: SnapshotBound, max: number = SNAPSHOT_BOUNDS[bound]): Fault {
  const message = 'The schemas hold more than is read at once. Ask for fewer of them by "schemas", or exclude some.'
  return new Fault('introspection_failed', {
    issues: [{ path: ['schemas'], code: 'too_large', message, ctx: { [bound]: max } }],
  })
}

/**
 * Reads one row. `isUtf8` is whether the database is in UTF-8, in which names and texts are counted by bytes.
 *
 * @throws {Fault} `introspection_failed` past a bound, `server_misbehaved`; nothing of the row is in either
 */
export function parseRow(text: string, isUtf8: boolean): WireRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw misbehaved('a row that is not JSON')
  }
  const row = (isUtf8 ? UTF8_ROW : OTHER_ROW).safeParse(value)
  if (row.success) return row.data
  const bound = boundOf(row.error)
  throw bound === null ? misbehaved('a row of another shape') : tooLarge(bound)
}
