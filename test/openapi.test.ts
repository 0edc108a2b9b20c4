/** The OpenAPI document and the pages that show it. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionsDialect } from '#server/rest/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources.ts'
import { documentedPath } from '#server/rest/openapi.ts'
import { FAULTS } from '#shared/fault.ts'
import { judgeOf } from '#test/support/documented.ts'
import { type Mooring, startMooring } from '#test/support/mooring.ts'

const PUBLIC_URL = 'https://mooring.example.com'

let mooring: Mooring
// biome-ignore lint/suspicious/noExplicitAny: the test walks through it without knowing its type
let document: any
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

const operations = () => Object.values(document.paths).flatMap(path => Object.values(path as object))
const described = () => operations().filter(one => typeof one.operationId === 'string')

describe('The document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
    expect(document.openapi).toBe('3.1.1')
  })

  it('has every route of both dialects, and no other', () => {
    const served = [connectionsDialect, datasourcesDialect(PUBLIC_URL)].flatMap(dialect =>
      dialect.routes.map(route => `${route.method.toUpperCase()} ${documentedPath(route.path)}`),
    )
    const aliases = served.filter(one => one.includes(' /api/') && served.includes(one.replace(' /api/', ' /')))
    const own = served.filter(one => !aliases.includes(one))
    expect([...judgeOf(document).operations].sort()).toEqual(own.sort())
    for (const alias of aliases) expect(document.paths[alias.split(' /api')[1] ?? ''].servers).toHaveLength(2)
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
      expect([operationId, summary, description, tags[0]].every(text => text.length > 0)).toBe(true)
      for (const one of [...(parameters ?? []), ...Object.values(responses)] as object[])
        expect('$ref' in one || 'description' in one).toBe(true)
    }
  })

  it('has an example for every body and every answer, each as its schema says', () => {
    for (const [name, path] of Object.entries<object>(document.paths))
      for (const [method, operation] of Object.entries(path).filter(([, one]) => 'operationId' in one)) {
        const judge = judgeOf(document)
        const url = name.replaceAll(/\{[^}]+\}/g, 'x')
        const media = operation.requestBody?.content['application/json']
        const bodies =
          media === undefined ? [''] : Object.values(media.examples).map(one => JSON.stringify(shownIn(one)))
        expect(bodies.length).toBeGreaterThan(0)
        for (const [status, response] of Object.entries<{ content?: Record<string, Media> }>(operation.responses)) {
          const content = response.content?.['application/json']
          const examples = content === undefined ? [] : 'example' in content ? [content.example] : allShownIn(content)
          expect(content === undefined || examples.length > 0).toBe(true)
          for (const example of content === undefined ? [undefined] : examples)
            for (const body of bodies) {
              const text = example === undefined ? '' : JSON.stringify(example)
              const answer = { status: Number(status), headers: new Headers(), text }
              const problems = judge.problems({ method: method.toUpperCase(), path: url, body }, answer)
              expect(problems, `${method} ${name} ${status}`).toEqual([])
            }
        }
      }
  })

  it('tells of both headers that carry a key', () => {
    expect(document.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    })
    expect(document.security).toEqual([{ bearer: [] }, { apiKey: [] }])
  })

  it('has no field of an answer for a credential', () => {
    const answers = described().flatMap(one => Object.values<object>(one.responses))
    const names = [...nodes({ answers, schemas: answered() })].flatMap(([, node]) =>
      typeof node['properties'] === 'object' && node['properties'] !== null ? Object.keys(node['properties']) : [],
    )
    expect(names).toContain('display_name')
    expect(names.filter(name => /password|secret|signingKey|connectionString|connection_string/.test(name))).toEqual([])
  })
})

interface Media {
  readonly example?: unknown
  readonly examples?: Record<string, unknown>
}

const shownIn = (one: unknown): unknown => (one as { value: unknown }).value // the form of an OpenAPI example
const allShownIn = (media: Media) => Object.values(media.examples ?? {}).map(shownIn)

/** The components that answers refer to, one level deep after another. */
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
  return [...found].map(name => document.components.schemas[name])
}

describe('The pages', () => {
  it('run nothing but local files, under a policy that allows nothing else', async () => {
    for (const path of ['/docs', '/docs/faults']) {
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

  it('have a place for each fault, to which errors link', async () => {
    const { text } = await mooring.call('GET', '/docs/faults', { key: null })
    for (const code of Object.keys(FAULTS)) expect(text).toContain(`id="${code}"`)
    const refused = await mooring.call('GET', '/v1/datasources', { key: null })
    expect(refused.body.doc_url).toBe(`${PUBLIC_URL}/docs/faults#apikey_missing`)
  })

  it('serve no other file of the package that they are made with', async () => {
    for (const path of [
      '/docs/swagger-ui.js.map',
      '/docs/package.json',
      '/docs/../package.json',
      '/docs/%2e%2e/LICENSE',
    ])
      expect((await mooring.call('GET', path, { key: null })).status).toBe(404)
  })
})
