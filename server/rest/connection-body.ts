/**
 * What comes in through the connections dialect: a registration's body and the id of a path, refused in the vocabulary of
 * Pydantic v2. `connections.ts` calls it; no value is ever repeated here.
 */
import type { z } from 'zod'
import { type PlainConnection, registerBodyFor, type SealedConnection } from '#shared/connections-dialect.ts'
import { Fault, type Issue } from '#shared/fault.ts'
import type { RegisterInput } from '#shared/registration.ts'
import { type DatasourceId, typedId, uuidOf } from '#shared/wire.ts'
import type { Call } from './dialect.ts'

/** `PlainConnection` and `SealedConnection` name the same input as `datasources.register`. */
function inputOf(body: PlainConnection | SealedConnection): RegisterInput {
  const described = {
    name: body.name,
    dbType: body.db_type as NonNullable<Extract<RegisterInput, { connectionString: string }>['dbType']>, // its pattern was checked
    schema: null,
    ...(body.excluded_schemas === undefined ? {} : { excludedSchemas: body.excluded_schemas }),
  }
  if ('connection_string' in body) return { connectionString: body.connection_string, ...described }
  const { sealed_connection_string, key_id, host, port, database_name } = body
  return {
    sealedConnectionString: sealed_connection_string,
    keyId: key_id,
    host,
    port,
    database: database_name,
    ...described,
  }
}

/** A registration's body as the procedure's input. Throws `invalid_body` with every failing field. */
export function parseRegister(body: unknown): RegisterInput {
  if (body === undefined) throw refused([{ path: [], code: 'missing', message: 'Field required' }])
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const message = 'Input should be a valid dictionary or object to extract fields from'
    throw refused([{ path: [], code: 'model_attributes_type', message }])
  }
  const schema = registerBodyFor(body)
  if (schema === null) {
    const message = 'Value error, give connection_string or sealed_connection_string, not both'
    throw refused([{ path: ['connection_string'], code: 'value_error', message }])
  }
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw refused(parsed.error.issues.map(found => spelledIssue(found, body)))
  return inputOf(parsed.data)
}

function refused(issues: readonly Issue[]): Fault {
  return new Fault('invalid_body', { issues })
}

/** A zod issue in Pydantic's vocabulary. */
function spelledIssue(found: z.core.$ZodIssue, body: object): Issue {
  const path = found.path.map(part => (typeof part === 'number' ? part : String(part)))
  const first = path[0]
  const isMissing = path.length === 1 && typeof first === 'string' && !Object.hasOwn(body, first)
  if (isMissing) return { path, code: 'missing', message: 'Field required' }
  if (found.code === 'custom' && typeof found.params?.['type'] === 'string') {
    const ctx: unknown = found.params['ctx']
    return { path, code: found.params['type'], message: found.message, ...(isCtx(ctx) ? { ctx } : {}) }
  }
  if (found.code === 'invalid_type' && found.expected === 'string')
    return { path, code: 'string_type', message: 'Input should be a valid string' }
  if (found.code === 'invalid_type' && found.expected === 'array')
    return { path, code: 'list_type', message: 'Input should be a valid list' }
  return { path, code: 'value_error', message: 'Value error, the value is not acceptable' }
}

function isCtx(ctx: unknown): ctx is Record<string, string | number> {
  return typeof ctx === 'object' && ctx !== null
}

/** The datasource's id from a path; a text that is no UUID is a validation error of the path. */
export function pathId(call: Call): DatasourceId {
  const text = call.params['connection_id'] ?? ''
  const id = typedId('ds_', text.toLowerCase())
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) && uuidOf(id, 'ds_') !== null) return id
  const message = 'Input should be a valid UUID'
  throw new Fault('invalid_request', {
    issues: [{ path: ['path', 'connection_id'], code: 'uuid_parsing', message, ctx: { error: 'not a UUID' } }],
  })
}
