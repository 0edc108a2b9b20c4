/**
 * Translates the refusals of our schemas to Pydantic v2: its type, its message and its `ctx`, whichever schema it was.
 *
 * The types and their `ctx` are those of pydantic_core 2.46; a test compares them with its own list. The only part of a
 * value in a message is the one character that a UUID parser names. Called for the bodies of the connections dialect.
 */
import type { z } from 'zod'
import type { Issue } from '#shared/faults/fault.ts'

type Path = readonly (string | number)[]
type Ctx = NonNullable<Issue['ctx']>
interface FormattedIssue {
  readonly code: string
  readonly message: string
  readonly ctx?: Ctx
}

/** Pydantic's message for a value of the wrong type. */
const MISTYPED: Readonly<Record<string, FormattedIssue>> = {
  string: { code: 'string_type', message: 'Input should be a valid string' },
  array: { code: 'list_type', message: 'Input should be a valid list' },
  number: { code: 'int_type', message: 'Input should be a valid integer' },
  int: { code: 'int_from_float', message: 'Input should be a valid integer, got a number with a fractional part' },
  boolean: { code: 'bool_type', message: 'Input should be a valid boolean' },
  object: { code: 'dict_type', message: 'Input should be a valid dictionary' },
  record: { code: 'dict_type', message: 'Input should be a valid dictionary' },
}

/** An issue of a schema, as Pydantic would have reported it for the same body. */
export function formatIssue(found: z.core.$ZodIssue, body: object): Issue {
  const path = found.path.map(part => (typeof part === 'number' ? part : String(part)))
  const [first] = path
  if (path.length === 1 && typeof first === 'string' && !Object.hasOwn(body, first)) {
    return { path, code: 'missing', message: 'Field required' }
  }
  return { path, ...pydanticError(found, valueAt(body, path)) }
}

/** The value at a path in a body; undefined if there is none. */
export function valueAt(body: unknown, path: Path): unknown {
  let value = body
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Reflect.get(value, part)
  }
  return value
}

function pydanticError(found: z.core.$ZodIssue, value: unknown): FormattedIssue {
  if (found.code === 'custom' && typeof found.params?.['type'] === 'string') {
    const ctx: unknown = found.params['ctx']
    return { code: found.params['type'], message: found.message, ...(isCtx(ctx) ? { ctx } : {}) }
  }
  if (found.code === 'invalid_type' && Object.hasOwn(MISTYPED, found.expected)) {
    return MISTYPED[found.expected] ?? valueError('the value is invalid')
  }
  if (found.code === 'too_small' || found.code === 'too_big') return outOfBounds(found, value)
  if (found.code === 'invalid_format' && found.format === 'base64') return valueError('it is not base64')
  return valueError('the value is invalid')
}

function valueError(sentence: string): FormattedIssue {
  return { code: 'value_error', message: `Value error, ${sentence}` }
}

type OutOfBounds = Extract<z.core.$ZodIssue, { code: 'too_small' | 'too_big' }>

function outOfBounds(found: OutOfBounds, value: unknown): FormattedIssue {
  const isSmall = found.code === 'too_small'
  const bound = Number(isSmall ? found.minimum : found.maximum)
  const order = isSmall ? 'at least' : 'at most'
  if (found.origin === 'string') {
    const message = `String should have ${order} ${bound} character${bound === 1 ? '' : 's'}`
    return isSmall
      ? { code: 'string_too_short', message, ctx: { min_length: bound } }
      : { code: 'string_too_long', message, ctx: { max_length: bound } }
  }
  if (found.origin === 'array') {
    const actual = Array.isArray(value) ? value.length : 0
    const message = `List should have ${order} ${bound} item${bound === 1 ? '' : 's'} after validation, not ${actual}`
    const counted = { field_type: 'List', [isSmall ? 'min_length' : 'max_length']: bound, actual_length: actual }
    return { code: isSmall ? 'too_short' : 'too_long', message, ctx: counted }
  }
  const message = `Input should be ${isSmall ? 'greater' : 'less'} than or equal to ${bound}`
  return isSmall
    ? { code: 'greater_than_equal', message, ctx: { ge: bound } }
    : { code: 'less_than_equal', message, ctx: { le: bound } }
}

function isCtx(ctx: unknown): ctx is Ctx {
  return typeof ctx === 'object' && ctx !== null
}
