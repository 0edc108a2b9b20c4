/**
 * The bounds of everything in a row of the catalog, as schemas of Zod: the server may be hostile, and what it sizes is
 * refused before anything walks through it.
 *
 * Bytes are those of UTF-8. A database in another encoding may need three of them for each byte of its own, so that of its
 * texts the characters are counted. Only the wire shapes use it.
 */
import { z } from 'zod'
import { isSnapshotBound, SNAPSHOT_BOUNDS, type SnapshotBound } from '#shared/schemas/snapshot-bounds.ts'

/** UTF-8 takes at most so many bytes for a character that PostgreSQL's other encodings have in one. */
const WIDEST = 3

/** A cut text is so many characters and the mark; see `cut` in `catalog-sql.ts`. */
const KEPT_CHARACTERS = 2_000
const MARK = / \.\.\. \[[0-9]{1,10} bytes, sha-256 [0-9a-f]{64}\]$/
const MARK_UNITS = 110
const MAX_KEY = 63

/** The issue for each bound, by its name. */
function bounded<T>(bound: SnapshotBound, fits: (value: T) => boolean): [(value: T) => boolean, { params: object }] {
  return [fits, { params: { bound } }]
}

/** The bound that the first issue of a refused row is about; null when its shape is wrong. */
export function boundOf(error: z.ZodError): SnapshotBound | null {
  for (const issue of error.issues) {
    const bound: unknown = issue.code === 'custom' ? issue.params?.['bound'] : undefined
    if (typeof bound === 'string' && isSnapshotBound(bound)) return bound
  }
  return null
}

/** True for at most `maxBytes` in the database's own encoding. `isUtf8` says whether that is UTF-8. */
function fits(text: string, maxBytes: number, isUtf8: boolean): boolean {
  // A unit takes at most three bytes: most texts need no counting.
  if (text.length * WIDEST <= maxBytes) return true
  if (text.length > maxBytes) return false
  return isUtf8 ? Buffer.byteLength(text) <= maxBytes : true
}

/** The maximum length of a text that the query cuts: this long, or this many characters and a mark. */
function fitsCut(text: string, isUtf8: boolean): boolean {
  if (fits(text, SNAPSHOT_BOUNDS.maxDefinitionBytes, isUtf8)) return true
  // The mark is looked for in the end alone: the text before it may be of any length.
  const mark = MARK.exec(text.slice(-MARK_UNITS))?.[0]
  if (mark === undefined || text.length - mark.length > 2 * KEPT_CHARACTERS) return false
  return [...text.slice(0, -mark.length)].length <= KEPT_CHARACTERS
}

/** The schemas of texts, lists and maps. */
export function wireBounds(isUtf8: boolean) {
  const { maxNameBytes, maxTypeBytes, maxColumns } = SNAPSHOT_BOUNDS
  const name = z.string().refine(...bounded<string>('maxNameBytes', text => fits(text, maxNameBytes, isUtf8)))
  const type = z.string().refine(...bounded<string>('maxTypeBytes', text => fits(text, maxTypeBytes, isUtf8)))
  const text = z.string().refine(...bounded<string>('maxDefinitionBytes', value => fitsCut(value, isUtf8)))
  /** A map by a column's number, and by 0 for the relation's own. */
  const byNumber = <T extends z.ZodType>(value: T) =>
    // Looked at before its values are: what is too large is not walked through.
    z
      .custom<object>(...bounded<unknown>('maxColumns', map => Object.keys(Object(map)).length <= maxColumns + 1))
      .pipe(z.record(z.string().max(MAX_KEY), value))
  return { name, type, text, byNumber }
}

/** A list of at most so many. */
export function list<T extends z.ZodType>(item: T, bound: 'maxParts' | 'maxColumns' | 'maxLabels') {
  const max = SNAPSHOT_BOUNDS[bound]
  return z
    .custom<object>(...bounded<unknown>(bound, given => !(Array.isArray(given) && given.length > max)))
    .pipe(z.array(item))
}
