/**
 * Quotes names and texts of any content for SQL statements that people paste or pipe into `psql`.
 *
 * The names come from untrusted catalogs and connection strings, and the statements run with an owner's rights, so
 * every name and text in a statement goes through here. The result is printable in a terminal and in a web page.
 */
import { escapeUnprintable, isPrintable } from './printable.ts'

/**
 * Returns the name as a delimited identifier (SQL standard; PostgreSQL 4.1.1), whatever it contains. U+0000 and lone
 * surrogates, which no PostgreSQL name can hold, are written so that the statement fails.
 */
export function quoteName(name: string): string {
  const quoted = name.replaceAll('"', '""')
  if (isPrintable(name)) return `"${quoted}"`
  const format = (point: number) => (point > 0xffff ? `\\+${hex(point, 6)}` : `\\${hex(point, 4)}`)
  return `U&"${escapeUnprintable(quoted.replaceAll('\\', '\\\\'), format)}"`
}

/** Returns the text as a one-line string constant that means the same with `standard_conforming_strings` on and off. */
export function quoteText(text: string): string {
  return constant(text, () => false)
}

/** Returns the text as a string constant that keeps its line feeds, so that long text stays readable. */
export function quoteLines(text: string): string {
  return constant(text, character => character === '\n')
}

/** Returns the block as an anonymous `do` block, with dollar quotes that do not occur in it. */
export function anonymousBlock(block: string): string {
  let tag = '$do$'
  while (block.includes(tag)) tag = `${tag.slice(0, -1)}_$`
  return `do ${tag}\n${block}\n${tag};`
}

function constant(text: string, stays: (character: string) => boolean): string {
  const quoted = text.replaceAll("'", "''").replaceAll('\\', '\\\\')
  const escaped = escapeUnprintable(quoted, (point, character) => {
    if (stays(character)) return character
    return point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`
  })
  return escaped.includes('\\') ? `E'${escaped}'` : `'${escaped}'`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
