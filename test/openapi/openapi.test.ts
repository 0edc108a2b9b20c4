/** The OpenAPI document and the pages that show it. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { documentedPath } from '#server/rest/openapi/openapi.ts'
import { FAULTS } from '#shared/faults/fault.ts'
import { type Document, exchangeCheck } from '#test/support/house/documented.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

/** The part of the document that these tests read. */
interface OpenApi extends Document {
  readonly openapi: string
  readonly security: unknown
  readonly components: Document['components'] & { readonly securitySchemes: unknown }
}

interface Media {
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, unknown>>
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly parameters?: readonly object[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>
}

const PUBLIC_URL = 'https://mooring.example.com'

let mooring: Mooring
let document: OpenApi
beforeAll(async () => {
  mooring = await startMooring({ env: { MOORING_PUBLIC_URL: PUBLIC_URL }, worker: false })
  document = (await mooring.call('GET', '/openapi.json', { key: null })).body
})
afterAll(() => mooring.stop())

/** Every node of the document with its place. */
function* nodes(value: unknown, place = ''): Generator<readonly [string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [place, value as Record<string, unknown>] // neither null nor an array
  for (const [key, item] of Object.entries(value)) yield* nodes(item, `${place}/${key}`)
}

/** Every operation with its method and path. */
function described(): (Operation & { readonly method: string; readonly path: string })[] {
  return exchangeCheck(document).operations.map(name => {
    const [method = '', path = ''] = name.split(' ')
    // The document's own shape; the first test shows that it is valid.
    const operation: unknown = document.paths[path]?.[method.toLowerCase()]
    return { ...(operation as Operation), method, path }
  })
}

describe('The document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate({ ...structuredClone(document) })
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
    expect(document.openapi).toBe('3.1.1')
  })

  it('has exactly the routes of both dialects', () => {
    const served = [connectionsDialect, datasourcesDialect(PUBLIC_URL)].flatMap(dialect =>
      dialect.routes.map(route => `${route.method.toUpperCase()} ${documentedPath(route.path)}`),
    )
    const aliases = served.filter(one => one.includes(' /api/') && served.includes(one.replace(' /api/', ' /')))
    const own = served.filter(one => !aliases.includes(one))
    expect([...exchangeCheck(document).operations].sort()).toEqual(own.sort())
    for (const alias of aliases)
      expect(document.paths[alias.split(' /api')[1] ?? '']).toMatchObject({ servers: [{}, {}] })
  })

  it('describes every field, parameter, header, answer and operation', () => {
    const missing = [...nodes(document)].flatMap(([place, node]) => {
      const { properties } = node
      const isSchema = typeof properties === 'object' && properties !== null && !place.includes('/example')
      const fields = isSchema ? Object.entries(properties) : []
      return fields
        .filter(([, field]) => !('description' in field || '$ref' in field))
        .map(([name]) => `${place}.${name}`)
    })
    expect(missing).toEqual([])
    for (const { operationId, summary, description, parameters, responses, tags } of described()) {
      expect([operationId, summary, description, tags[0] ?? ''].every(text => text.length > 0)).toBe(true)
      for (const one of [...(parameters ?? []), ...Object.values(responses)])
        expect('$ref' in one || 'description' in one).toBe(true)
    }
  })

  it('has an example for every body and every answer, each valid under its schema', () => {
    const check = exchangeCheck(document)
    for (const { method, path, requestBody, responses } of described()) {
      const url = path.replaceAll(/\{[^}]+\}/g, 'x')
      const bodies = requestBody === undefined ? [''] : displayed(requestBody).map(one => JSON.stringify(one))
      expect(bodies.length).toBeGreaterThan(0)
      for (const [status, response] of Object.entries(responses)) {
        const examples = response.content === undefined ? [''] : displayed(response).map(one => JSON.stringify(one))
        expect(examples.length, `${method} ${path} ${status}`).toBeGreaterThan(0)
        for (const text of examples)
          for (const body of bodies) {
            const answer = { status: Number(status), headers: new Headers(), text }
            const problems = check.problems({ method, path: url, body }, answer)
            expect(problems, `${method} ${path} ${status}`).toEqual([])
          }
      }
    }
  })

  it('marks each intentional departure from the documented dialects, and gives the reason', () => {
    const operation = (path: string): unknown => Reflect.get(Object(document.paths[path]), 'post')
    const parameters: unknown = Reflect.get(document.components, 'parameters')
    const described = [
      operation('/v1/datasources'),
      operation('/v1/capabilities'),
      operation('/api/v1/connections'),
      operation('/v1/datasources/{id}/events'),
      Reflect.get(Object(parameters), 'IdempotencyKey'),
    ]
    for (const one of described)
      expect(Reflect.get(Object(one), 'description')).toMatch(/\*Deliberate\*: .* (since|so that) /s)
  })

  it('describes both headers that carry a key', () => {
    expect(document.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    })
    expect(document.security).toEqual([{ bearer: [] }, { apiKey: [] }])
  })

  it('has no answer field for a credential', () => {
    const answers = described().flatMap(one => Object.values(one.responses))
    const names = [...nodes({ answers, schemas: answered() })].flatMap(([, node]) =>
      typeof node['properties'] === 'object' && node['properties'] !== null ? Object.keys(node['properties']) : [],
    )
    expect(names).toContain('display_name')
    expect(names.filter(name => /password|secret|signingKey|connectionString|connection_string/.test(name))).toEqual([])
  })
})

