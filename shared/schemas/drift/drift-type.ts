/**
 * Classifies a change of the type of a column or domain by the two type names alone.
 *
 * It knows only the widenings of PostgreSQL's own types that keep every value; any other change is a retyping.
 */

/**
 * `wider`: every value fits and reads as before. `other_reading`: every value fits, but clients may read it
 * differently.
 */
export type TypeChange = 'wider' | 'other_reading' | 'retyped'

const UNLIMITED = Number.POSITIVE_INFINITY

/** Ordered by increasing range: every value of a type fits each later one. */
const INTEGERS = ['smallint', 'integer', 'bigint', 'numeric']

const TEXT_LENGTH = /^character varying(?:\((\d+)\))?$/
const CHARACTERS = /^character\((\d+)\)$/
const NUMERIC = /^numeric(?:\((\d+),(-?\d+)\))?$/
const TIMED = /^(timestamp|time|interval)(?:\((\d)\))?( with(?:out)? time zone)?$/
const BITS = /^bit varying(?:\((\d+)\))?$/

/** Compares two type names as `format_type` prints them. Arrays are compared by their elements. */
export function typeChange(before: string, after: string): TypeChange {
  const dimensions = Math.min(dimensionsOf(before), dimensionsOf(after))
  if (dimensions > 0) return elementChange(before.slice(0, -2 * dimensions), after.slice(0, -2 * dimensions))
  return elementChange(before, after)
}

/** The number of bracket pairs at the end of a type. */
function dimensionsOf(type: string): number {
  let count = 0
  while (type.endsWith('[]', type.length - 2 * count)) count += 1
  return count
}

/**
 * Returns the element type of an array; any other type unchanged. Reads from the end, because the text may be
 * untrusted.
 */
export function elementOf(type: string): string {
  const brackets = 2 * dimensionsOf(type)
  return brackets === 0 ? type : type.slice(0, -brackets)
}

function elementChange(before: string, after: string): TypeChange {
  if (longer(TEXT_LENGTH, before, after) || longer(BITS, before, after)) return 'wider'
  if (TEXT_LENGTH.test(before) && after === 'text') return 'wider'
  if (before === 'text' && after === 'character varying') return 'wider'
  if (before === 'cidr' && after === 'inet') return 'wider'
  // Trailing blanks are added or lost.
  if (longer(CHARACTERS, before, after) || (CHARACTERS.test(before) && isUnlimitedText(after))) return 'other_reading'
  if (widerNumeric(before, after) || finerTime(before, after)) return 'wider'
  const from = INTEGERS.indexOf(before)
  if (from >= 0 && from < INTEGERS.indexOf(after)) return 'other_reading'
  return before === 'real' && after === 'double precision' ? 'other_reading' : 'retyped'
}

function isUnlimitedText(type: string): boolean {
  return type === 'text' || type === 'character varying'
}

function longer(pattern: RegExp, before: string, after: string): boolean {
  const was = pattern.exec(before)
  const is = pattern.exec(after)
  return was !== null && is !== null && limit(was[1]) < limit(is[1])
}

function widerNumeric(before: string, after: string): boolean {
  const was = NUMERIC.exec(before)
  const is = NUMERIC.exec(after)
  if (!was || !is || was[1] === undefined) return false
  if (is[1] === undefined) return true
  const [digits, scale] = [Number(is[1]) - Number(was[1]), Number(is[2]) - Number(was[2])]
  return scale >= 0 && digits >= scale
}

function finerTime(before: string, after: string): boolean {
  const was = TIMED.exec(before)
  const is = TIMED.exec(after)
  return !!was && !!is && was[1] === is[1] && was[3] === is[3] && precision(was[2]) <= precision(is[2])
}

/** The precision of seconds; PostgreSQL defaults to microseconds. */
function precision(digits: string | undefined): number {
  return digits === undefined ? 6 : Number(digits)
}

function limit(digits: string | undefined): number {
  return digits === undefined ? UNLIMITED : Number(digits)
}
