/**
 * The part of an SQL text outside of all brackets, and forms for it: by that alone it is told whether anything follows an
 * expression that does not belong there. Only the SQL printer's forms use it.
 */
import { unfit } from './schema-sql-text.ts'
import { joinTokens, solid, type Token } from './schema-sql-token.ts'

/** The form of a name. */
export const NAME = '(?:[A-Z_][A-Z0-9_$]*|"")'
/** The form of a name with or without its schema. */
export const NAMES = `${NAME}(?: \\. ${NAME})?`

/** A form that has to be the whole outline. */
export function whole(form: string): RegExp {
  return new RegExp(`^${form}$`)
}

/** The tokens as they go out, if their outline has the form. */
export function fitting(read: Token[] | null, form: RegExp, text: string): string {
  return read !== null && form.test(outline(read)) ? joinTokens(read) : unfit(text)
}

/** True for one expression at most: a comma outside of all brackets begins another column or constraint. */
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

/** The text outside all brackets, in a spelling for forms: no quoted name looks like a word in it. */
export function outline(read: readonly Token[]): string {
  return solid(read)
    .map(token => OUTLINES[token.kind](token))
    .join(' ')
}

/** True for a text that was cut when it was read: it is no statement to run. */
export function isCut(statement: string): boolean {
  const [, ...behind] = statement.split(' ... [')
  return behind.some(text => /^\d{1,10} bytes, sha-256 [0-9a-f]{64}\]/.test(text))
}
