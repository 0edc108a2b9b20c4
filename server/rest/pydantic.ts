/**
 * Validation errors in Pydantic v2's shape: `{"loc", "msg", "type", "input"?, "ctx"?}`. `input` is the classic way for a
 * password to come back out of an API, so it is shown only for short scalars that cannot be a part of the credential.
 */
import type { Fault, Issue } from '#shared/fault.ts'

interface Detail {
  readonly loc: (string | number)[]
  readonly msg: string
  readonly type: string
  readonly input?: unknown
  readonly ctx?: object
}

const FIELDS: Readonly<Record<string, string>> = {
  connectionString: 'connection_string',
  sealedConnectionString: 'sealed_connection_string',
  keyId: 'key_id',
  database: 'database_name',
  dbType: 'db_type',
  excludedSchemas: 'excluded_schemas',
}

/** The details of a fault that this dialect answers with 422; null for every other fault. */
export function detailOf(fault: Fault, body: unknown): Detail[] | null {
  if (fault.code === 'invalid_json') {
    const offset = fault.issues[0]?.path[0] ?? 0
    return [
      { loc: ['body', offset], msg: 'JSON decode error', type: 'json_invalid', ctx: { error: 'Expecting value' } },
    ]
  }
  // A bad header is no validation error of FastAPI's: it is refused in the envelope.
  const isPlaced = fault.issues.some(({ path: [first] }) => first === 'path' || first === 'query')
  if (fault.code !== 'invalid_body' && !(fault.code === 'invalid_request' && isPlaced)) return null
  if (fault.issues.length === 0) return null
  return fault.issues.map(issue => detail(issue, body))
}

function detail(issue: Issue, body: unknown): Detail {
  const [first, ...rest] = issue.path
  const isPlaced = first === 'path' || first === 'query'
  const field = FIELDS[String(first)] ?? first
  const loc = isPlaced ? [...issue.path] : ['body', ...(field === undefined ? [] : [field, ...rest])]
  const type = ['connection_string', 'unknown_key'].includes(issue.code) ? 'value_error' : issue.code
  const input = isPlaced || type === 'missing' ? undefined : harmlessInput(body, loc.slice(1))
  return {
    loc,
    msg: issue.message,
    type,
    ...(input === undefined ? {} : { input }),
    ...(issue.ctx === undefined ? {} : { ctx: issue.ctx }),
  }
}

/** The failing value, when it is a number, boolean, null or short word that shares nothing with a connection string. */
function harmlessInput(body: unknown, path: readonly (string | number)[]): unknown {
  if (path.length === 0 || String(path[0]).includes('connection_string')) return undefined
  let value: unknown = body
  for (const part of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined
  if (value === undefined || (typeof value === 'object' && value !== null)) return undefined
  if (typeof value === 'string' && (value.length > 300 || /[:@/]/.test(value))) return undefined
  const secret = typeof body === 'object' && body !== null ? Reflect.get(body, 'connection_string') : undefined
  // A password of digits is a number, too.
  return typeof secret === 'string' && overlaps(String(value), secret) ? undefined : value
}

/** True when four characters in a row of `value` stand in the secret, as they are or percent-decoded. */
function overlaps(value: string, secret: string): boolean {
  const decoded = secret.replace(/(%[0-9a-f]{2})+/gi, part => safeDecode(part))
  if (value.length < 4) return value !== '' && (secret.includes(value) || decoded.includes(value))
  for (let at = 0; at + 4 <= value.length; at += 1) {
    const piece = value.slice(at, at + 4)
    if (secret.includes(piece) || decoded.includes(piece)) return true
  }
  return false
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