/** The examples of a body or an answer. */
function displayed({ content }: { readonly content?: Readonly<Record<string, Media>> }): unknown[] {
  const media = content?.['application/json'] ?? {}
  if ('example' in media) return [media.example]
  return Object.values(media.examples ?? {}).map(one => (one as { value: unknown }).value) // the form of an OpenAPI example
}

/** The components that answers refer to, level by level. */
function answered(): object[] {
  const found = new Set<string>()
  const visit = (value: unknown): void => {
    for (const [, node] of nodes(value)) {
      const name = /^#\/components\/schemas\/(.+)$/.exec(String(node['$ref']))?.[1]
      if (name === undefined || found.has(name)) continue
      found.add(name)
      visit(document.components.schemas[name])
    }
  }
  for (const one of described()) visit(one.responses)
  return [...found].map(name => document.components.schemas[name] ?? {})
}

describe('The pages', () => {
  it('run only local files, under a policy that allows nothing else', async () => {
    for (const path of ['/docs', '/docs/guide', '/docs/faults']) {
      const { status, headers, text } = await mooring.call('GET', path, { key: null })
      expect(status).toBe(200)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      const links = [...text.matchAll(/(?:src|href)="([^"#][^"]*)"/g)].map(([, link = '']) => link)
      const local = links.filter(link => link !== 'data:,')
      expect(local.length).toBeGreaterThan(0)
      for (const link of local) {
        expect(link).not.toMatch(/^(\w+:|\/\/)/)
        const asset = await fetch(new URL(link, `${mooring.url}${path}`))
        expect([link, asset.status]).toEqual([link, 200])
        await asset.arrayBuffer()
      }
      expect(text).not.toMatch(/<script>|<style|style="|onload=/)
    }
  })

  it('have an anchor for each fault, to which errors link', async () => {
    const { text } = await mooring.call('GET', '/docs/faults', { key: null })
    for (const code of Object.keys(FAULTS)) expect(text).toContain(`id="${code}"`)
    const refused = await mooring.call('GET', '/v1/datasources', { key: null })
    expect(refused.body.doc_url).toBe(`${PUBLIC_URL}/docs/faults#apikey_missing`)
  })

  it('serve no file', async () => {
    for (const path of ['/docs/page.ts', '/docs/package.json', '/docs/../package.json', '/docs/%2e%2e/LICENSE'])
      expect((await mooring.call('GET', path, { key: null })).status).toBe(404)
  })
})
