/**
 * The outline of an SQL text, which is the part outside all brackets, and patterns for outlines. The outline alone
 * shows whether an expression is followed by anything that does not belong to it. Only the SQL printer's forms use
 * this.
 */
import { unfit } from './schema-sql-text.ts'
import { joinTokens, solid, type Token } from './schema-sql-token.ts'

/** The pattern of a name. */
export const NAME = '(?:[A-Z_][A-Z0-9_$]*|"")'
/** The pattern of a name with or without its schema. */
export const NAMES = `${NAME}(?: \\. ${NAME})?`

/** Returns a pattern that must match the whole outline. */
export function whole(form: string): RegExp {
  return new RegExp(`^${form}$`)
}

/** Returns the tokens as text if their outline matches the pattern; otherwise the text marked as unfit. */
export function fitting(read: Token[] | null, form: RegExp, text: string): string {
  return read !== null && form.test(outline(read)) ? joinTokens(read) : unfit(text)
}

/** True for at most one expression: a comma outside all brackets begins another column or constraint. */
export function isOne(read: Token[] | null): read is Token[] {
  return read !== null && solid(read).length > 0 && !read.some(({ text }) => text === ',')
}

const OUTLINES: Readonly<Record<Token['kind'], (token: Token) => string>> = {
  word: ({ value }) => value.toUpperCase(),
  name: () => '""',
  text: () => "''",
  number: () => '0',
  sign: ({ text }) => text,
  space: () => '',
  group: ({ value, inner }) => (value === '(' ? '()' : solid(inner).length === 0 ? '[]' : '[x]'),
}

/** Returns the text outside all brackets, written so that no quoted name looks like a keyword. */
export function outline(read: readonly Token[]): string {
  return solid(read)
    .map(token => OUTLINES[token.kind](token))
    .join(' ')
}

/** True for a text that was truncated during introspection and is therefore not a complete statement. */
export function isCut(statement: string): boolean {
  const [, ...behind] = statement.split(' ... [')
  return behind.some(text => /^\d{1,10} bytes, sha-256 [0-9a-f]{64}\]/.test(text))
}
