/**
 * Splits a migration into its statements, so that each is sent separately: a distributed table accepts no two in one
 * message. Only for our own files: it handles comments, quoted strings and names, and dollar quotes, but no backslash
 * escapes.
 */

/** The statements of a text, without a trailing comment. Throws for an unterminated quote. */
export function statementsOf(text: string): string[] {
  const found: string[] = []
  let from = 0
  for (let at = 0; at < text.length; ) {
    const end = tokenEnd(text, at)
    if (text[at] === ';') {
      found.push(text.slice(from, at).trim())
      from = end
    }
    at = end
  }
  return [...found, text.slice(from).trim()].filter(hasWords)
}

/** The end of the token that begins at `at`: a comment, a quoted string, or one character. */
function tokenEnd(text: string, at: number): number {
  if (text.startsWith('--', at)) return closed(text, '\n', at) ?? text.length
  if (text.startsWith('/*', at)) return closed(text, '*/', at + 2) ?? unclosed(text, at)
  const quote = text[at]
  if (quote === "'" || quote === '"') return closed(text, quote, at + 1) ?? unclosed(text, at)
  const tag = quote === '$' ? /^\$[A-Za-z_]{0,40}\$/.exec(text.slice(at, at + 42))?.[0] : undefined
  return tag === undefined ? at + 1 : (closed(text, tag, at + tag.length) ?? unclosed(text, at))
}

function closed(text: string, end: string, from: number): number | null {
  const at = text.indexOf(end, from)
  return at === -1 ? null : at + end.length
}

function unclosed(text: string, at: number): never {
  throw new Error(`A quote or comment has no end: ${text.slice(at, at + 40)}`)
}

/** False for a statement that contains only comments. */
function hasWords(statement: string): boolean {
  return statement.split('\n').some(line => line.trim() !== '' && !line.trim().startsWith('--'))
}
