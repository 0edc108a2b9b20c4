/**
 * The forms that PostgreSQL's own spelling of types, names and expressions has: what has another one is `unfit`.
 *
 * Whether an expression means anything is not judged: the server that it is run on does that.
 */
import { fitting, isOne, NAMES, outline, whole } from './schema-sql-outline.ts'
import { unfit } from './schema-sql-text.ts'
import { joinTokens, solid, type Token, tokens } from './schema-sql-token.ts'

const MODIFIER = '(?: \\(\\))?'
// Each type has one form alone, or a long chain of casts could be read in ever so many ways.
const INTERVAL = `INTERVAL (?:YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)(?: TO (?:MONTH|HOUR|MINUTE|SECOND))?${MODIFIER}`
const TWO_WORDS = `(?:CHARACTER VARYING|BIT VARYING|DOUBLE PRECISION)${MODIFIER}`
const TIME = `(?:TIME|TIMESTAMP)${MODIFIER} (?:WITH|WITHOUT) TIME ZONE`
const TYPE = `(?:${TWO_WORDS}|${TIME}|${INTERVAL}|${NAMES}${MODIFIER})(?: \\[\\])*`
const OPERAND = `(?:- )?(?:''|0|${NAMES}(?: \\(\\))?|ARRAY \\[x\\])`

const WHOLE = {
  type: whole(TYPE),
  names: whole(NAMES),
  operand: whole(`${OPERAND}(?: :: ${TYPE})*`),
} as const

/** A type as `format_type` spells it. */
export function typeText(text: string): string {
  const read = tokens(text)
  const isPlain = ({ kind, text }: Token) => /^(?:word|number|text|space)$/.test(kind) || text === ',' || text === '-'
  const arePlain = read?.every(({ kind, inner }) => kind !== 'group' || inner.every(isPlain)) === true
  return arePlain ? fitting(read, WHOLE.type, text) : unfit(text)
}

/** A name with or without its schema, as `quote_ident` spells both. */
export function namesText(text: string): string {
  return fitting(tokens(text), WHOLE.names, text)
}

/** The names of which `namesText` is made, unquoted; null for any other text. */
export function identifiersIn(text: string): string[] | null {
  const read = tokens(text)
  if (read === null || !WHOLE.names.test(outline(read))) return null
  return solid(read)
    .filter(({ kind }) => kind !== 'sign')
    .map(({ value }) => value)
}

/** One balanced expression, for between parentheses. */
export function expressionText(text: string): string {
  const read = tokens(text)
  return isOne(read) ? joinTokens(read) : unfit(text)
}

/** One expression, between parentheses unless nothing that may follow it can be taken for a part of it. */
export function defaultText(text: string): string {
  const read = tokens(text)
  if (!isOne(read)) return unfit(text)
  return WHOLE.operand.test(outline(read)) ? joinTokens(read) : `(${joinTokens(read)})`
}

/** A whole number, as text. */
export function numberText(text: string): string {
  return /^-?\d{1,19}$/.test(text) ? text : unfit(text)
}
