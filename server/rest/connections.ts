/**
 * The connections dialect, `/api/v1/connections`: what is a datasource elsewhere is a connection here, ids are bare UUIDs,
 * answers come in an envelope, and validation errors speak Pydantic v2.
 */
import type { z } from 'zod'
import {
  type ConnectionResponse,
  type PlainConnection,
  registerBodyFor,
  type SealedConnection,
} from '#shared/connections-dialect.ts'
import type { Datasource, RegisterInput } from '#shared/datasource.ts'
import { Fault, faultSpec, type Issue } from '#shared/fault.ts'
import { type DatasourceId, typedId, uuidOf } from '#shared/wire.ts'
import type { Call, Dialect, Reply, Route } from './dialect.ts'
import { detailOf } from './pydantic.ts'

const PATH = '/api/v1/connections'

/** `PlainConnection` and `SealedConnection` name the same input as `datasources.register`. */
function inputOf(body: PlainConnection | SealedConnection): RegisterInput {
  const common = {
    name: body.name,
    dbType: body.db_type as NonNullable<Extract<RegisterInput, { connectionString: string }>['dbType']>, // its pattern was checked
    schema: null,
    ...(body.excluded_schemas === undefined ? {} : { excludedSchemas: body.excluded_schemas }),
  }
  if ('connection_string' in body) return { connectionString: body.connection_string, ...common }
  const { sealed_connection_string, key_id, host, port, database_name } = body
  return {
    sealedConnectionString: sealed_connection_string,
    keyId: key_id,
    host,
    port,
    database: database_name,
    ...common,
  }
}

function parseRegister(body: unknown): RegisterInput {
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
function pathId(call: Call): DatasourceId {
  const text = call.params['connection_id'] ?? ''
  const id = typedId('ds_', text.toLowerCase())
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) && uuidOf(id, 'ds_') !== null) return id
  const message = 'Input should be a valid UUID'
  throw new Fault('invalid_request', {
    issues: [{ path: ['path', 'connection_id'], code: 'uuid_parsing', message, ctx: { error: 'not a UUID' } }],
  })
}

/** A datasource in this dialect's words; an explicit list of what goes out. */
function present(datasource: Datasource): ConnectionResponse {
  if (datasource.kind !== 'direct') throw new Fault('entity_not_found')
  const uuid = uuidOf(datasource.id, 'ds_', 'ds_test_') ?? ''
  return {
    id: uuid,
    name: datasource.name,
    db_type: datasource.dbType,
    host: datasource.host,
    port: datasource.port,
    database_name: datasource.database,
    excluded_schemas: datasource.excludedSchemas,
    is_active: datasource.removedAt === null,
    created_at: datasource.createdAt,
    last_introspected_at: datasource.introspectedAt,
  }
}

const envelope = (data: unknown) => ({ success: true, data, error: null })
const ok = (data: unknown): Reply => ({ status: 200, body: envelope(data) })

const routes: Route[] = [
  {
    method: 'post',
    path: PATH,
    async run(call) {
      const input = parseRegister(call.body)
      const made = await call.caller.datasources.register({
        ...input,
        ...(call.waitSeconds === undefined ? {} : { waitSeconds: call.waitSeconds }),
      })
      return { status: 201, body: envelope(present(made)) }
    },
  },
  {
    method: 'get',
    path: PATH,
    async run(call) {
      const connections: ConnectionResponse[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await call.caller.datasources.list({
          kind: 'direct',
          limit: 100,
          ...(cursor === undefined ? {} : { cursor }),
        })
        connections.push(...page.items.map(present))
        if (page.nextCursor === null) return ok({ connections, count: connections.length })
        cursor = page.nextCursor
      }
    },
  },
  {
    method: 'get',
    path: `${PATH}/:connection_id`,
    run: async call => ok(present(await call.caller.datasources.get({ id: pathId(call) }))),
  },
  {
    method: 'delete',
    path: `${PATH}/:connection_id`,
    run: async call => ok(present(await call.caller.datasources.remove({ id: pathId(call) }))),
  },
]

/** The dialect's routes and error shapes. */
export const connectionsDialect: Dialect = {
  voice: 'connections',
  routes,
  spell({ fault, body }) {
    const detail = detailOf(fault, body)
    if (detail !== null) return { status: 422, body: { detail } }
    const spec = faultSpec(fault.code)
    return {
      status: spec.status,
      body: { success: false, data: null, error: { code: spec.connections, message: spec.says, details: null } },
    }
  },
}
