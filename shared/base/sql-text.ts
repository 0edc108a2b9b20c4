/**
 * Names and texts as SQL takes them, whatever is in them: for statements that people paste and pipe into `psql`.
 *
 * They come from strangers' catalogs and connection strings, and what is printed runs with an owner's rights: whatever
 * stands in a statement goes through here. The result is printable, in a terminal and in a web page's text.
 */
import { escapeUnprintable, isPrintable } from './printable.ts'

/**
 * The name as a delimited identifier (SQL standard; PostgreSQL 4.1.1), whatever it contains. U+0000 and lone surrogates,
 * which no name of PostgreSQL's can hold, are spelled so that the statement is an error.
 */
export function quoteName(name: string): string {
  const quoted = name.replaceAll('"', '""')
  if (isPrintable(name)) return `"${quoted}"`
  const format = (point: number) => (point > 0xffff ? `\\+${hex(point, 6)}` : `\\${hex(point, 4)}`)
  return `U&"${escapeUnprintable(quoted.replaceAll('\\', '\\\\'), format)}"`
}

/** The text as a string constant that means the same whether `standard_conforming_strings` is on or off; of one line. */
export function quoteText(text: string): string {
  return constant(text, () => false)
}

/** The text as a string constant in which line feeds stay, so that a long text can be read. */
export function quoteLines(text: string): string {
  return constant(text, character => character === '\n')
}

/** The block as an anonymous one, between dollar quotes that do not occur in it. */
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
