/** Client-side sealing: the web tier receives a box, and the worker opens it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createTRPCClient, TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import sodium from 'libsodium-wrappers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, faultOf, type SealedConnectionString, sealConnectionString, sealingLink } from '#client/index.ts'
import type { AppRouter } from '#server/api/router.ts'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows, effects } from '#test/support/database/rows.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const PASSWORD = 'Sealed-0n-the-way_in'

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer(PASSWORD)
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const sealed = async (url: string) => sealConnectionString(url, await mooring.client().organization.sealingKey.query())

async function credentialOf(uuid: string) {
  const [row] = await query(
    mooring.databaseUrl,
    `select state, fingerprint, key_id from credentials where datasource_id = '${uuid}' order by version desc`,
  )
  return row
}

describe('The sealing key', () => {
  it('is the same over tRPC and at both paths of the dialect, and is 32 bytes', async () => {
    const { keyId, key } = await mooring.client().organization.sealingKey.query()
    expect(Buffer.from(key, 'base64')).toHaveLength(32)
    for (const path of ['/v1/sealing_key', '/api/v1/sealing_key'])
      expect(await mooring.call('GET', path)).toMatchObject({ status: 200, body: { key_id: keyId, key } })
    expect((await mooring.call('GET', '/v1/sealing_key', { key: null })).status).toBe(401)
  })

  it('belongs to one organization: no other has it', async () => {
    const other = await mooring.newOrganization('Other')
    const one = await mooring.client().organization.sealingKey.query()
    const two = await mooring.client(other.testKey).organization.sealingKey.query()
    expect(one.key).not.toBe(two.key)
  })
})

describe("GitHub's documented snippet for sealing a secret", () => {
  it('registers a database through both dialects, unchanged but for the secret and the key', async () => {
    const snippet = await readFile(fileURLToPath(new URL('../fixtures/github-seal.cjs', import.meta.url)), 'utf8')
    const { body: handed } = await mooring.call('GET', '/v1/sealing_key')
    const program = snippet
      .replace('plain-text-secret', customer.url())
      .replace('base64-encoded-public-key', handed.key)
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program])
    const { host, port, database } = customer
    const box = { key_id: handed.key_id, host, port }
    const answers = [
      await mooring.call('POST', '/v1/datasources', {
        headers: { prefer: 'wait=20' },
        body: { sealedConnectionString: stdout.trim(), ...box, database, schema: 'app' },
      }),
      await mooring.call('POST', '/api/v1/connections', {
        headers: { prefer: 'wait=20' },
        body: {
          name: 'Shop',
          db_type: 'postgresql',
          sealed_connection_string: stdout.trim(),
          ...box,
          database_name: database,
        },
      }),
    ]
    expect(answers.map(answer => answer.status)).toEqual([201, 201])
    expect(answers[0]?.body.status).toBe('active')
    expect(await mooring.call('GET', `/api/v1/connections/${answers[1]?.body.data.id}`)).toMatchObject({ status: 200 })
  })
})

describe('The typed client', () => {
  it('seals by default: the string reaches the server in a box, and the database is verified', async () => {
    const sent: string[] = []
    const { fetch } = globalThis
    globalThis.fetch = (input, init) => {
      sent.push(String(init?.body))
      return fetch(input, init)
    }
    try {
      const client = createClient({ url: mooring.url, key: mooring.organization.testKey })
      const made = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
      expect(made).toMatchObject({ status: 'active', host: customer.host, database: customer.database })
      const rotated = await client.datasources.rotate.mutate({
        id: made.id,
        connectionString: customer.url('reader', { parameters: 'application_name=rotated' }),
        waitSeconds: 20,
      })
      expect(rotated).toMatchObject({ status: 'active', credentialVersion: 2 })
      expect(await client.datasources.validate.mutate({ connectionString: customer.url() })).toMatchObject({
        ready: true,
      })
      expect((await client.datasources.get.query({ id: made.id })).credentialVersion).toBe(2)
    } finally {
      globalThis.fetch = fetch
    }
    expect(sent.filter(body => body.includes('sealedConnectionString'))).toHaveLength(3)
    expect(sent.join()).not.toContain(PASSWORD)
  })

  it('does not send a string that would be refused', async () => {
    const client = createClient({ url: mooring.url, key: mooring.organization.testKey })
    const before = await effects(mooring.databaseUrl)
    const refused = await client.datasources.register
      .mutate({ connectionString: `${customer.url()}?service=x` })
      .catch((error: unknown) => error)
    expect(faultOf(refused)).toBe('invalid_body')
    expect(String(refused)).not.toContain(PASSWORD)
    expect(await effects(mooring.databaseUrl)).toEqual(before)
  })
})

describe('A call that the typed client repeats', () => {
  const sealingClient = () => createClient({ url: mooring.url, key: mooring.organization.testKey })

  it('is the same request: it replays the first answer, and nothing happens twice', async () => {
    const client = sealingClient()
    const connectionString = customer.url('reader', { parameters: 'application_name=retried' })
    const twice = async <T>(call: () => Promise<T>) => {
      const first = await call()
      const before = await effects(mooring.databaseUrl)
      expect(await call()).toEqual(first)
      expect(await effects(mooring.databaseUrl)).toEqual(before)
      return first
    }
    const register = { connectionString, idempotencyKey: 'retried', waitSeconds: 20 }
    const { id } = await twice(() => client.datasources.register.mutate(register))
    const second = customer.url('reader', { parameters: 'application_name=second' })
    const rotate = { id, connectionString: second, idempotencyKey: 'retried', waitSeconds: 20 }
    expect(await twice(() => client.datasources.rotate.mutate(rotate))).toMatchObject({ credentialVersion: 2 })
    const validate = { connectionString, idempotencyKey: 'retried' }
    expect(await twice(() => client.datasources.validate.mutate(validate))).toMatchObject({ ready: true })
  })

  it('conflicts with another connection string, and with another client’s call', async () => {
    const client = sealingClient()
    const input = { connectionString: customer.url(), idempotencyKey: 'once' }
    await client.datasources.register.mutate(input)
    const other = { ...input, connectionString: customer.url('reader', { parameters: 'application_name=other' }) }
    const refused = [
      await client.datasources.register.mutate(other).catch(faultOf),
      await sealingClient().datasources.register.mutate(input).catch(faultOf),
    ]
    expect(refused).toEqual(['idempotency_conflict', 'idempotency_conflict'])
  })
})

describe('The boxes that a client caches', () => {
  const URL_OF_ANYONE = 'postgresql://app:pw@db.acme.io/shop'
  let key: Awaited<ReturnType<ReturnType<Mooring['client']>['organization']['sealingKey']['query']>>
  beforeAll(async () => {
    key = await mooring.client().organization.sealingKey.query()
  })

  /** A client that records its requests, and fails them with the errors of `refuse`. */
  function reported(hooks: { refuse?: () => void; sealingKey?: () => Promise<typeof key> } = {}) {
    const sent: SealedConnectionString[] = []
    const answer = async (path: string, input: unknown): Promise<unknown> => {
      if (path === 'organization.sealingKey') return (hooks.sealingKey ?? (async () => key))()
      sent.push(input as SealedConnectionString)
      hooks.refuse?.()
      return {}
    }
    const end: TRPCLink<AppRouter> = () => one => {
      return observable(observer => {
        answer(one.op.path, one.op.input).then(
          answered => {
            observer.next({ result: { type: 'data', data: answered } })
            observer.complete()
          },
          cause => observer.error(TRPCClientError.from(cause)),
        )
      })
    }
    const client = createTRPCClient<AppRouter>({ links: [sealingLink(), end] })
    const boxes = () => sent.map(one => one.sealedConnectionString)
    return { register: client.datasources.register, validate: client.datasources.validate, boxes }
  }

  it('belong to one call, one key and one string, and are not cached without a key', async () => {
    const { register, validate, boxes } = reported()
    const input = { connectionString: URL_OF_ANYONE, idempotencyKey: 'a' }
    const same = [register.mutate(input), register.mutate(input), register.mutate({ ...input })]
    await Promise.all(same)
    expect(new Set(boxes()).size).toBe(1)
    await validate.mutate(input)
    await register.mutate({ ...input, idempotencyKey: 'b' })
    await register.mutate({ ...input, connectionString: `${URL_OF_ANYONE}?application_name=x` })
    for (let round = 0; round < 2; round += 1) await register.mutate({ connectionString: URL_OF_ANYONE })
    expect(new Set(boxes()).size).toBe(6)
  })

  it('are the last thousand', async () => {
    const { register, boxes } = reported()
    const send = (idempotencyKey: string) => register.mutate({ connectionString: URL_OF_ANYONE, idempotencyKey })
    for (let count = 0; count < 1_000; count += 1) await send(`${count}`)
    await send('0')
    expect(boxes()[1_000]).toBe(boxes()[0])
    // It was used last, so that the next one is evicted.
    await send('1000')
    await send('0')
    await send('1')
    expect(boxes()[1_002]).toBe(boxes()[0])
    expect(boxes()[1_003]).not.toBe(boxes()[1])
  })

  it('include no failed one', async () => {
    const answers = [() => Promise.reject(new Error('away')), async () => key]
    const { register, boxes } = reported({
      sealingKey: () => answers.shift()?.() ?? Promise.reject(new Error('asked again')),
    })
    const input = { connectionString: URL_OF_ANYONE, idempotencyKey: 'a' }
    await expect(register.mutate(input)).rejects.toThrow('away')
    await register.mutate(input)
    await register.mutate(input)
    expect(boxes()).toHaveLength(2)
    expect(boxes()[0]).toBe(boxes()[1])
  })

  it('are dropped when their key is refused, and survive every other refusal', async () => {
    const refusals = ['connection_string', 'unknown_key']
    const refuse = () => {
      const code = refusals.shift()
      if (code === undefined) return
      const issues = [{ path: ['keyId'], code }]
      const error = { message: 'refused', code: -32600, data: { fault: 'invalid_body', issues } }
      throw new TRPCClientError('refused', { result: { error } })
    }
    const { register, boxes } = reported({ refuse })
    const input = { connectionString: URL_OF_ANYONE, idempotencyKey: 'a' }
    for (let round = 0; round < 2; round += 1) await expect(register.mutate(input)).rejects.toThrow('refused')
    for (let round = 0; round < 2; round += 1) await register.mutate(input)
    const [first, second, third, fourth] = boxes()
    expect([second, fourth]).toEqual([first, third])
    expect(third).not.toBe(first)
  })
})

