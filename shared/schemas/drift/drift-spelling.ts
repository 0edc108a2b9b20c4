/**
 * Decides whether two SQL texts are the same apart from differences in how PostgreSQL's major versions format them:
 * redundant brackets, line breaks, quotes around words, the table before a column (16 omits it if there is only one
 * table), and calls in the syntax of the standard (`EXTRACT`, `TRIM`, `AT TIME ZONE` and the like, since 14).
 *
 * Only the rules of drift use this, for servers of different versions. Brackets that change the meaning are kept.
 */
import { type Item, isOperand, rewrittenCall, rewrittenGroup } from './drift-standard-call.ts'

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*|\d+(?:\.\d+)?|::|[-+*/<>=~!@#%^&|?]+|[^\s;]/g
const WORD = /^["A-Za-z_]/
const NEEDLESS_QUOTES = /^"([a-z_][a-z0-9_]*)"$/
/** Untrusted text may be nested to any depth, and each level is copied into the level around it. */
const MAX_DEPTH = 200

/** True if the texts differ only in such formatting. */
export function isRespelled(before: unknown, after: unknown): boolean {
  return isSame(before, after, (tokens, other) => {
    const [at, otherAt] = [tokens.at, other.at]
    return isQualifier(tokens.all, at) && tokens.all[at + 2] === other.all[otherAt] ? 2 : passedOver(tokens)
  })
}

/**
 * True if the texts differ only as a reloaded dump differs from its source: `(a AND b) AND c` comes back as `a AND b
 * AND c`, and a cast in a later branch of a union gets its type as its name.
 */
export function isReprinted(before: unknown, after: unknown): boolean {
  return isSame(before, after, passedOver)
}

/** A position among the tokens of a text. */
interface Place {
  readonly all: readonly string[]
  readonly at: number
}

/** True if both texts have the same tokens. At a difference, `passOver` returns how many tokens may be skipped. */
function isSame(before: unknown, after: unknown, passOver: (place: Place, other: Place) => number): boolean {
  if (typeof before !== 'string' || typeof after !== 'string') return false
  const [was, is] = [normal(before), normal(after)]
  if (was === null || is === null) return false
  let [i, j] = [0, 0]
  while (i < was.length || j < is.length) {
    if (was[i] === is[j]) {
      i += 1
      j += 1
      continue
    }
    const [one, other] = [
      { all: was, at: i },
      { all: is, at: j },
    ]
    const over = passOver(one, other)
    const otherOver = over > 0 ? 0 : passOver(other, one)
    if (over + otherOver === 0) return false
    i += over
    j += otherOver
  }
  return true
}

/** The names that PostgreSQL gives to cast columns, for types with a different internal name. */
const CAST_NAMES: Readonly<Record<string, string>> = {
  bigint: 'int8',
  boolean: 'bool',
  character: 'bpchar',
  integer: 'int4',
  precision: 'float8',
  real: 'float4',
  smallint: 'int2',
  varying: 'varchar',
}

/** Skips `AS text` after `'x'::text`: two tokens that carry no meaning. */
function passedOver({ all, at }: Place): number {
  if (all[at] !== 'AS') return 0
  const type = all[at - 1] === ']' ? all[at - 3] : all[at - 1]
  return all.slice(Math.max(0, at - 6), at).includes('::') && (CAST_NAMES[type ?? ''] ?? type) === all[at + 1] ? 2 : 0
}

function isQualifier(tokens: readonly string[], at: number): boolean {
  return tokens[at + 1] === '.' && WORD.test(tokens[at] ?? '')
}

/** Returns the tokens in normal form; null if the brackets are not balanced. */
function normal(text: string): string[] | null {
  const open: { readonly bracket: string; readonly items: Item[] }[] = [{ bracket: '', items: [] }]
  for (const token of text.match(TOKEN) ?? []) {
    const level = open.at(-1)
    if (level === undefined || open.length > MAX_DEPTH) return null
    if (token === '(' || token === '[') open.push({ bracket: token, items: [] })
    else if (token === ')' || token === ']') {
      open.pop()
      const outside = open.at(-1)?.items
      if (outside === undefined || level.bracket !== (token === ')' ? '(' : '[')) return null
      if (token === ']') outside.push(['[', ...level.items.flat(), ']'])
      else close(outside, level.items)
    } else level.items.push(NEEDLESS_QUOTES.exec(token)?.[1] ?? token)
  }
  return open.length === 1 ? (open[0]?.items.flat() ?? null) : null
}

/** Appends a group of round brackets to the level around it. */
function close(outside: Item[], items: readonly Item[]): void {
  const before = outside.at(-1)
  const isBehindWord = typeof before === 'string' && WORD.test(before)
  const call = isBehindWord ? rewrittenCall(before, items) : null
  if (call !== null) outside.splice(-1, 1, ...call)
  else outside.push(...(rewrittenGroup(items) ?? [withoutNeedless(flattened(items), isBehindWord)]))
}

/** Flattens terms that AND or OR joins: nested groups joined by the same word lose their brackets. */
function flattened(items: readonly Item[]): readonly Item[] {
  const word = ['AND', 'OR'].find(one => items.includes(one))
  if (word === undefined || items.includes('BETWEEN')) return items
  return items.map((item, at) => {
    const isTerm = [items[at - 1] ?? word, items[at + 1] ?? word].every(one => one === word)
    if (!isTerm || typeof item === 'string' || item[0] !== '(') return item
    const words = wordsOf(item)
    return words.has(word) && !words.has('BETWEEN') && !words.has('SELECT') ? item.slice(1, -1) : item
  })
}

/** The words of a group, without those of nested groups. */
function wordsOf(group: readonly string[]): ReadonlySet<string> {
  const words = new Set<string>()
  let depth = 0
  for (const token of group) {
    if (token === '(' || token === '[') depth += 1
    else if (token === ')' || token === ']') depth -= 1
    else if (depth === 1) words.add(token)
  }
  return words
}

/**
 * Removes brackets around a bracketed group, and around an operand that is not an argument: `(at).hour`, `(0)::text`.
 */
function withoutNeedless(items: readonly Item[], isBehindWord: boolean): Item {
  const [only, ...others] = items
  if (only !== undefined && others.length === 0 && typeof only !== 'string' && only[0] === '(') return only
  const inside = items.flat()
  return !isBehindWord && isOperand(inside) ? inside : ['(', ...inside, ')']
}
