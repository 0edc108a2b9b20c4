/**
 * The datasources dialect, `/v1/datasources` and the same under `/api`: objects with an `object` field, Unix seconds, flat
 * error objects, strict bodies.
 */
import type { z } from 'zod'
import type { Datasource, RegisterInput } from '#shared/datasource.ts'
import { type DatasourceObject, ListQuery, RegisterBody } from '#shared/datasources-dialect.ts'
import { Fault, faultSpec, type Issue } from '#shared/fault.ts'
import { DatasourceId } from '#shared/wire.ts'
import type { Call, Dialect, Reply, Route, Spelling } from './dialect.ts'

const PATH = '/v1/datasources'

/** Parses a body or query with a schema. Throws `code` with the issues, the offending field first. */
function parsed<T>(schema: z.ZodType<T>, value: unknown, code: 'invalid_body' | 'invalid_request' = 'invalid_body'): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new Fault(code, { issues: result.error.issues.map(issueOf) })
}

/** The name of an unknown field is the caller's text: it is repeated only when it looks like a name. */
function issueOf(found: z.core.$ZodIssue): Issue {
  const path = found.path.map(part => (typeof part === 'number' ? part : String(part)))
  if (found.code !== 'unrecognized_keys') return { path, code: found.code, message: found.message }
  const key = found.keys[0] ?? ''
  return {
    path: /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(key) ? [...path, key] : path,
    code: 'unknown_field',
    message: 'There is no such field.',
  }
}

function bodyObject(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new Fault('invalid_body', {
    issues: [{ path: [], code: 'invalid_type', message: 'The body must be a JSON object.' }],
  })
}

function inputOf(body: RegisterBody): RegisterInput {
  const { connection: _, ...rest } = body
  if (!('sealedConnectionString' in rest)) return rest
  const { key_id, ...sealed } = rest
  return { ...sealed, keyId: key_id }
}

/** A malformed id names nothing, like an unknown one. */
function pathId(call: Call): DatasourceId {
  const id = DatasourceId.safeParse(call.params['id'])
  if (!id.success) throw new Fault('entity_not_found')
  return id.data
}

const seconds = (at: string) => Math.floor(Date.parse(at) / 1000)
const maybeSeconds = (at: string | null) => (at === null ? null : seconds(at))

/** A datasource in this dialect's words; an explicit list of what goes out. */
export function present(datasource: Datasource): DatasourceObject {
  const common = {
    object: 'datasource' as const,
    id: datasource.id,
    status: datasource.status,
    livemode: datasource.mode === 'live',
    metadata: datasource.metadata,
    created: seconds(datasource.createdAt),
    status_reason: datasource.statusReason,
    checks: datasource.checks,
    credential_version: datasource.credentialVersion,
    credential_fingerprint: datasource.credentialFingerprint,
  }
  if (datasource.kind === 'direct') {
    const { host, database, schema, displayName } = datasource
    return {
      ...common,
      connection: 'direct',
      provider: 'postgresql',
      host,
      database,
      schema: schema ?? 'public',
      display_name: displayName,
    }
  }
  const { feed } = datasource
  return {
    ...common,
    connection: 'endpoint',
    environment: datasource.mode,
    endpoint: datasource.endpoint,
    key_last4: datasource.keyLast4,
    cursor: feed.cursor,
    event_lag: feed.eventLag,
    retry_count: feed.retryCount,
    last_request_at: maybeSeconds(feed.lastRequestAt),
    last_success_at: maybeSeconds(feed.lastSuccessAt),
    last_error: feed.lastError,
  }
}

async function list(call: Call): Promise<Reply> {
  const query = parsed(ListQuery, Object.fromEntries(call.query), 'invalid_request')
  const { starting_after: olderThan, ending_before: newerThan } = query
  if (olderThan !== undefined && newerThan !== undefined)
    throw new Fault('invalid_request', {
      issues: [
        { path: ['ending_before'], code: 'exclusive', message: 'Give starting_after or ending_before, not both.' },
      ],
    })
  const isPaged = call.query.size > 0
  const data: DatasourceObject[] = []
  for (let cursor: string | undefined = olderThan; ; ) {
    const page = await call.caller.datasources.list({
      limit: isPaged ? (query.limit ?? 10) : 100,
      ...(cursor === undefined ? {} : { cursor }),
      ...(newerThan === undefined ? {} : { newerThan }),
    })
    data.push(...page.items.map(present))
    if (isPaged || page.nextCursor === null)
      return { status: 200, body: { object: 'list', data, has_more: page.nextCursor !== null } }
    cursor = page.nextCursor
  }
}

const routes: Route[] = [
  {
    method: 'post',
    path: PATH,
    async run(call) {
      const input = inputOf(parsed(RegisterBody, bodyObject(call.body)))
      const made = await call.caller.datasources.register({
        ...input,
        ...(call.waitSeconds === undefined ? {} : { waitSeconds: call.waitSeconds }),
      })
      return { status: call.remarks.created === true ? 201 : 200, body: present(made) }
    },
  },
  { method: 'get', path: PATH, run: list },
  {
    method: 'get',
    path: `${PATH}/:id`,
    run: async call => ({ status: 200, body: present(await call.caller.datasources.get({ id: pathId(call) })) }),
  },
  {
    method: 'delete',
    path: `${PATH}/:id`,
    async run(call) {
      const { id } = await call.caller.datasources.remove({ id: pathId(call) })
      return { status: 200, body: { object: 'datasource', id, deleted: true } }
    },
  },
]

/** Every route twice: existing SDKs prefix `/api`. */
const prefixed = routes.flatMap(route => [route, { ...route, path: `/api${route.path}` }])

/** The dialect's routes and error shape; paths that belong to nobody answer in this shape too. */
export function datasourcesDialect(publicUrl: string): Dialect {
  return { voice: 'datasources', routes: prefixed, spell: of => spell(of, publicUrl) }
}

function spell({ fault, requestId }: Spelling, publicUrl: string): Reply {
  const spec = faultSpec(fault.code)
  const [issue] = fault.issues
  const param = issue?.path.join('.') ?? ''
  const body = {
    type: spec.kind,
    code: fault.code,
    message: issue?.message ?? spec.says,
    ...(param === '' || fault.code === 'invalid_json' ? {} : { param }),
    doc_url: `${publicUrl}/docs/faults#${fault.code}`,
    request_id: requestId,
  }
  return { status: spec.datasourcesStatus ?? spec.status, body }
}