describe('A string that the worker opens', () => {
  it('is sealed again for its row, with a fingerprint, and is nowhere in clear', async () => {
    const made = await mooring
      .client()
      .datasources.register.mutate({ ...(await sealed(customer.url())), waitSeconds: 20 })
    expect(made.status).toBe('active')
    const plain = await mooring
      .client()
      .datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    expect(plain.credentialFingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect((await credentialOf(bareUuid(made.id)))?.['fingerprint']).toBe(plain.credentialFingerprint)
    const hex = Buffer.from(PASSWORD).toString('hex')
    const base64 = Buffer.from(PASSWORD).toString('base64').slice(2, -4)
    const everything = JSON.stringify(await allRows(mooring.databaseUrl)) + mooring.logLines.join()
    for (const trace of [PASSWORD, hex, base64]) expect(everything).not.toContain(trace)
  })

  it.each([
    ['host', { host: 'db.example.com' }],
    ['port', { port: 5433 }],
    ['database', { database: 'another' }],
  ])('is rejected when it names another %s than the request', async (_what, claimed) => {
    const input = { ...(await sealed(customer.url())), ...claimed, waitSeconds: 20 }
    const made = await mooring.client().datasources.register.mutate(input)
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'projection_mismatch', checks: [] })
  })

  it("is refused when it was sealed to another organization's key under the id of this one", async () => {
    const other = await mooring.newOrganization('Captor')
    const theirs = await mooring.client(other.testKey).organization.sealingKey.query()
    const ours = await mooring.client().organization.sealingKey.query()
    const box = await sealConnectionString(customer.url(), { ...theirs, keyId: ours.keyId })
    const made = await mooring.client().datasources.register.mutate({ ...box, waitSeconds: 20 })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'credential_unreadable' })
  })

  it('is rejected when it is not a connection string, and its content is not repeated', async () => {
    await sodium.ready
    const { keyId, key } = await mooring.client().organization.sealingKey.query()
    const box = sodium.crypto_box_seal('not a connection string at all', Buffer.from(key, 'base64'))
    const { host, port, database } = customer
    const input = { sealedConnectionString: Buffer.from(box).toString('base64'), keyId, host, port, database }
    const made = await mooring.client().datasources.register.mutate(input)
    await settled(mooring.databaseUrl, bareUuid(made.id))
    const read = await mooring.client().datasources.get.query({ id: made.id })
    expect(read).toMatchObject({ status: 'rejected', statusReason: 'invalid_body' })
  })
})

