/**
 * The calls of the typed client:
 * their key and headers, their retries, and their batches.
 */
import { readdir, readFile } from 'node:fs/promises'
import { TRPCClientError } from '@trpc/client'
import type { AnyProcedure } from '@trpc/server'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isWaiting, KEYLESS_MUTATIONS, WAITING_MUTATIONS } from '#client/core/waiting.ts'
import { type ClientOptions, createClient, faultOf } from '#client/index.ts'
import { appRouter } from '#server/api/router.ts'
import { FAULTS, type FaultCode, faultSpec } from '#shared/faults/fault.ts'
import { query } from '#test/support/database/postgres.ts'
import { type FaultyFront, startFaultyFront } from '#test/support/http/faulty-front.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let front: FaultyFront
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  front = await startFaultyFront(mooring.url)
})
beforeEach(() => front.next())
afterAll(async () => {
  await front.stop()
  await mooring.stop()
})

const clientOf = (options: Partial<ClientOptions> = {}) =>
  createClient({ url: front.url, key: mooring.organization.testKey, seal: false, ...options })
const connectionString = 'postgresql://app:pw@db.example.com/calls'
const keysSent = () => front.seen.flatMap(({ inputs }) => inputs.map(input => input['idempotencyKey']))
const datasources = async () => (await query(mooring.databaseUrl, 'select id from datasources')).length
const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'answered',
    (error: unknown) => faultOf(error) ?? 'no fault',
  )

describe('A key', () => {
  it('from a function is read before each request, and so are headers', async () => {
    const keys = [mooring.organization.testKey, (await mooring.newOrganization('Other')).testKey]
    let turn = 0
    const client = clientOf({
      key: async () => keys[turn++] ?? '',
      headers: () => ({ 'x-turn': String(turn), AUTHORIZATION: 'Basic bm86bm8=' }),
    })
    const sealing = [await client.organization.sealingKey.query(), await client.organization.sealingKey.query()]
    expect(sealing[0]?.keyId).not.toBe(sealing[1]?.keyId)
    expect(front.seen.map(({ headers }) => headers.authorization)).toEqual(keys.map(key => `Bearer ${key}`))
    expect(front.seen.map(({ headers }) => headers['x-turn'])).toEqual(['0', '1'])
  })

  it('that cannot be obtained fails the call, and nothing is sent', async () => {
    const client = clientOf({ key: () => Promise.reject(new Error('signed out')) })
    await expect(client.datasources.list.query({})).rejects.toThrow('signed out')
    expect(front.seen).toEqual([])
  })
})

it('The fetch option sends calls and subscriptions', async () => {
  const sent: string[] = []
  const client = createClient({
    url: mooring.url,
    key: mooring.organization.testKey,
    headers: { 'x-of': 'mine' },
    fetch: (input, init) => {
      const name: unknown = Reflect.get(Object(init?.headers), 'x-of')
      sent.push(`${new URL(String(input)).pathname} ${String(name)}`)
      return fetch(input as string, init as RequestInit)
    },
  })
  await client.datasources.list.query({})
  const { promise, resolve } = Promise.withResolvers<void>()
  const watch = client.datasources.watch.subscribe(undefined, { onStarted: () => resolve() })
  await promise
  watch.unsubscribe()
  expect(sent).toEqual(['/trpc/datasources.list mine', '/trpc/datasources.watch mine'])
})

describe('A call is retried', () => {
  it('after a fault that the table marks as retryable, a mutation under one idempotency key', async () => {
    const before = await datasources()
    front.next({ fault: 'service_unavailable' }, { fault: 'internal_error' })
    const made = await clientOf().datasources.register.mutate({ connectionString })
    expect(made.status).toBe('unverified')
    expect(new Set(keysSent())).toEqual(new Set([expect.stringMatching(/^[0-9a-f]{32}$/)]))
    expect(keysSent()).toHaveLength(3)
    expect(await datasources()).toBe(before + 1)
  })

  it('after each fault of the table that is retryable, and after no other', async () => {
    const codes = Object.keys(FAULTS) as FaultCode[]
    const client = clientOf({ retries: 1 })
    const retried: string[] = []
    for (const fault of codes) {
      front.next({ fault })
      await outcome(client.datasources.list.query({}))
      if (front.seen.length === 2) retried.push(fault)
      else expect(front.seen).toHaveLength(1)
    }
    expect(retried).toEqual(codes.filter(code => faultSpec(code).retryable))
  })

  it('after a lost answer, and takes effect once', async () => {
    const before = await mooring.client().organization.listKeys.query({})
    front.next('lost', { status: 502 })
    const made = await clientOf().organization.createKey.mutate({ mode: 'test', name: 'Once' })
    const after = await mooring.client().organization.listKeys.query({})
    expect(after.items).toHaveLength(before.items.length + 1)
    expect(after.items.map(({ id }) => id)).toContain(made.id)
    expect(front.seen).toHaveLength(3)
  })

  it('under the caller’s own key', async () => {
    front.next({ fault: 'timeout' })
    await clientOf().datasources.register.mutate({ connectionString, idempotencyKey: 'mine' })
    expect(keysSent()).toEqual(['mine', 'mine'])
  })

  it('when Retry-After allows, and not at all if that is too long', async () => {
    front.next({ fault: 'rate_limit_exceeded', retryAfter: '1' })
    const started = performance.now()
    await clientOf().datasources.list.query({})
    expect(performance.now() - started).toBeGreaterThan(990)
    front.next({ fault: 'rate_limit_exceeded', retryAfter: '3600' })
    expect(await outcome(clientOf().datasources.list.query({}))).toBe('rate_limit_exceeded')
    expect(front.seen).toHaveLength(1)
  })

  it.each([
    ['after a fault that the table does not call retryable', { fault: 'conflict', options: {}, times: 1 }],
    ['more often than it may be', { fault: 'internal_error', options: {}, times: 3 }],
    ['with retries: 0', { fault: 'internal_error', options: { retries: 0 }, times: 1 }],
  ] as const)('not %s', async (_when, { fault, options, times }) => {
    front.next({ fault }, { fault }, { fault })
    expect(await outcome(clientOf(options).datasources.register.mutate({ connectionString }))).toBe(fault)
    expect(front.seen).toHaveLength(times)
    expect(keysSent().every(key => ('retries' in options ? key === undefined : typeof key === 'string'))).toBe(true)
  })

  it.each([
    ['internal_error', 1],
    ['timeout', 1],
    ['service_unavailable', 2],
    ['rate_limit_exceeded', 2],
  ] as const)('without an idempotency key, a lease, only if nothing was done: %s', async (fault, times) => {
    front.next({ fault })
    const input = { id: `ds_test_${'0'.repeat(32)}`, publicKey: Buffer.alloc(32, 1).toString('base64') } as const
    await outcome(clientOf().datasources.lease.mutate(input))
    expect(front.seen).toHaveLength(times)
    expect(keysSent().every(key => key === undefined)).toBe(true)
  })
})

