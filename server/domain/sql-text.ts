/**
 * Quotes names and texts for SQL that a person pastes.
 *
 * Names come from strangers' catalogs and connection strings, and what is printed runs with an owner's rights: whatever
 * stands in a statement goes through here, and nothing of a stranger's goes into a comment, where a line break would
 * end it.
 */

/** The name as a delimited identifier (SQL standard; PostgreSQL 4.1.1), whatever it contains. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The text as a string constant that means the same whether `standard_conforming_strings` is on or off. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? `E${quoted}` : quoted
}

/** The block as an anonymous one, between dollar quotes that do not occur in it. */
export function anonymousBlock(block: string): string {
  let tag = '$do$'
  while (block.includes(tag)) tag = `${tag.slice(0, -1)}_$`
  return `do ${tag}\n${block}\n${tag};`
}