describe('A sealing key of another organization', () => {
  it('is refused with the field that names it, on each surface, and nothing is left', async () => {
    const other = await mooring.newOrganization('Stranger')
    const theirs = await mooring.client(other.testKey).organization.sealingKey.query()
    const box = await sealConnectionString(customer.url(), theirs)
    const before = await effects(mooring.databaseUrl)
    const { sealedConnectionString, keyId, host, port, database } = box
    const trpc = await mooring.call('POST', '/trpc/datasources.register', { body: box })
    expect(trpc).toMatchObject({ status: 400, body: { error: { data: { issues: [{ path: ['keyId'] }] } } } })
    const body = { sealedConnectionString, key_id: keyId, host, port, database }
    for (const path of ['/v1/datasources', '/v1/datasources/validate'])
      expect(await mooring.call('POST', path, { body })).toMatchObject({ status: 400, body: { param: 'key_id' } })
    const named = { name: 'Shop', db_type: 'postgresql', sealed_connection_string: sealedConnectionString }
    const connection = { ...named, key_id: keyId, host, port, database_name: database }
    expect(await mooring.call('POST', '/api/v1/connections', { body: connection })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'key_id'], type: 'value_error' }] },
    })
    expect(await effects(mooring.databaseUrl)).toEqual(before)
  })
})