describe('A call ends', () => {
  it('with a TimeoutError when it takes longer than timeoutMs, retries included', async () => {
    front.next({ fault: 'internal_error' }, 'silent')
    const error = await clientOf({ timeoutMs: 700, retries: 9 })
      .datasources.list.query({})
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TRPCClientError)
    expect(error).toMatchObject({ cause: { name: 'TimeoutError' } })
    expect(front.seen).toHaveLength(2)
  })

  it('when its caller aborts it, also between two attempts', async () => {
    front.next({ fault: 'rate_limit_exceeded', retryAfter: '20' })
    const controller = new AbortController()
    const call = outcome(clientOf().datasources.list.query({}, { signal: controller.signal }))
    await expect.poll(() => front.seen.length).toBe(1)
    controller.abort()
    expect(await call).toBe('no fault')
    expect(front.seen).toHaveLength(1)
  })
})

it('A waiting mutation delays no other call of its tick', async () => {
  const client = clientOf()
  const aborted = new AbortController()
  const waiting = client.datasources.register.mutate({ connectionString, waitSeconds: 30 }, { signal: aborted.signal })
  const settled = waiting.then(
    () => true,
    () => true,
  )
  const others = await Promise.all([
    client.datasources.list.query({}),
    client.datasources.register.mutate({ connectionString: `${connectionString}2` }),
  ])
  expect(others[1].status).toBe('unverified')
  expect(await Promise.race([settled, Promise.resolve(false)])).toBe(false)
  aborted.abort()
  await settled
})

describe('The tables of mutations', () => {
  const mutations = Object.entries<AnyProcedure>(Object(appRouter._def.procedures)).filter(
    ([, { _def }]) => _def.type === 'mutation',
  )

  it('list every mutation without an idempotency key', () => {
    const takesKey = ([, { _def }]: (typeof mutations)[number]) => {
      const inputs: unknown = Reflect.get(_def, 'inputs')
      const [schema] = Array.isArray(inputs) ? inputs : []
      if (!(schema instanceof z.ZodType)) throw new Error('a mutation without a schema')
      return JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })).includes(
        '"idempotencyKey"',
      )
    }
    const keyless = mutations.filter(one => !takesKey(one)).map(([path]) => path)
    expect(keyless.toSorted()).toEqual(KEYLESS_MUTATIONS)
  })

  it('list every mutation that waits for a worker', async () => {
    const folder = new URL('../../server/api/', import.meta.url)
    const names = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.ts'))
    const texts = await Promise.all(
      names.map(async name => ({ name, text: await readFile(new URL(name, folder), 'utf8') })),
    )
    const awaiting = texts.filter(({ name, text }) => text.includes('awaitTask(') && !name.startsWith('procedure/'))
    // A pushed message without a key arrives over REST alone.
    expect(awaiting.map(({ name }) => name).toSorted()).toEqual([
      'checks/validate-registered.ts',
      'checks/validate.ts',
      'datasources/lease.ts',
      'feeds/keyless-push.ts',
      'feeds/push.ts',
      'schemas/introspect.ts',
    ])
    const paths = mutations.map(([path]) => path)
    for (const path of WAITING_MUTATIONS) expect(paths).toContain(path)
    expect(WAITING_MUTATIONS).toHaveLength(awaiting.length - 1)
  })

  it('send only a waiting mutation in a request of its own', () => {
    const op = { id: 1, type: 'mutation', context: {}, signal: null } as const
    expect(isWaiting({ ...op, path: 'datasources.register', input: { waitSeconds: 1 } })).toBe(true)
    expect(isWaiting({ ...op, path: 'datasources.register', input: { waitSeconds: 0 } })).toBe(false)
    expect(isWaiting({ ...op, type: 'query', path: 'datasources.get', input: { waitSeconds: 1 } })).toBe(false)
  })
})
