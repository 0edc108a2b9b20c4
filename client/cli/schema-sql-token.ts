/**
 * Tokenises SQL as PostgreSQL prints it from its catalog; null for anything that PostgreSQL does not print.
 *
 * A customer's server may send any text in place of an expression. Valid text has no comment, dollar quote, parameter,
 * semicolon or backslash outside quotes, so no statement and no psql command can begin in it. Quoted text is formatted
 * again, so that it is printable and means the same under any setting.
 */
import { literal, quotedIdentifier } from './schema-sql-text.ts'

/** A token of an SQL text. */
export interface Token {
  /** `word` is an unquoted identifier, `name` a quoted one; `group` is bracketed, including its outer brackets. */
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'sign' | 'space' | 'group'
  /** The token as it is printed. */
  readonly text: string
  /** The name of an identifier or the text of a literal, unquoted. */
  readonly value: string
  /** The tokens of a group. */
  readonly inner: readonly Token[]
}

const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const SPACE = /[ \n\t]+/y
const SIGNS = /::|[-+*/<>=~!@#%^&|?]+|[.,]/y
const BITS = /[bBxX]'[0-9A-Fa-f]*'/y
/** Directly after a word or a number, these characters would turn it into a different token. */
const GLUED = /[A-Za-z0-9_$"'&]/
/** Every level prints the tokens inside it again. */
const MAX_DEPTH = 200
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']' }

/**
 * Tokenises SQL in one pass without recursion; null if it is unbalanced or not as PostgreSQL prints it. Only with
 * `'rule'`, a semicolon is a sign that separates actions between the outermost brackets, where it cannot end a
 * statement.
 */
export function tokens(sql: string, context?: 'rule'): Token[] | null {
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
    } else if (character === ';' && context === 'rule' && open.length === 2 && inside.bracket === '(') {
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

/** Returns the tokens as text. */
export function joinTokens(all: readonly Token[]): string {
  return all.map(({ text }) => text).join('')
}

/** Returns the tokens without white space. */
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
  // The bounds of an array slice, or a key of JSON_OBJECT. The space after the colon keeps psql from reading a
  // variable.
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
  // A quoted name stays quoted: `"char"` and `"position"(…)` differ from the same words without quotes.
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
