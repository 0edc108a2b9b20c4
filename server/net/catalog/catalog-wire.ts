/**
 * Reads the rows of the catalog query as they come over the wire, and says what is wrong with one in words of ours.
 *
 * Nothing of a row gets into an error. Only the reader and what it is made of use it.
 */

import { boundOf } from '#server/net/catalog/wire/catalog-bounds.ts'
import { OTHER_ROW, UTF8_ROW, type WireRow } from '#server/net/catalog/wire/catalog-shapes.ts'
import { Fault } from '#shared/faults/fault.ts'
import { SNAPSHOT_BOUNDS, type SnapshotBound } from '#shared/schemas/snapshot-bounds.ts'

/** What is thrown at an answer that our query does not give. `what` is a phrase of ours. */
export function misbehaved(what: string): Fault {
  return new Fault('server_misbehaved', { cause: new Error(`catalog: ${what}`) })
}

/** What is thrown where a bound is met; its issue says which. */
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
