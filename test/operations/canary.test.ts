/**
 * A password that occurs nowhere else is registered on each surface, verified, mistyped and made to fail. Afterwards it
 * occurs in no table, log line, answer or task.
 */
import type { AnyProcedure } from '@trpc/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appRouter } from '#server/api/router.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows } from '#test/support/database/rows.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { bareUuid, surfacesOf } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { type Canary, newCanary, sightings } from '#test/support/operations/canary.ts'

const canary: Canary = newCanary()
const received: [string, string][] = []

/** Every query of the router: a new one is asked, too. */
const QUERIES = Object.entries<AnyProcedure>(Object(appRouter._def.procedures))
  .filter(([, { _def }]) => _def.type === 'query')
  .map(([name]) => name)
/** These ask for something that does not exist: a capability, and a snapshot of a schema. */
const UNANSWERED = ['organization.getCapability', 'snapshots.get', 'snapshots.latest', 'snapshots.drift']

let dns: DnsServer
let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  // It knows no name: a look-up of anything but loopback ends there.
  dns = await startDnsServer()
  mooring = listening(await startMooring({ env: { MOORING_DNS_SERVERS: dns.address } }))
  customer = await makeCustomer(canary.password)
})
afterAll(async () => {
  await mooring.stop()
  await Promise.all([customer.drop(), dns.close()])
})

/** The same Mooring, with every answer recorded, headers included. */
function listening(installation: Mooring): Mooring {
  return {
    ...installation,
    call: async (method, path, options) => {
      const answer = await installation.call(method, path, options)
      received.push([
        `${method} ${path.slice(0, 40)}: ${answer.status}`,
        `${[...answer.headers].join('\n')}\n${answer.text}`,
      ])
      return answer
    },
  }
}

/** Every text that could hold the canary. */
async function everywhere(): Promise<[string, string][]> {
  const rows = Object.entries(await allRows(mooring.databaseUrl))
  return [
    ...rows.flatMap(([table, lines]) => lines.map((line): [string, string] => [table, line])),
    ...mooring.logLines.map((line): [string, string] => ['log', line]),
    ...received,
  ]
}

/** Strings that fail, each in its own way, with a permitted status of their registration. */
function wrongStrings(): string[] {
  const { password } = canary
  return [
    customer.url('reader', { password: `${password}x` }),
    customer.url('reader', { password: password.slice(0, -1) }),
    customer.url('reader', { user: 'nobody' }),
    customer.url('reader', { database: 'nowhere' }),
    customer.url('reader', { host: 'db.acme.io' }),
    customer.url('reader', { port: 1 }),
    customer.url('reader', { parameters: 'sslmode=verify-full' }),
    customer.url('superuser'),
    customer.url('reader', { host: '10.0.0.1' }),
    customer.url('reader', { parameters: `sslkey=${encodeURIComponent(password)}` }),
    customer.url('reader', { parameters: `options=${encodeURIComponent(password)}` }),
    customer.url('reader', { parameters: `${encodeURIComponent(password)}=1` }),
    customer.url('reader', { host: canary.token }),
    customer.url().replace('postgresql:', 'mysql:'),
    customer.url().replace('postgresql://', ''),
    `postgresql://reader:${password}@127.0.0.1/shop`,
    `postgresql://${encodeURIComponent(password)}@127.0.0.1/shop`,
    `postgresql://reader:${encodeURIComponent(password)}@127.0.0.1:${canary.token}/shop`,
  ]
}

