/** A client that is generated from `/openapi.json` type-checks, and calls every operation. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import createClient from 'openapi-fetch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Customer, makeCustomer } from '#test/support/customer.ts'
import { type Document, judgeOf } from '#test/support/documented.ts'
import { type Mooring, startMooring } from '#test/support/mooring.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

let mooring: Mooring
let customer: Customer
let document: Document
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  document = (await mooring.call('GET', '/openapi.json', { key: null })).body
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

/** The types that openapi-typescript makes of the document. */
async function generatedTypes(): Promise<string> {
  const tools = createRequire(join(root, 'test/generator/package.json'))
  const generator = await import(pathToFileURL(tools.resolve('openapi-typescript')).href)
  return generator.astToString(await generator.default(structuredClone(document)))
}

/** What a caller writes against the types: wrong ids, bodies and fields have to be errors, or nothing is checked. */
const USE = `import createClient from 'openapi-fetch'
import type { components, paths } from './types.ts'

const client = createClient<paths>({ baseUrl: 'http://localhost' })

export async function use(): Promise<string> {
  const made = await client.POST('/v1/datasources', { body: { connectionString: 'postgres://…', schema: 'app' } })
  if (made.error !== undefined) return made.error.code
  const datasource: components['schemas']['Datasource'] = made.data
  if (datasource.connection === 'endpoint') return datasource.endpoint
  // @ts-expect-error: a direct datasource has no such field
  void datasource.endpoint
  // @ts-expect-error: there is no such path
  void client.GET('/v1/databases')
  // @ts-expect-error: a registration without its required field
  void client.POST('/api/v1/connections', { body: { name: 'Shop', db_type: 'postgresql' } })
  const list = await client.GET('/v1/datasources', { params: { query: { limit: 5 } } })
  const one = await client.GET('/api/v1/connections/{connection_id}', { params: { path: { connection_id: 'x' } } })
  return one.data?.data.host ?? list.data?.data[0]?.id ?? datasource.host
}
`

const OPTIONS = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck']
const MODULES = ['--module', 'nodenext', '--target', 'es2024', '--allowImportingTsExtensions', '--types', 'node']

describe('A generated client', () => {
  it('type-checks', async () => {
    const dir = await mkdtemp(join(root, 'node_modules/.client-'))
    try {
      await writeFile(join(dir, 'types.ts'), await generatedTypes())
      await writeFile(join(dir, 'use.ts'), USE)
      await writeFile(join(dir, 'package.json'), '{"type": "module"}')
      const compiler = join(root, 'node_modules/typescript/bin/tsc')
      const args = [compiler, '--ignoreConfig', ...OPTIONS, ...MODULES, join(dir, 'use.ts')]
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch(failed => failed)
      expect(stdout).toBe('')
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('calls every operation, and is answered what the document says', async () => {
    const done = new Set<string>()
    const judge = judgeOf(document)
    const client = createClient<UntypedPaths>({
      baseUrl: mooring.url,
      headers: { 'X-API-Key': mooring.organization.testKey },
    })
    client.use({
      onResponse: async ({ request, response }) => {
        const { pathname, search } = new URL(request.url)
        const asked = { method: request.method, path: pathname + search, body: '' }
        const text = await response.clone().text()
        const { status, headers } = response
        const problems = judge.problems(asked, { status, headers, text })
        // The body has been sent; what the document says of bodies is for the exchanges.
        expect(problems.filter(problem => problem !== 'the body is missing')).toEqual([])
        done.add(judge.operationOf(asked) ?? `${asked.method} ${asked.path}`)
      },
    })
    await callEverything(client, customer.url())
    expect(judge.operations.filter(operation => !done.has(operation))).toEqual([])
  }, 60_000)
})

/** The paths as openapi-fetch wants them, without the types that only the compiled client has. */
type UntypedPaths = Record<string, Record<'get' | 'post' | 'delete', UntypedOperation>>
interface UntypedOperation {
  // biome-ignore lint/suspicious/noExplicitAny: the typed use is compiled in the other test
  parameters: any
  // biome-ignore lint/suspicious/noExplicitAny: the typed use is compiled in the other test
  requestBody?: any
  // biome-ignore lint/suspicious/noExplicitAny: the typed use is compiled in the other test
  responses: any
}
type UntypedClient = ReturnType<typeof createClient<UntypedPaths>>

const EVENT = { id: 'evt_1', model: 'order', entityId: '7', type: 'CREATE', data: {}, occurredAt: 1_795_305_600_000 }

async function callEverything(client: UntypedClient, url: string): Promise<void> {
  const wait = { Prefer: 'wait=20' }
  const at = (id: string) => ({ params: { path: { id, connection_id: id } } })
  const made = await client.POST('/v1/datasources', { body: { connectionString: url, schema: 'app' }, headers: wait })
  const endpoint = { endpoint: 'https://hooks.example.com/mooring', signingKey: 'whsec_0123456789' }
  const other = await client.POST('/v1/datasources', { body: endpoint })
  const [id, endpointId] = [made.data.id, other.data.id]
  await client.GET('/v1/datasources', { params: { query: { limit: 5 } } })
  await client.GET('/v1/datasources/{id}', at(id))
  await client.POST('/v1/datasources/validate', { body: { connectionString: url } })
  await client.POST('/v1/datasources/{id}/verify', { ...at(id), headers: wait })
  await client.POST('/v1/datasources/{id}/rotate_key', { ...at(endpointId), body: { signingKey: 'whsec_9876543210' } })
  await client.POST('/v1/datasources/{id}/introspect', { ...at(id), body: { schemas: ['app'] } })
  await client.GET('/v1/datasources/{id}/schema', at(id))
  await client.GET('/v1/datasources/{id}/schema/drift', at(id))
  await client.POST('/v1/datasources/{id}/events', { ...at(endpointId), body: { events: [EVENT] } })
  await client.GET('/v1/datasources/{id}/events', at(endpointId))
  await client.GET('/v1/sealing_key', {})
  await client.DELETE('/v1/datasources/{id}', at(id))
  const capability = await client.POST('/v1/capabilities', { body: { operations: ['datasources.read'] } })
  await client.GET('/v1/capabilities', {})
  await client.GET('/v1/capabilities/{id}', at(capability.data.id))
  await client.POST('/v1/capabilities/{id}/rotate', { ...at(capability.data.id), body: { graceSeconds: 5 } })
  await client.DELETE('/v1/capabilities/{id}', at(capability.data.id))
  const body = { name: 'Shop', db_type: 'postgresql', connection_string: url }
  const connection = await client.POST('/api/v1/connections', { body, headers: wait })
  await client.GET('/api/v1/connections', {})
  await client.GET('/api/v1/connections/{connection_id}', at(connection.data.data.id))
  await client.POST('/api/v1/connections/{connection_id}/introspect', at(connection.data.data.id))
  await client.DELETE('/api/v1/connections/{connection_id}', at(connection.data.data.id))
}
