/**
 * R2 and R3: a string is refused with the same code and sentence over tRPC and both dialects, and its advice and the
 * schema that it names reach the caller on every surface.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, sealConnectionString } from '#client/index.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { stringCases } from '#test/support/field/strings.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let customer: Customer

beforeAll(async () => {
  ;[mooring, customer] = await Promise.all([
    startMooring({ env: { MOORING_EGRESS_ADDRESSES: '192.0.2.7, 2001:db8::7' } }),
    makeCustomer(),
  ])
})
afterAll(async () => {
  await mooring?.stop()
  await customer?.drop()
})

const trpc = (path: string, body: object) => mooring.call('POST', `/trpc/datasources.${path}`, { body })
const datasource = (body: object) => mooring.call('POST', '/v1/datasources', { body })
const connection = (body: object) =>
  mooring.call('POST', '/api/v1/connections', { body: { name: 'shop', db_type: 'postgresql', ...body } })

describe('A refused string', () => {
  const refused = ['dashboard-strings.json', 'right-place.json', 'placeholders.json']
    .flatMap(stringCases)
    .filter(({ code }) => code !== undefined)
    // The connections dialect has its own minimum length.
    .filter(({ text }) => [...text].length >= 10)

  it('is refused with its own code and sentence over raw tRPC and both dialects, and nothing is stored', async () => {
    for (const { text } of refused) {
      const parsed = parseConnectionString(text)
      if (parsed.ok) throw new Error('taken')
      const { code, message } = parsed
      const raw = await trpc('register', { connectionString: text })
      expect(raw.body.error.data).toMatchObject({
        fault: 'invalid_body',
        issues: [{ path: ['connectionString'], code, message }],
      })
      const flat = await datasource({ connectionString: text })
      expect({ status: flat.status, ...flat.body }).toMatchObject({
        status: 400,
        code: 'invalid_body',
        message,
        param: 'connectionString',
      })
      const pydantic = await connection({ connection_string: text })
      expect(pydantic).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ['body', 'connection_string'], msg: `Value error, ${message}` }] },
      })
      const secret = /s3cr3t-w|hunter/
      expect([raw.text, flat.text, pydantic.text].filter(answer => secret.test(answer))).toEqual([])
    }
    const { items } = await mooring.client().datasources.list.query({})
    expect(items).toEqual([])
  })
})

const POOLED = 'pgbouncer=true&connection_limit=1'
const advised = (answer: { advisories: { item: string }[] }) => answer.advisories.map(({ item }) => item)

describe('Advice about a string', () => {
  it('is in the answers of validate, register and rotate, over tRPC and both dialects', async () => {
    const connectionString = customer.url('reader', { parameters: POOLED })
    const client = mooring.client()
    const wanted = expect.arrayContaining(['pgbouncer', 'connection_limit'])
    expect(advised(await client.datasources.validate.mutate({ connectionString }))).toEqual(wanted)
    const made = await client.datasources.register.mutate({ connectionString, waitSeconds: 30 })
    expect(advised(made)).toEqual(wanted)
    expect(advised(await client.datasources.rotate.mutate({ id: made.id, connectionString }))).toEqual(wanted)
    expect(advised((await datasource({ connectionString })).body)).toEqual(wanted)
    expect(
      advised((await mooring.call('POST', '/v1/datasources/validate', { body: { connectionString } })).body),
    ).toEqual(wanted)
    expect(advised((await connection({ connection_string: connectionString })).body.data)).toEqual(wanted)
  })

  it('comes from the worker for a sealed string', async () => {
    const key = await mooring.client().organization.sealingKey.query()
    const sealed = await sealConnectionString(customer.url('reader', { parameters: POOLED }), key)
    const made = await mooring.client().datasources.register.mutate({ ...sealed, waitSeconds: 30 })
    expect(advised(made)).toEqual(expect.arrayContaining(['pgbouncer', 'connection_limit']))
  })

  it('shows in the datasources dialect that an active one is not encrypted', async () => {
    const connectionString = customer.url('reader', { parameters: 'sslmode=disable' })
    const made = await mooring.call('POST', '/v1/datasources', {
      body: { connectionString, schema: 'app' },
      headers: { prefer: 'wait=30' },
    })
    expect(made.body).toMatchObject({ status: 'active' })
    expect(made.body.advisories).toEqual([{ item: 'tls', recommendation: expect.stringContaining('not encrypted') }])
  })
})

describe('The schema in a string', () => {
  it.each(['schema=app', 'currentSchema=app'])('is registered if no field names one: %s', async parameters => {
    const connectionString = customer.url('reader', { parameters })
    expect(await mooring.client().datasources.register.mutate({ connectionString })).toMatchObject({ schema: 'app' })
    const id = (await connection({ connection_string: connectionString })).body.data.id
    const rows = await mooring.client().datasources.list.query({ limit: 100 })
    const found = rows.items.find(item => item.id.endsWith(String(id).replaceAll('-', '')))
    expect(found).toMatchObject({ schema: 'app' })
  })

  it('is refused when the field names another one, and the error names both', async () => {
    const body = { connectionString: customer.url('reader', { parameters: 'schema=app' }), schema: 'public' }
    const raw = await trpc('register', body)
    const [issue] = raw.body.error.data.issues
    expect(issue).toMatchObject({ path: ['schema'], code: 'schema_conflict' })
    expect(issue.message).toContain('"app"')
    expect(issue.message).toContain('"public"')
    expect(await datasource(body)).toMatchObject({ status: 400, body: { param: 'schema', message: issue.message } })
    expect((await datasource({ ...body, schema: 'app' })).status).toBeLessThan(300)
  })

  it('keeps the natural key of datasources registered before the parameter was read', async () => {
    const other = await makeCustomer()
    const first = await datasource({ connectionString: other.url(), schema: 'public' })
    const again = await datasource({ connectionString: other.url('reader', { parameters: 'schema=app' }) })
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.body).toMatchObject({ id: first.body.id, schema: 'public' })
    const own = await datasource({ connectionString: other.url('reader', { parameters: 'schema=app' }), schema: 'app' })
    expect(own).toMatchObject({ status: 201, body: { schema: 'app' } })
    await other.drop()
  })

  it('is rejected by the worker in a sealed string when the field names another one', async () => {
    const key = await mooring.client().organization.sealingKey.query()
    const { namedSchema: _, ...sealed } = await sealConnectionString(
      customer.url('reader', { parameters: 'schema=app' }),
      key,
    )
    const register = mooring.client().datasources.register
    const made = await register.mutate({ ...sealed, schema: 'public', waitSeconds: 30 })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'schema_conflict' })
    expect(await register.mutate({ ...sealed, schema: 'app', waitSeconds: 30 })).toMatchObject({ schema: 'app' })
  })

  it('is registered from a string that the client seals if no field names one, and refused at once beside another', async () => {
    const other = await makeCustomer()
    const sealing = createClient({ url: mooring.url, key: mooring.organization.testKey })
    const connectionString = other.url('reader', { parameters: 'currentSchema=app' })
    const made = await sealing.datasources.register.mutate({ connectionString, waitSeconds: 30 })
    expect(made).toMatchObject({ status: 'active', schema: 'app' })
    expect(await sealing.datasources.validate.mutate({ connectionString })).toMatchObject({ ready: true, failures: [] })
    const refused = sealing.datasources.register.mutate({ connectionString, schema: 'public' })
    await expect(refused).rejects.toMatchObject({ data: { issues: [{ code: 'schema_conflict', path: ['schema'] }] } })
    await other.drop()
  })

  it('that a caller names beside a box is compared with the box by the worker', async () => {
    const key = await mooring.client().organization.sealingKey.query()
    const box = await sealConnectionString(customer.url('reader', { parameters: 'schema=app' }), key)
    expect(box.namedSchema).toBe('app')
    const { register } = mooring.client().datasources
    const made = await register.mutate({ ...box, database: customer.database, namedSchema: 'other', waitSeconds: 30 })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'schema_conflict' })
    const repeated = await sealConnectionString('postgres://a:s3cr3t-w0rd@h.io/d?schema=my_s3cr3t-w0rd', key)
    expect(repeated).not.toHaveProperty('namedSchema')
  })
})

it('GET /v1/egress lists the addresses that dial customers, and the fix about a firewall names them', async () => {
  const addresses = ['192.0.2.7', '2001:db8::7']
  expect((await mooring.call('GET', '/v1/egress')).body).toEqual({ object: 'egress', addresses })
  expect(await mooring.client().organization.egress.query()).toEqual({ addresses })
  const connectionString = customer.url('reader', { port: 1, host: 'localhost' })
  const { failures } = await mooring.client().datasources.validate.mutate({ connectionString })
  expect(failures[0]?.fix).toContain('192.0.2.7, 2001:db8::7')
})

const EXTERNAL = 'Use the external connection string'
const PRIVATE_NAMES = [
  ['shop-db.flycast', EXTERNAL],
  ['postgres.railway.internal', EXTERNAL],
  ['private-db-1.b.db.ondigitalocean.com', EXTERNAL],
  ['dpg-abc123-a', EXTERNAL],
  ['db', EXTERNAL],
  ['host.docker.internal', "Docker's name"],
  ['laptop.tailnet-1234.ts.net', 'Tailscale'],
] as const
const paramOf = ({ body }: { body: { error: { details: { path: string[] }[] } } }) => body.error.details[0]?.path[0]

describe('A private name', () => {
  it('is refused in the same words over tRPC and both dialects, sealed or not, and nothing is stored', async () => {
    const open = await startMooring({ env: { MOORING_ALLOWED_NETWORKS: '' } })
    const ask = (path: string, body: object) => open.call('POST', path, { body })
    for (const [host, says] of PRIVATE_NAMES) {
      const connectionString = `postgres://app:s3cr3t-w0rd@${host}/shop`
      const sealed = await sealConnectionString(connectionString, await open.client().organization.sealingKey.query())
      const { keyId: key_id, database, ...box } = sealed
      const named = { name: 'shop', db_type: 'postgresql' }
      const [raw, rawSealed, flat, flatSealed, nested, nestedSealed] = await Promise.all([
        ask('/trpc/datasources.register', { connectionString }),
        ask('/trpc/datasources.register', sealed),
        ask('/v1/datasources', { connectionString }),
        ask('/v1/datasources', { ...box, key_id, database }),
        ask('/api/v1/connections', { ...named, connection_string: connectionString }),
        ask('/api/v1/connections', {
          ...named,
          ...{ key_id, host: sealed.host, port: sealed.port, database_name: database },
          sealed_connection_string: sealed.sealedConnectionString,
        }),
      ])
      const messages = [
        ...[raw, rawSealed].map(({ body }) => body.error.data.issues[0].message),
        ...[flat, flatSealed].map(({ body }) => body.message),
        ...[nested, nestedSealed].map(({ body }) => body.error.message),
      ]
      expect([...new Set(messages)]).toEqual([expect.stringContaining(says)])
      const params = [flat.body.param, flatSealed.body.param, ...[nested, nestedSealed].map(paramOf)]
      expect(params).toEqual(['connectionString', 'host', 'connection_string', 'host'])
      for (const validated of [
        await open.client().datasources.validate.mutate({ connectionString }),
        (await ask('/v1/datasources/validate', { connectionString })).body,
      ])
        expect(validated.failures[0]).toMatchObject({ item: 'host', fix: expect.stringContaining(says) })
    }
    expect((await open.client().datasources.list.query({})).items).toEqual([])
    await open.stop()
  })
})