/** Requests with the string in a wrong place. */
async function misplaced(url: string): Promise<void> {
  const named = { name: 'Shop', db_type: 'postgresql' }
  for (const [path, bodies] of [
    [
      '/api/v1/connections',
      [
        { ...named, conection_string: url },
        { ...named, connection_string: { url } },
        { ...named, connection_string: [url] },
        { ...named, db_type: url, connection_string: url },
        { name: url.repeat(9), db_type: canary.password, connection_string: 5 },
        { ...named, connection_string: customer.url(), password: canary.password },
        { ...named, connection_string: customer.url(), excluded_schemas: [url] },
        `{"connection_string": "${url}`,
        `{"connection_string" ${url}}`,
      ],
    ],
    [
      '/v1/datasources',
      [
        { connectionstring: url },
        { connectionString: { url } },
        { connectionString: url, [url]: url },
        { connectionString: url, schema: url },
        { connectionString: url, connection: url },
        { connectionString: url, caCertificate: url },
        { endpoint: url, signingKey: canary.password },
        `{"connectionString": "${url}`,
      ],
    ],
    [
      '/trpc/datasources.register',
      [{ connectionstring: url }, { connectionString: [url] }, { connectionString: url, [url]: 1 }, `{"c": "${url}`],
    ],
    ['/api/v1/api-keys', [{ nmae: url }, { name: [url] }, { name: { url } }, `{"name": "${url}`]],
    ['/v1/capabilities', [{ operations: [url] }, { participantKind: url, wideScope: true }, { [url]: url }]],
    ['/v1/api_keys', [{ nmae: url }, { name: [url] }, { scopes: [url] }, { mode: url }]],
    ['/trpc/datasources.verify', [{ id: url }]],
    ['/trpc/organization.createKey', [{ mode: url }, { mode: 'test', scopes: [url] }]],
  ] as const) {
    for (const body of bodies) await mooring.call('POST', path, { body })
    await mooring.call('POST', path, { body: { connectionString: url }, headers: { 'content-type': 'text/plain' } })
  }
  const { id } = (await mooring.call('POST', '/v1/datasources', { body: { connectionString: customer.url() } })).body
  for (const body of [
    { connectionstring: url },
    { connectionString: { url } },
    { connectionString: url, caCertificate: url },
    { connectionString: url, expectedVersion: url },
  ])
    await mooring.call('POST', `/v1/datasources/${id}/rotate`, { body })
  for (const body of [{ name: { url } }, { schema: url }, { [url]: url }, { metadata: [url] }, `{"name": "${url}`])
    await mooring.call('PATCH', `/v1/datasources/${id}`, { body })
  for (const body of [{ name: [url] }, { connection_string: [url] }, { connection_string: url, excluded_schemas: url }])
    await mooring.call('PATCH', `/api/v1/connections/${bareUuid(id)}`, { body })
  const inPath = encodeURIComponent(url)
  for (const asked of [
    `/v1/datasources/${id}/verifications?starting_after=${inPath}`,
    `/v1/datasources?metadata[${inPath}]=${inPath}&status=${inPath}`,
    `/v1/audit_events?action=${inPath}&object_id=${inPath}`,
    `/v1/role_sql?provider=${inPath}&schema=${inPath}`,
    `/v1/api_keys?starting_after=${inPath}`,
  ])
    await mooring.call('GET', asked)
  for (const path of [
    '/v1/datasources',
    '/api/v1/connections',
    '/api/v1/api-keys',
    '/v1/capabilities',
    '/v1/api_keys',
    '/v1/audit_events',
    '/v1/role_sql',
    '/elsewhere',
    '/trpc',
  ])
    for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) await mooring.call(method, `${path}/${inPath}`)
  await mooring.call('GET', `/v1/datasources?limit=${inPath}`)
  await mooring.call('GET', `/trpc/datasources.get?input=${encodeURIComponent(JSON.stringify({ id: url }))}`)
  await mooring.call('GET', '/v1/datasources', { key: inPath })
  for (const name of ['x-api-key', 'x-request-id', 'prefer', 'idempotency-key'])
    await mooring.call('GET', '/v1/datasources', { headers: { [name]: inPath } })
}

