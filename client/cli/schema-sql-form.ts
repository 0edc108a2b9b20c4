/**
 * The forms in which PostgreSQL itself prints types, names and expressions. Text in any other form is `unfit`.
 *
 * Whether an expression is meaningful is not checked here; the server that runs the script does that.
 */
import { fitting, isOne, NAMES, outline, whole } from './schema-sql-outline.ts'
import { unfit } from './schema-sql-text.ts'
import { joinTokens, solid, type Token, tokens } from './schema-sql-token.ts'

const MODIFIER = '(?: \\(\\))?'
// Each type matches in only one way, because a long chain of casts could otherwise be matched in exponentially many
// ways.
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

/** Returns a type as `format_type` prints it. */
export function typeText(text: string): string {
  const read = tokens(text)
  const isPlain = ({ kind, text }: Token) => /^(?:word|number|text|space)$/.test(kind) || text === ',' || text === '-'
  const arePlain = read?.every(({ kind, inner }) => kind !== 'group' || inner.every(isPlain)) === true
  return arePlain ? fitting(read, WHOLE.type, text) : unfit(text)
}

/** Returns a name with or without its schema, as `quote_ident` prints both. */
export function namesText(text: string): string {
  return fitting(tokens(text), WHOLE.names, text)
}

/** Returns the unquoted parts of a name that `namesText` accepts; null for any other text. */
export function identifiersIn(text: string): string[] | null {
  const read = tokens(text)
  if (read === null || !WHOLE.names.test(outline(read))) return null
  return solid(read)
    .filter(({ kind }) => kind !== 'sign')
    .map(({ value }) => value)
}

/** Returns one balanced expression, to be placed between parentheses. */
export function expressionText(text: string): string {
  const read = tokens(text)
  return isOne(read) ? joinTokens(read) : unfit(text)
}

/** Returns one expression, in parentheses unless nothing that may follow can be read as part of it. */
export function defaultText(text: string): string {
  const read = tokens(text)
  if (!isOne(read)) return unfit(text)
  return WHOLE.operand.test(outline(read)) ? joinTokens(read) : `(${joinTokens(read)})`
}

/** Returns an integer, as text. */
export function numberText(text: string): string {
  return /^-?\d{1,19}$/.test(text) ? text : unfit(text)
}
