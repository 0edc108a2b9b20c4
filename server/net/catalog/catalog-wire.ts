/**
 * Parses the rows of the catalog query as they arrive over the wire, and describes defects in our own words.
 *
 * No part of a row reaches an error. Only the reader and its parts use it.
 */

import { boundOf } from '#server/net/catalog/wire/catalog-bounds.ts'
import { OTHER_ROW, UTF8_ROW, type WireRow } from '#server/net/catalog/wire/catalog-shapes.ts'
import { Fault } from '#shared/faults/fault.ts'
import { SNAPSHOT_BOUNDS, type SnapshotBound } from '#shared/schemas/snapshot-bounds.ts'

/** The fault for an answer that our query cannot produce. `what` is our own phrase. */
export function misbehaved(what: string): Fault {
  return new Fault('server_misbehaved', { cause: new Error(`catalog: ${what}`) })
}

/** The fault for an exceeded bound; its issue names the bound. */
export function tooLarge(bound: SnapshotBound, max: number = SNAPSHOT_BOUNDS[bound]): Fault {
  const message = 'The schemas are too large to be read at once. Request fewer of them with "schemas", or exclude some.'
  return new Fault('introspection_failed', {
    issues: [{ path: ['schemas'], code: 'too_large', message, ctx: { [bound]: max } }],
  })
}

/**
 * Parses one row. `isUtf8` says whether the database uses UTF-8, in which case names and texts are measured in bytes.
 *
 * @throws {Fault} `introspection_failed` past a bound, `server_misbehaved`; neither contains any part of the row
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