describe('A password', () => {
  it('is registered, verified and read back on each surface', async () => {
    for (const surface of surfacesOf(mooring)) {
      const made = await surface.register({ url: customer.url(), wait: 20 })
      expect((await surfacesOf(mooring)[0].get(made.uuid)).status).toBe('active')
      await surface.list()
      await surface.get(made.uuid)
      const again = { id: `ds_test_${made.uuid.replaceAll('-', '')}`, waitSeconds: 20 }
      expect((await mooring.call('POST', '/trpc/datasources.verify', { body: again })).status).toBe(200)
    }
  })

  it('is mistyped, and sent to wrong hosts, databases and roles, on each surface', async () => {
    const [url, ...others] = wrongStrings()
    for (const surface of surfacesOf(mooring)) {
      const first = await surface.register({ url: url ?? '', wait: 20 })
      expect(await surfacesOf(mooring)[0].get(first.uuid)).toMatchObject({ reason: 'authentication_failed' })
      await Promise.all(others.map(other => surface.register({ url: other, wait: 20 })))
    }
    const reasons = await query(mooring.databaseUrl, 'select distinct status_reason as reason from datasources')
    expect(reasons.map(row => row['reason'])).toEqual(
      expect.arrayContaining([
        'byo_role_cannot_enforce_rls',
        'database_not_found',
        'database_unreachable',
        'tls_failed',
      ]),
    )
  })

  it('is sent in wrong places: other fields, paths, queries and headers, and bodies that are not JSON', async () => {
    await misplaced(customer.url())
    expect(received.some(([, text]) => text.includes('json_invalid'))).toBe(true)
  })

  it('is an endpoint’s signing key, of which no more than four characters are shown', async () => {
    const body = { endpoint: 'https://api.acme.io/feed', signingKey: canary.password }
    const made = await mooring.call('POST', '/v1/datasources', { body, headers: { prefer: 'wait=1' } })
    expect([made.status, made.body.key_last4]).toEqual([201, canary.password.slice(-4)])
    await mooring.call('POST', '/trpc/datasources.register', { body })
  })

  it('is asked about by every query, with the id of its datasource, its feed and its own text in the place of an id', async () => {
    const listed: { id: string }[] = (await mooring.call('GET', '/v1/datasources?limit=100')).body.data
    const direct = listed.find(({ id }) => id.startsWith('ds_'))?.id
    const endpoint = listed.find(({ id }) => id.startsWith('dse_'))?.id
    const before = received.length
    for (const name of QUERIES)
      for (const asked of [
        {},
        { id: direct },
        { id: endpoint },
        { id: customer.url() },
        { schema: customer.url() },
        { schema: 'public' },
      ])
        await mooring.call('GET', `/trpc/${name}?input=${encodeURIComponent(JSON.stringify(asked))}`)
    const good = received.slice(before).filter(([what]) => what.endsWith(': 200'))
    const answered = new Set(good.map(([what]) => /(?<=trpc\/)[\w.]+/.exec(what)?.[0]))
    expect(QUERIES.filter(name => !answered.has(name))).toEqual(UNANSWERED)
  })

  it('is then in no table, log line, answer or task', async () => {
    const texts = await everywhere()
    for (const table of ['public.credentials', 'public.tasks', 'public.verifications', 'public.audit_events', 'log'])
      expect(texts.filter(([where]) => where === table).length, table).toBeGreaterThan(0)
    expect(sightings(canary, texts)).toEqual([])
  })

  it('is in no table after its datasources are removed, and no sealed byte of it is left', async () => {
    const [surface] = surfacesOf(mooring)
    const direct = "select id from datasources where kind = 'direct' and deleted_at is null"
    for (const { id } of await query(mooring.databaseUrl, direct))
      expect((await surface.remove(String(id))).http).toBe(200)
    const left = `select c.state from credentials c join datasources d on d.id = c.datasource_id
      where c.sealed is not null and d.kind = 'direct'`
    expect(await query(mooring.databaseUrl, left)).toEqual([])
    expect(sightings(canary, await everywhere())).toEqual([])
  })
})

describe('The search', () => {
  it('finds a canary in a table, as text, bytes or JSON, and in each encoding', async () => {
    const { password } = canary
    const bytes = Buffer.from(`x${password}`)
    const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
    const planted = [
      `${literal(password)}::text`,
      `'\\x${bytes.toString('hex')}'::bytea`,
      `jsonb_build_object('deep', jsonb_build_array(${literal(password)}))`,
      literal(bytes.toString('base64')),
      literal(Buffer.from(`yy${password}`).toString('base64url')),
      literal(encodeURIComponent(password)),
      literal(canary.token.slice(0, 15)),
    ]
    for (const value of planted) {
      await query(mooring.databaseUrl, `create table planted as select ${value} as it`)
      expect(
        sightings(canary, await everywhere()).map(found => found.where),
        value,
      ).toContain('public.planted')
      await query(mooring.databaseUrl, 'drop table planted')
    }
  })

  it('finds one in an answer and in a log line', () => {
    const line = JSON.stringify({ level: 50, msg: `could not log in with ${canary.password}` })
    expect(sightings(canary, [['log', line]])).toContainEqual({ where: 'log', form: 'raw' })
    expect(sightings(canary, [['answer', `<p>${encodeURI(canary.password)}</p>`]]).length).toBeGreaterThan(0)
    expect(sightings(newCanary(), [['log', line]])).toEqual([])
  })
})
