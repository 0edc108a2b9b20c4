/**
 * One OpenAPI 3.1 document for both dialects, built from the tables that serve the requests: a route is documented by
 * the very schemas that parse it, and its errors by the very function that formats them. Served at `/openapi.json`.
 */
import { z } from 'zod'
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathItemObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi'
import type { Dialect, Route } from '#server/rest/dialect.ts'
import { VERSION } from '#shared/base/version.ts'
import { errorResponses, takesKey } from './openapi-faults.ts'
import { headers, parameters, securitySchemes, tags } from './openapi-parts.ts'
import { documentedSchema, options } from './openapi-schema.ts'

/** The parts of the document. */
export interface Documentation {
  readonly publicUrl: string
  readonly dialects: readonly Dialect[]
}

/** A path of the router in the document's notation: `:id` becomes `{id}`. */
export function documentedPath(path: string): string {
  return path.replaceAll(/:([a-z_]+)/g, '{$1}')
}

/** The document. Datasource paths appear once; a second server entry says that they are also served under `/api`. */
export function openApiDocument({ publicUrl, dialects }: Documentation): ReturnType<typeof createDocument> {
  const paths: Record<string, ZodOpenApiPathItemObject> = {}
  for (const dialect of dialects)
    for (const route of dialect.routes.filter(one => !isAlias(dialect, one))) {
      const path = documentedPath(route.path)
      const servers = dialect.surface === 'datasources' ? { servers: twoServers(publicUrl) } : {}
      paths[path] = { ...servers, ...paths[path], [route.method]: operation(dialect, route) }
    }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Mooring',
        version: VERSION,
        summary: "Where a platform's customers tie up their own Postgres.",
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl, description: 'This installation.' }],
      tags: [...tags],
      security: [{ bearer: [] }, { apiKey: [] }],
      paths,
      components: { securitySchemes, headers, parameters },
    },
    options,
  )
}

const DESCRIPTION = [
  'Two REST dialects for one registry. Every answer has an `x-request-id`: the one that was sent, if it is acceptable.',
  'GET answers have an `ETag`, and `If-None-Match` is honoured; HEAD works wherever GET does.',
  'Any path answers an unsupported method with 405 and `Allow`, a URL over 8 KiB with 414, headers over 16 KiB with 431, and a',
  'request that does not arrive in time with 408. Bodies are JSON in UTF-8, at most 64 KiB and 32 levels deep',
  'unless an operation says otherwise.',
].join('\n')

/** True for the second path of a route, which existing SDKs call under `/api`. */
function isAlias(dialect: Dialect, route: Route): boolean {
  return dialect.surface === 'datasources' && route.path.startsWith('/api/')
}

function twoServers(publicUrl: string) {
  return [
    { url: publicUrl, description: 'This installation.' },
    { url: `${publicUrl}/api`, description: 'The same under the prefix that existing SDKs use.' },
  ]
}

function operation(dialect: Dialect, route: Route): ZodOpenApiOperationObject {
  const { operationId, summary, description, body, query } = route
  const requestBody = body && {
    required: body.isOptional !== true,
    content: {
      'application/json': {
        schema: documentedSchema(body.schema),
        examples: Object.fromEntries(Object.entries(body.examples).map(([name, value]) => [name, { value }])),
      },
    },
  }
  return {
    operationId,
    summary,
    description,
    tags: [route.path.split('/').find(part => tags.some(tag => tag.name === part)) ?? 'datasources'],
    parameters: [...headerParameters(route), ...(route.headers ?? [])].map(name => ({
      $ref: `#/components/parameters/${name}`,
    })),
    requestParams: {
      ...(Object.keys(route.params).length === 0 ? {} : { path: pathParams(route) }),
      ...(query === undefined ? {} : { query }),
    },
    ...(requestBody === undefined ? {} : { requestBody }),
    ...(route.keyless === undefined ? {} : { security: [{ bearer: [] }, { apiKey: [] }, {}] }),
    responses: { ...answers(route), ...errorResponses(dialect, route) },
  }
}

function pathParams(route: Route) {
  return z.object({ ...route.params })
}

function headerParameters(route: Route): string[] {
  if (route.method === 'get') return ['RequestId', 'IfNoneMatch']
  if (route.method === 'delete') return ['RequestId']
  return ['RequestId', 'IdempotencyKey', ...(route.waits === true ? ['Prefer'] : [])]
}

function answers(route: Route): ZodOpenApiResponsesObject {
  const named: Record<string, string> = { 'x-request-id': 'RequestId' }
  if (route.method === 'get') named['ETag'] = 'ETag'
  if (takesKey(route)) named['Idempotent-Replayed'] = 'IdempotentReplayed'
  if (route.waits === true) named['Preference-Applied'] = 'PreferenceApplied'
  const references = Object.fromEntries(
    Object.entries(named).map(([name, component]) => [name, { $ref: `#/components/headers/${component}` }]),
  )
  const given = Object.entries(route.answers).map(([status, { description, schema, example }]) => {
    const content = { 'application/json': { schema, example } }
    return [status, { description, headers: references, content }] as const
  })
  const unchanged = { description: 'It has not changed since the `ETag` in `If-None-Match`.', headers: references }
  return Object.fromEntries(route.method === 'get' ? [...given, ['304', unchanged] as const] : given)
}
