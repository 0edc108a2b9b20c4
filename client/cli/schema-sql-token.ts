/**
 * SQL as PostgreSQL writes it out of its catalog → tokens; null for anything that it does not write.
 *
 * A customer's server says what it likes where an expression belongs. It has no comment, no dollar quote, no parameter, no
 * semicolon and no backslash outside of quotes in it, or it is none: that leaves nothing by which a statement, or a command
 * of psql's, could begin. Quoted text is formatted again, so that it is printable and the same under any setting.
 */
import { literal, quotedIdentifier } from './schema-sql-text.ts'

/** One token. */
export interface Token {
  /** `word` and `name` are an unquoted and a quoted identifier, `group` is between brackets, the outer ones included. */
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'sign' | 'space' | 'group'
  /** As it goes out. */
  readonly text: string
  /** An identifier's name or a literal's text, unquoted. */
  readonly value: string
  /** The tokens of a group. */
  readonly inner: readonly Token[]
}

const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const SPACE = /[ \n\t]+/y
const SIGNS = /::|[-+*/<>=~!@#%^&|?]+|[.,]/y
const BITS = /[bBxX]'[0-9A-Fa-f]*'/y
/** Directly behind a word or a number these would make another token of it. */
const GLUED = /[A-Za-z0-9_$"'&]/
/** Every level spells what is in it once more. */
const MAX_DEPTH = 200
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']' }

/**
 * Reads SQL; null where it is not balanced, or not of PostgreSQL's own writing. In one pass, without recursion. A semicolon is
 * a sign of `'rule'` alone, where it parts actions between the outermost brackets: it ends no statement there.
 */
export function tokens(sql: string, of?: 'rule'): Token[] | null {
  const open: { readonly bracket: string; readonly items: Token[] }[] = [{ bracket: '', items: [] }]
  let at = 0
  while (at < sql.length) {
    const inside = open.at(-1)
    const character = sql.charAt(at)
    if (inside === undefined) return null
    if (CLOSING[character] !== undefined) {
      if (open.length > MAX_DEPTH) return null
      open.push({ bracket: character, items: [] })
      at += 1
    } else if (character === ')' || character === ']') {
      open.pop()
      const outside = open.at(-1)
      if (outside === undefined || CLOSING[inside.bracket] !== character) return null
      outside.items.push(group(inside.bracket, inside.items))
      at += 1
    } else if (character === ';' && of === 'rule' && open.length === 2 && inside.bracket === '(') {
      inside.items.push(token('sign', ';'))
      at += 1
    } else {
      const found = tokenAt(sql, at, inside.bracket)
      if (found === null) return null
      inside.items.push(found.token)
      at += found.length
    }
  }
  return open.length === 1 ? (open[0]?.items ?? null) : null
}

function group(bracket: string, inner: readonly Token[]): Token {
  const text = `${bracket}${joinTokens(inner)}${CLOSING[bracket]}`
  return { kind: 'group', text, value: bracket, inner }
}

/** Tokens as they go out. */
export function joinTokens(all: readonly Token[]): string {
  return all.map(({ text }) => text).join('')
}

/** The tokens that are no white space. */
export function solid(all: readonly Token[]): Token[] {
  return all.filter(({ kind }) => kind !== 'space')
}

interface Found {
  readonly token: Token
  readonly length: number
}

function tokenAt(sql: string, at: number, bracket: string): Found | null {
  const quote = sql.charAt(at)
  if (quote === "'" || quote === '"') return quotedAt(sql, at, quote)
  const bits = matchAt(BITS, sql, at)
  if (bits !== null) return plain('text', bits)
  const word = matchAt(WORD, sql, at)
  if (word !== null) return GLUED.test(sql.charAt(at + word.length)) ? null : plain('word', word)
  const number = matchAt(NUMBER, sql, at)
  if (number !== null) return GLUED.test(sql.charAt(at + number.length)) ? null : plain('number', number)
  const space = matchAt(SPACE, sql, at)
  if (space !== null) return plain('space', space)
  const sign = matchAt(SIGNS, sql, at)
  if (sign !== null) return /--|\/\*/.test(sign) ? null : plain('sign', sign)
  // The bounds of an array's slice, or a key of JSON_OBJECT. With a space behind it psql takes no name for one of its variables.
  return quote === ':' && bracket !== '' ? { ...plain('sign', ':'), token: token('sign', ': ') } : null
}

function quotedAt(sql: string, at: number, quote: string): Found | null {
  let end = at + 1
  for (;;) {
    end = sql.indexOf(quote, end)
    if (end === -1) return null
    if (sql.charAt(end + 1) !== quote) break
    end += 2
  }
  const value = sql.slice(at + 1, end).replaceAll(quote + quote, quote)
  // A quoted name stays so: `"char"` and `"position"(…)` are none of the words without quotes.
  const made = quote === "'" ? token('text', literal(value)) : token('name', quotedIdentifier(value))
  return { token: { ...made, value }, length: end + 1 - at }
}

function plain(kind: Token['kind'], text: string): Found {
  return { token: token(kind, text), length: text.length }
}

function token(kind: Token['kind'], text: string): Token {
  return { kind, text, value: kind === 'word' ? text.toLowerCase() : '', inner: [] }
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}
