/**
 * Formats names and texts for the SQL printer, and replaces statements that must not be run.
 *
 * Text that is not SQL of the expected form is marked by `unfit`, and the mark turns the whole statement that contains
 * it into a remark, so no printer needs to check. The mark is U+0000, which no SQL can contain.
 */
import { printable } from '#shared/base/printable.ts'
import { quoteLines, quoteName } from '#shared/base/sql-text.ts'
import { isStorable } from '#shared/base/text.ts'

const UNFIT = '\u0000'

// PostgreSQL's reserved words in versions 13 to 18 ("reserved" and "reserved (can be function or type)", appendix C).
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
  full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
  localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning
  right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user
  using variadic verbose when where window with`.split(/\s+/),
)

/** Returns an identifier, quoted if necessary. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : quotedIdentifier(name)
}

/** Returns a quoted identifier. */
export function quotedIdentifier(name: string): string {
  return name !== '' && isStorable(name) ? quoteName(name) : unfit(quoteName(name))
}

/** Returns a name qualified with its schema. */
export function qualified(schema: string, name: string): string {
  return `${identifier(schema)}.${identifier(name)}`
}

/** A list of identifiers. */
export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ')
}

/** Returns a text literal. Line feeds stay, so that comments remain readable. */
export function literal(text: string): string {
  return isStorable(text) ? quoteLines(text) : unfit(quoteLines(text))
}

/** Marks text that does not belong in its place. The statement that contains it becomes a remark. */
export function unfit(text: string): string {
  return `${UNFIT}${text}`
}

/** True for a statement that contains nothing unfit. */
export function isFit(statement: string): boolean {
  return !statement.includes(UNFIT)
}

/** The reasons why a statement is not run. */
const REASONS = {
  missing: 'Incomplete in the snapshot:',
  unfit: 'Not run, because the server sent something other than the SQL expected here:',
  made: 'Not run, because the object that it belongs to is not created:',
} as const

/**
 * Turns a statement that must not be run into a remark for people. Every line of it is a comment and it contains no
 * backslash, so neither a line break nor a psql command can escape it. A remark stays unchanged.
 */
export function remark(statement: string, reason: keyof typeof REASONS): string {
  if (statement.split('\n').every(line => line.startsWith('--'))) return statement
  const lines = statement.replaceAll(UNFIT, '').split(/\r\n?|\n/)
  const displayed = lines.map(line => printable(line.replaceAll('\\', '\\u{5c}')))
  return [REASONS[reason], ...displayed].map(line => `-- ${line}`.trimEnd()).join('\n')
}
