/**
 * Whether two texts of SQL are the same but for what major versions of PostgreSQL spell otherwise: brackets, line breaks,
 * and the table in front of a column (16 leaves it out where there is one table alone).
 *
 * Only the rules of drift use it, for servers of two versions: brackets also tell one expression from another.
 */

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*|\d+(?:\.\d+)?|[^\s]/g
const WORD = /^["A-Za-z_]/

/** True when the texts differ in such spelling alone. In one pass over both. */
export function isRespelled(before: unknown, after: unknown): boolean {
  if (typeof before !== 'string' || typeof after !== 'string') return false
  const [was, is] = [tokensOf(before), tokensOf(after)]
  let [i, j] = [0, 0]
  while (i < was.length || j < is.length) {
    if (was[i] === is[j]) {
      i += 1
      j += 1
    } else if (isQualifier(was, i) && was[i + 2] === is[j]) i += 2
    else if (isQualifier(is, j) && is[j + 2] === was[i]) j += 2
    else return false
  }
  return true
}

function tokensOf(text: string): string[] {
  return (text.match(TOKEN) ?? []).filter(token => token !== '(' && token !== ')' && token !== ';')
}

function isQualifier(tokens: readonly string[], at: number): boolean {
  return tokens[at + 1] === '.' && WORD.test(tokens[at] ?? '')
}
