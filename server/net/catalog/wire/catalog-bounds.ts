/**
 * The bounds of everything in a catalog row, as Zod schemas: the server may be hostile, and oversized values are
 * rejected before any code iterates over them.
 *
 * Bytes are UTF-8 bytes. A database in another encoding may need three of them for one byte of its own, so its texts
 * are measured in characters. Only the wire shapes use it.
 */
import { z } from 'zod'
import { isSnapshotBound, SNAPSHOT_BOUNDS, type SnapshotBound } from '#shared/schemas/snapshot-bounds.ts'

/** The maximum number of UTF-8 bytes for a character that takes one byte in another PostgreSQL encoding. */
const WIDEST = 3

/** A cut text has this many characters and the mark; see `cut` in `catalog-sql.ts`. */
const KEPT_CHARACTERS = 2_000
const MARK = / \.\.\. \[[0-9]{1,10} bytes, sha-256 [0-9a-f]{64}\]$/
const MARK_UNITS = 110
const MAX_KEY = 63

/** A check and the issue that names its bound. */
function bounded<T>(bound: SnapshotBound, fits: (value: T) => boolean): [(value: T) => boolean, { params: object }] {
  return [fits, { params: { bound } }]
}

/** The bound that the first issue of a rejected row names; null if the row's shape is wrong. */
export function boundOf(error: z.ZodError): SnapshotBound | null {
  for (const issue of error.issues) {
    const bound: unknown = issue.code === 'custom' ? issue.params?.['bound'] : undefined
    if (typeof bound === 'string' && isSnapshotBound(bound)) return bound
  }
  return null
}

/** True for at most `maxBytes` in the database's own encoding. `isUtf8` says whether that is UTF-8. */
function fits(text: string, maxBytes: number, isUtf8: boolean): boolean {
  // A UTF-16 unit takes at most three bytes, so most texts need no counting.
  if (text.length * WIDEST <= maxBytes) return true
  if (text.length > maxBytes) return false
  return isUtf8 ? Buffer.byteLength(text) <= maxBytes : true
}

/** True for a text within the length at which the query cuts, or a cut text with its mark. */
function fitsCut(text: string, isUtf8: boolean): boolean {
  if (fits(text, SNAPSHOT_BOUNDS.maxDefinitionBytes, isUtf8)) return true
  // Only the end is searched for the mark: the text before it may have any length.
  const mark = MARK.exec(text.slice(-MARK_UNITS))?.[0]
  if (mark === undefined || text.length - mark.length > 2 * KEPT_CHARACTERS) return false
  return [...text.slice(0, -mark.length)].length <= KEPT_CHARACTERS
}

/** Checks one value: null if it is valid, else the exceeded bound, or a null `bound` for a wrong shape. */
type Look = (value: unknown) => { readonly bound: SnapshotBound | null } | null

const OTHER_SHAPE = { bound: null }

/**
 * The schema of one text or number, with its check. A catalog has a hundred thousand of these in lists: each list is
 * checked in one pass, since running a schema for each item would cost more than parsing the rest of the row.
 */
type Leaf<T> = z.ZodType<T> & { readonly look: Look }

function looked<T>(look: Look): Leaf<T> {
  const schema = z.custom<T>().check(({ value, issues }) => {
    const found = look(value)
    if (found !== null) issues.push({ code: 'custom', input: value, params: found })
  })
  return Object.assign(schema, { look })
}

/** The check of a leaf schema, extended to null if it is nullable; undefined for any other schema. */
function lookOf(schema: object): Look | undefined {
  if (schema instanceof z.ZodNullable) {
    const look = lookOf(schema.unwrap())
    return look && (value => (value === null ? null : look(value)))
  }
  // Sound: only `looked` sets this property on a schema.
  return 'look' in schema ? (schema as Leaf<unknown>).look : undefined
}

function boundedText(bound: SnapshotBound, fits: (text: string) => boolean): Leaf<string> {
  const exceeded = { bound }
  return looked(value => (typeof value !== 'string' ? OTHER_SHAPE : fits(value) ? null : exceeded))
}

/** A text that our own query produces: a longer one cannot be a row of it. */
export function shortText(maxUnits: number): Leaf<string> {
  return looked(value => (typeof value === 'string' && value.length <= maxUnits ? null : OTHER_SHAPE))
}

/** An integer within bounds. */
export function wholeNumber(min: number, max: number): Leaf<number> {
  return looked(value =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? null : OTHER_SHAPE,
  )
}

/** Zod schemas for texts, lists and maps. */
export function wireBounds(isUtf8: boolean) {
  const { maxNameBytes, maxTypeBytes } = SNAPSHOT_BOUNDS
  const name = boundedText('maxNameBytes', text => fits(text, maxNameBytes, isUtf8))
  const type = boundedText('maxTypeBytes', text => fits(text, maxTypeBytes, isUtf8))
  const text = boundedText('maxDefinitionBytes', value => fitsCut(value, isUtf8))
  return { name, type, text, byNumber }
}

/** A map by column number, with 0 for the relation itself. */
function byNumber<T extends z.ZodType>(value: T): z.ZodType<Record<string, z.output<T>>> {
  const most = SNAPSHOT_BOUNDS.maxColumns + 1
  const look = lookOf(value)
  // Counted before the values are checked, so that an oversized map is not traversed.
  if (look === undefined)
    return z
      .custom<object>(...bounded<unknown>('maxColumns', map => Object.keys(Object(map)).length <= most))
      .pipe(z.record(z.string().max(MAX_KEY), value))
  return looked(map => {
    if (typeof map !== 'object' || map === null || Array.isArray(map)) return OTHER_SHAPE
    const entries = Object.entries(map)
    if (entries.length > most) return { bound: 'maxColumns' }
    return firstOf(entries, ([key, one]) => (key.length > MAX_KEY ? OTHER_SHAPE : look(one)))
  })
}

/** A list with at most as many items as the bound allows. */
export function list<T extends z.ZodType>(
  item: T,
  bound: 'maxParts' | 'maxColumns' | 'maxLabels',
): z.ZodType<z.output<T>[]> {
  const max = SNAPSHOT_BOUNDS[bound]
  const look = lookOf(item)
  if (look === undefined)
    return z
      .custom<object>(...bounded<unknown>(bound, given => !(Array.isArray(given) && given.length > max)))
      .pipe(z.array(item))
  return looked(given => {
    if (!Array.isArray(given)) return OTHER_SHAPE
    return given.length > max ? { bound } : firstOf(given, look)
  })
}

function firstOf<T>(values: readonly T[], look: (value: T) => ReturnType<Look>): ReturnType<Look> {
  for (const value of values) {
    const found = look(value)
    if (found !== null) return found
  }
  return null
}
