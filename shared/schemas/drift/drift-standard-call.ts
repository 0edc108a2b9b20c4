/**
 * Rewrites calls in the syntax of the SQL standard as plain calls, which is how PostgreSQL 13 formats them.
 *
 * Only `drift-spelling.ts` uses this. Each item is read once.
 */
/** A token, or a bracketed group with its tokens. */
export type Item = string | readonly string[]

/** Rewrites `EXTRACT(year FROM at)` and the like as a plain call; null for any other call. */
export function rewrittenCall(name: string, items: readonly Item[]): Item[] | null {
  switch (name) {
    case 'EXTRACT': {
      const [field, from] = parts(items, ['FROM'])
      return from === undefined ? null : called('date_part', [[`'${String(field?.[0])}'`, '::', 'text'], from])
    }
    case 'TRIM':
      return trim(items)
    case 'SUBSTRING':
      return plainCall('substring', parts(items, ['FROM', 'FOR']))
    case 'OVERLAY':
      return plainCall('overlay', parts(items, ['PLACING', 'FROM', 'FOR']))
    case 'POSITION': {
      const [what, where] = parts(items, ['IN'])
      return where === undefined ? null : called('position', [bare(where), bare(what ?? [])])
    }
    case 'NORMALIZE':
      return called('normalize', [items])
    default:
      return null
  }
}

/** Rewrites `at AT TIME ZONE zone` and the like, alone in its brackets, as a plain call; null for any other group. */
export function rewrittenGroup(items: readonly Item[]): Item[] | null {
  const at = items.indexOf('AT')
  if (at > 0 && items[at + 1] === 'TIME' && items[at + 2] === 'ZONE')
    return called('timezone', [items.slice(at + 3), items.slice(0, at)])
  if (at > 0 && items[at + 1] === 'LOCAL' && at + 2 === items.length) return called('timezone', [items.slice(0, at)])
  const [first, word, second] = items
  if (word === 'OVERLAPS' && Array.isArray(first) && Array.isArray(second) && items.length === 3)
    return called('overlaps', [first.slice(1, -1), second.slice(1, -1)])
  return null
}

/** True for a name, a literal, a cast or a call: no operator in it binds weaker than one that may surround it. */
export function isOperand(tokens: readonly string[]): boolean {
  let depth = 0
  for (const token of tokens) {
    if (token === '(' || token === '[') depth += 1
    else if (token === ')' || token === ']') depth -= 1
    else if (depth === 0 && /^(?:[-+*/<>=~!@#%^&|?]+|,|[A-Z_]+)$/.test(token)) return false
  }
  return tokens.length > 0
}

/** Removes the brackets around an operand; returns anything else unchanged. */
function bare(items: readonly Item[]): readonly Item[] {
  const [only, ...others] = items
  if (only === undefined || others.length > 0 || typeof only === 'string' || only[0] !== '(') return items
  const inside = only.slice(1, -1)
  return isOperand(inside) ? [inside] : items
}

function trim(items: readonly Item[]): Item[] | null {
  const [side = '', ...rest] = items
  const name = { BOTH: 'btrim', LEADING: 'ltrim', TRAILING: 'rtrim' }[String(side)]
  const [characters, from] = parts(rest, ['FROM'])
  if (name === undefined || characters === undefined || from === undefined) return null
  return called(name, characters.length === 0 ? [from] : [from, characters])
}

function plainCall(name: string, given: readonly (readonly Item[])[]): Item[] | null {
  return given.length > 1 ? called(name, given) : null
}

function called(name: string, given: readonly (readonly Item[])[]): Item[] {
  const inside = given.flatMap((one, at) => (at === 0 ? one : [',', ...one]))
  return [name, ['(', ...inside.flat(), ')']]
}

/** Splits the items at the given words, each of which may occur once and in this order. */
function parts(items: readonly Item[], words: readonly string[]): Item[][] {
  const found: Item[][] = [[]]
  let left = words
  for (const item of items) {
    const at = typeof item === 'string' ? left.indexOf(item) : -1
    if (at < 0) found.at(-1)?.push(item)
    else {
      left = left.slice(at + 1)
      found.push([])
    }
  }
  return found
}
