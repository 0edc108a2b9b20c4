/**
 * Whether two texts of SQL are the same but for what major versions of PostgreSQL spell otherwise: needless brackets, line
 * breaks, quotes around words, the table in front of a column (16 leaves it out where there is one table alone), and calls
 * in the words of the standard (`EXTRACT`, `TRIM`, `AT TIME ZONE` and the like, since 14).
 *
 * Only the rules of drift use it, for servers of two versions. Brackets that tell one expression from another stay.
 */
import { type Item, isOperand, rewrittenCall, rewrittenGroup } from './drift-standard-call.ts'

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*|\d+(?:\.\d+)?|::|[-+*/<>=~!@#%^&|?]+|[^\s;]/g
const WORD = /^["A-Za-z_]/
const NEEDLESS_QUOTES = /^"([a-z_][a-z0-9_]*)"$/
/** A stranger's text may be nested to any depth, and each level is copied into the one around it. */
const MAX_DEPTH = 200

/** True when the texts differ in such spelling alone. */
export function isRespelled(before: unknown, after: unknown): boolean {
  return isSame(before, after, (tokens, other) => {
    const [at, otherAt] = [tokens.at, other.at]
    return isQualifier(tokens.all, at) && tokens.all[at + 2] === other.all[otherAt] ? 2 : passedOver(tokens)
  })
}

/**
 * True when the texts differ as a dump that is loaded again differs from its source: `(a AND b) AND c` comes back as
 * `a AND b AND c`, and a cast in a later branch of a union with its type as its name.
 */
export function isReprinted(before: unknown, after: unknown): boolean {
  return isSame(before, after, passedOver)
}

/** A place among the tokens of a text. */
interface Place {
  readonly all: readonly string[]
  readonly at: number
}

/** True where both have the same tokens, but for those that `passOver` counts where they differ. */
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

/** Names that PostgreSQL gives to casts, where the type is spelled otherwise. */
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

/** `AS text` behind `'x'::text`: two tokens, which say nothing. */
function passedOver({ all, at }: Place): number {
  if (all[at] !== 'AS') return 0
  const type = all[at - 1] === ']' ? all[at - 3] : all[at - 1]
  return all.slice(Math.max(0, at - 6), at).includes('::') && (CAST_NAMES[type ?? ''] ?? type) === all[at + 1] ? 2 : 0
}

function isQualifier(tokens: readonly string[], at: number): boolean {
  return tokens[at + 1] === '.' && WORD.test(tokens[at] ?? '')
}

/** The tokens in one spelling; null where the brackets are not balanced. */
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

/** Puts a group of round brackets behind what is outside of it. */
function close(outside: Item[], items: readonly Item[]): void {
  const before = outside.at(-1)
  const isBehindWord = typeof before === 'string' && WORD.test(before)
  const call = isBehindWord ? rewrittenCall(before, items) : null
  if (call !== null) outside.splice(-1, 1, ...call)
  else outside.push(...(rewrittenGroup(items) ?? [withoutNeedless(flattened(items), isBehindWord)]))
}

/** Terms that AND or OR joins, those that the same word joins among them without their brackets. */
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

/** The words of a group outside of the groups in it. */
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

/** A group without brackets around one that has them, and around an operand that is no argument: `(at).hour`, `(0)::text`. */
function withoutNeedless(items: readonly Item[], isBehindWord: boolean): Item {
  const [only, ...others] = items
  if (only !== undefined && others.length === 0 && typeof only !== 'string' && only[0] === '(') return only
  const inside = items.flat()
  return !isBehindWord && isOperand(inside) ? inside : ['(', ...inside, ')']
}
