/**
 * Names and texts in the SQL printer's spelling, and what takes the place of a statement that may not be run.
 *
 * Text that is no SQL of the expected form is marked by `unfit`, and the mark makes a remark of the whole statement that holds
 * it: no printer has to ask. U+0000 is the mark, since no SQL can hold it.
 */
import { printable } from '#shared/base/printable.ts'
import { quoteLines, quoteName } from '#shared/base/sql-text.ts'
import { isStorable } from '#shared/base/text.ts'

const UNFIT = '\u0000'

// PostgreSQL's reserved words, of 13 to 18 ("reserved" and "reserved (can be function or type)", appendix C).
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
  full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
  localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning
  right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user
  using variadic verbose when where window with`.split(/\s+/),
)

/** An identifier, quoted where it must be. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : quotedIdentifier(name)
}

/** An identifier in quotes. */
export function quotedIdentifier(name: string): string {
  return name !== '' && isStorable(name) ? quoteName(name) : unfit(quoteName(name))
}

/** A name with its schema. */
export function qualified(schema: string, name: string): string {
  return `${identifier(schema)}.${identifier(name)}`
}

/** A list of identifiers. */
export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ')
}

/** A text literal. Line feeds stay, so that comments can be read. */
export function literal(text: string): string {
  return isStorable(text) ? quoteLines(text) : unfit(quoteLines(text))
}

/** Text that is not what belongs in its place. The statement that holds it goes out as a remark. */
export function unfit(text: string): string {
  return `${UNFIT}${text}`
}

/** True for a statement that holds nothing unfit. */
export function isFit(statement: string): boolean {
  return !statement.includes(UNFIT)
}

/** Why a statement is not run. */
const REASONS = {
  missing: 'Not in the snapshot as a whole:',
  unfit: 'Not run, as the server says something here that is not SQL of the form that belongs here:',
  made: 'Not run, as what it belongs to is not made:',
} as const

/**
 * A statement that is not to be run, for people. Every line of it is a comment, and it holds no backslash, so that neither
 * a line break nor a command of psql's is in it. A remark stays as it is.
 */
export function remark(statement: string, reason: keyof typeof REASONS): string {
  if (statement.split('\n').every(line => line.startsWith('--'))) return statement
  const lines = statement.replaceAll(UNFIT, '').split(/\r\n?|\n/)
  const displayed = lines.map(line => printable(line.replaceAll('\\', '\\u{5c}')))
  return [REASONS[reason], ...displayed].map(line => `-- ${line}`.trimEnd()).join('\n')
}
