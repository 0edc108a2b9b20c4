/**
 * Validation errors in Pydantic v2's shape: `{"loc", "msg", "type", "input"?, "ctx"?}`. `input` is the classic way for
 * an API to leak a password: `pydantic-echo.ts` decides what is shown.
 */
import type { Fault, Issue } from '#shared/faults/fault.ts'
import { echoOf } from './pydantic-echo.ts'

interface Detail {
  readonly loc: (string | number)[]
  readonly msg: string
  readonly type: string
  readonly input?: unknown
  readonly ctx?: object
}

const FIELDS: Readonly<Record<string, string>> = {
  connectionString: 'connection_string',
  caCertificate: 'ca_certificate',
  sealedConnectionString: 'sealed_connection_string',
  keyId: 'key_id',
  database: 'database_name',
  dbType: 'db_type',
  excludedSchemas: 'excluded_schemas',
}

/**
 * Every type that this dialect returns: those of pydantic_core's that its fields can have. Any other refusal of our
 * schemas is a `value_error`, as the documented server itself would report a validator's error.
 */
export const PYDANTIC_TYPES: ReadonlySet<string> = new Set([
  'missing',
  'model_attributes_type',
  'json_invalid',
  'string_type',
  'string_too_short',
  'string_too_long',
  'string_pattern_mismatch',
  'list_type',
  'too_short',
  'too_long',
  'int_type',
  'int_from_float',
  'greater_than_equal',
  'less_than_equal',
  'bool_type',
  'dict_type',
  'uuid_type',
  'uuid_parsing',
  'value_error',
])

/** A refusal to format: `params` are those of the path, by name. */
interface Asked {
  readonly body: unknown
  readonly params: Readonly<Record<string, string>>
}

/** The details of a fault that this dialect answers with 422; null for every other fault. */
export function detailOf(fault: Fault, asked: Asked): Detail[] | null {
  if (fault.code === 'invalid_json') {
    return fault.issues.map(({ path, message, ctx }) => detailed({ loc: ['body', ...path], msg: message, ctx }))
  }
  // An invalid header is not a FastAPI validation error: it is refused in the envelope.
  const isPlaced = fault.issues.some(({ path: [first] }) => first === 'path' || first === 'query')
  if (fault.code !== 'invalid_body' && !(fault.code === 'invalid_request' && isPlaced)) return null
  if (fault.issues.length === 0) return null
  return fault.issues.map(issue => detail(issue, asked))
}

function detailed({ loc, msg, ctx }: { loc: Detail['loc']; msg: string; ctx: Issue['ctx'] }): Detail {
  return { loc, msg, type: 'json_invalid', ...(ctx === undefined ? {} : { ctx }) }
}

function detail(issue: Issue, asked: Asked): Detail {
  const [first, ...rest] = issue.path
  const isPlaced = first === 'path' || first === 'query'
  const field = FIELDS[String(first)] ?? first
  const loc = isPlaced ? [...issue.path] : ['body', ...(field === undefined ? [] : [field, ...rest])]
  const input = issue.code === 'missing' ? undefined : echoOf(loc, asked)
  return { loc, ...said(issue), ...(input === undefined ? {} : { input }), ...ctxOf(issue) }
}

function said({ code, message }: Issue): Pick<Detail, 'type' | 'msg'> {
  if (PYDANTIC_TYPES.has(code) && code !== 'value_error') return { type: code, msg: message }
  const prefix = 'Value error, '
  return { type: 'value_error', msg: message.startsWith(prefix) ? message : `${prefix}${message}` }
}

/** FastAPI prints the exception behind a `value_error` as an empty object. */
function ctxOf({ code, ctx }: Issue): Pick<Detail, 'ctx'> {
  if (!PYDANTIC_TYPES.has(code) || code === 'value_error') return { ctx: { error: {} } }
  return ctx === undefined ? {} : { ctx }
}
