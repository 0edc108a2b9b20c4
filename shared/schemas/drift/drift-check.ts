/**
 * Finds the columns that a check constraint keeps from being null, if its text says so in a recognised form.
 *
 * `set not null` after a validated `check (c is not null)` is the recommended path on a large table, and both mean the
 * same. The text is untrusted: each character is read once in each direction, however deeply its brackets are nested.
 */
import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'

/** The columns that a check keeps from being null. `isPure` is true if it checks nothing else. */
export interface NullCheck {
  readonly columns: readonly string[]
  readonly isPure: boolean
}

const NONE: NullCheck = { columns: [], isPure: false }
const NAME = `("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)`
const IS_NOT_NULL = new RegExp(`^${NAME} IS NOT NULL$`)
const NOT_IS_NULL = new RegExp(`^NOT \\(?${NAME} IS NULL\\)?$`)
const NAMES = `(${NAME}(?:, ${NAME})*)`
const ROW_IS_NOT_NULL = new RegExp(`^ROW\\(${NAMES}\\) IS NOT NULL$`)
const ALL_NON_NULL = new RegExp(`^num_nonnulls\\(${NAMES}\\) = (\\d+)$`)
const EACH_NAME = new RegExp(NAME, 'g')
/** Names have at most 63 bytes, and quotes inside them are doubled. */
const MAX_TERM = 200

/**
 * Parses a check constraint as `pg_get_constraintdef` formats it. A constraint that is not enforced refuses nothing.
 */
export function nullCheck(definition: unknown): NullCheck {
  const text = typeof definition === 'string' ? definition : ''
  if (!text.startsWith('CHECK (') || text.endsWith('NOT ENFORCED')) return NONE
  const closing = bracketsOf(text)
  const end = closing?.get(6)
  if (closing === null || end === undefined) return NONE
  const columns: string[] = []
  let isPure = true
  const ranges: [number, number][] = [[7, end]]
  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    const [from, to] = range
    if (closing.get(from) === to - 1) {
      ranges.push([from + 1, to - 1])
      continue
    }
    const terms = conjuncts(text, range, closing)
    if (terms.length > 1) {
      ranges.push(...terms)
      continue
    }
    const term = to - from > MAX_TERM ? '' : text.slice(from, to)
    const refused = refusedBy(term)
    if (refused.length === 0) isPure = false
    columns.push(...refused)
  }
  return { columns, isPure: isPure && columns.length > 0 }
}

/** Returns the columns that the checks of a relation keep from being null; for a domain, `VALUE`. */
export function requiredBy(node: Node): ReadonlySet<string> {
  const checks = [...nodesIn(node, 'checks'), ...nodesIn(node, 'constraints').filter(({ kind }) => kind === 'check')]
  return new Set(checks.flatMap(({ definition }) => nullCheck(definition).columns))
}

/** Returns the columns that a single term keeps from being null on its own. */
function refusedBy(term: string): string[] {
  const name = (IS_NOT_NULL.exec(term) ?? NOT_IS_NULL.exec(term))?.[1]
  if (name !== undefined) return [unquoted(name)]
  const row = ROW_IS_NOT_NULL.exec(term)
  const counted = ALL_NON_NULL.exec(term)
  const names = (row ?? counted)?.[1]?.match(EACH_NAME) ?? []
  return counted !== null && Number(counted.at(-1)) !== names.length ? [] : names.map(unquoted)
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

/**
 * Maps each opening bracket to its closing position; null if the text is not balanced. Skips quoted texts and names.
 */
function bracketsOf(text: string): Map<number, number> | null {
  const closing = new Map<number, number>()
  const open: number[] = []
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === "'" || character === '"') {
      const end = text.indexOf(character, at + 1)
      if (end < 0) return null
      at = end
    } else if (character === '(') open.push(at)
    else if (character === ')') {
      const from = open.pop()
      if (from === undefined) return null
      closing.set(from, at)
    }
  }
  return open.length === 0 ? closing : null
}

/**
 * Splits text at AND outside of brackets and quotes; returns the whole text if there is no AND, or if there is an OR.
 */
function conjuncts(text: string, [from, to]: [number, number], closing: Map<number, number>): [number, number][] {
  const terms: [number, number][] = []
  let start = from
  for (let at = from; at < to; at += 1) {
    const character = text.charAt(at)
    if (character === '(') at = closing.get(at) ?? to
    else if (character === "'" || character === '"') at = Math.max(at, text.indexOf(character, at + 1))
    else if (character === ' ' && text.startsWith(' OR ', at)) return [[from, to]]
    else if (character === ' ' && text.startsWith(' AND ', at)) {
      terms.push([start, at])
      start = at + 5
    }
  }
  return [...terms, [start, to]]
}
