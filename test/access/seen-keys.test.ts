/**
 * Keys that a process has seen before: one statement reads their row with what the request asks for, and the answers are
 * byte for byte those of a process that sees the key for the first time, whatever has happened to it meanwhile.
 */
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { admit, type Limits } from '#server/api/caller/limits.ts'
import { authenticate, ReadAhead, SeenKeys } from '#server/api/caller/principal.ts'
import { SameTurn } from '#server/api/caller/same-turn.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import { createTokens } from '#server/seal/token.ts'
import { findByHash, isInForce } from '#server/store/access/api-keys.ts'
import { MAX_AHEAD_BYTES } from '#server/store/access/stored-claim.ts'
import { Lanes } from '#server/store/connection/lanes.ts'
import { TokenOwners } from '#server/store/tokens/directory.ts'
import { datasourceUuid } from '#shared/base/datasource-name.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let laterMs = 0
let strangers = ''
beforeAll(async () => {
  const env = {
    MOORING_RATE_PER_KEY: '100000',
    MOORING_RATE_PER_ORGANIZATION: '100000',
    MOORING_RATE_FAILED_LOGINS: '100000',
  }
  mooring = await startMooring({ worker: false, env, clock: () => new Date(Date.now() + laterMs) })
  strangers = (await registered(mooring.organization.testKey, 'strangers')).id
})
afterEach(() => {
  vi.restoreAllMocks()
  laterMs = 0
})
afterAll(() => mooring.stop())

async function registered(key: string, name: string) {
  const body = { connectionString: `postgresql://app:secret@db.acme.io/${name}` }
  const answer = await mooring.call('POST', '/v1/datasources', { key, body })
  expect(answer.status).toBe(201)
  return answer.body
}

interface Caller {
  readonly organizationId: string
  readonly key: string
  readonly id: string
}

/** A key of an organization of its own, with one datasource. */
async function newCaller(options: Parameters<typeof makeKey>[1] = {}): Promise<Caller> {
  const { id: organizationId, testKey } = await mooring.newOrganization('Own')
  const { id } = await registered(testKey, 'own')
  return { organizationId, id, key: await makeKey(mooring, { organizationId, ...options }) }
}

type Asked = readonly [method: string, path: string, options?: { body?: object; headers?: Record<string, string> }]

/** Requests for a datasource over each surface, and a registration under an idempotency key. */
function requestsFor(id: string): readonly Asked[] {
  const uuid = datasourceUuid(id as 'ds_') ?? id
  const input = (value: object) => encodeURIComponent(JSON.stringify(value))
  const body = { connectionString: 'postgresql://app:secret@db.acme.io/replayed' }
  return [
    ['GET', `/v1/datasources/${id}`],
    ['HEAD', `/v1/datasources/${id}`],
    ['GET', `/v1/datasources/${id}`, { headers: { 'if-none-match': '*' } }],
    ['GET', `/api/v1/connections/${uuid}`],
    ['GET', `/trpc/datasources.get?input=${input({ id })}`],
    ['GET', `/trpc/datasources.get?input=${input({ id, includeRemoved: true })}`],
    ['GET', '/v1/datasources'],
    ['POST', '/v1/datasources', { body, headers: { 'idempotency-key': 'one' } }],
    ['POST', '/v1/datasources', { body: { ...body, name: 'x' }, headers: { 'idempotency-key': 'one' } }],
  ]
}

/** Headers that differ between two answers to one request in any case. */
const OWN_HEADERS = ['date', 'ratelimit-remaining', 'ratelimit-reset']

async function answerOf({ key }: Pick<Caller, 'key'>, [method, path, { body, headers = {} } = {}]: Asked) {
  const request = { key, body, headers: { 'x-request-id': 'same', ...headers } }
  const answer = await mooring.call(method, path, request)
  const kept = [...answer.headers].filter(([name]) => !OWN_HEADERS.includes(name))
  const names = [...answer.headers.keys()]
  return { status: answer.status, names, headers: kept, text: answer.text }
}

/** The answer of a process that has not seen the key. */
async function plainAnswerOf(caller: Pick<Caller, 'key'>, asked: Asked) {
  const forgetful = vi.spyOn(SeenKeys.prototype, 'get').mockReturnValue(undefined)
  try {
    return await answerOf(caller, asked)
  } finally {
    forgetful.mockRestore()
  }
}

/** Asks with a key that was seen before `change`, and compares each answer. Returns the statuses. */
async function compare(caller: Caller, id: string, change: () => Promise<unknown>): Promise<number[]> {
  const statuses: number[] = []
  for (const asked of requestsFor(id)) await answerOf(caller, asked)
  await change()
  for (const asked of requestsFor(id)) {
    const seen = await answerOf(caller, asked)
    expect(seen, asked.join(' ')).toEqual(await plainAnswerOf(caller, asked))
    statuses.push(seen.status)
  }
  return statuses
}

const sql = (text: string) => query(mooring.databaseUrl, text)
const keyRow = (set: string) => (caller: Caller) =>
  sql(`update api_keys set ${set} where last4 = '${caller.key.slice(-4)}' and org_id = '${caller.organizationId}'`)
const organizationRow = (set: string) => (caller: Caller) =>
  sql(`update organizations set ${set} where id = '${caller.organizationId}'`)
const revocation = ({ organizationId, key }: Caller) =>
  sql(`insert into revocations (org_id, kind, id, at, keeps_children)
    select org_id, 'key', id, now(), false from api_keys where org_id = '${organizationId}' and last4 = '${key.slice(-4)}'`)

async function later() {
  laterMs = 120_000
}

/** Changes of a key between two requests, and the status of the read after each. */
const CHANGES: Readonly<Record<string, readonly [number, (caller: Caller) => Promise<unknown>]>> = {
  nothing: [200, async () => undefined],
  'a use a minute ago': [200, keyRow("last_used_at = now() - interval '2 minutes'")],
  'two more minutes': [200, later],
  'a revocation': [401, revocation],
  'a revocation by the previous release': [401, keyRow('revoked_at = now()')],
  'edited scopes': [401, keyRow("scopes = scopes || '{datasources.lease}'")],
  'an edited mode': [401, keyRow("mode = 'live'")],
  'an edited end': [401, keyRow("expires_at = now() + interval '1 year'")],
  'another MAC': [401, keyRow("mac = decode(repeat('00', 32), 'hex')")],
  'an organization that is moving': [200, organizationRow('moving_at = now()')],
  'an organization that arrives': [503, organizationRow('moving_at = now(), frozen_at = now(), arriving_at = now()')],
  'an organization that has moved': [409, organizationRow('moving_at = now(), moved_at = now()')],
  'a removed organization': [401, organizationRow('removed_at = now()')],
  'a removed datasource': [
    404,
    caller => sql(`update datasources set deleted_at = now() where org_id = '${caller.organizationId}'`),
  ],
}

describe('A key that was seen before is answered like one that was not', () => {
  it.each(Object.entries(CHANGES))('after %s', async (_, [status, change]) => {
    const caller = await newCaller()
    const [read] = await compare(caller, caller.id, () => change(caller))
    expect(read).toBe(status)
  })

  it('after its end', async () => {
    const caller = await newCaller({ expiresAt: new Date(Date.now() + 60_000) })
    const statuses = await compare(caller, caller.id, async () => {
      laterMs = 60_001
    })
    expect(new Set(statuses)).toEqual(new Set([401]))
  })

  it('whatever it asks for, with whatever scopes and mode', async () => {
    const someone = await newCaller()
    const ids = fc.constantFrom(someone.id, strangers, 'ds_test_0', someone.id.replace('ds_test_', 'ds_'), 'x%2Fy')
    const scopes = fc.constantFrom(
      [],
      ['datasources.read'],
      ['datasources.create'],
      ['datasources.read', 'datasources.create'],
    )
    const callers = new Map<string, Caller>()
    await fc.assert(
      fc.asyncProperty(ids, scopes, fc.constantFrom('test', 'live'), async (id, held, mode) => {
        const { organizationId } = someone
        const name = JSON.stringify([held, mode])
        const key = callers.get(name)?.key ?? (await makeKey(mooring, { organizationId, mode, scopes: held as [] }))
        callers.set(name, { ...someone, key })
        const [status] = await compare({ ...someone, key }, id, async () => undefined)
        const mayRead = held.some(scope => scope === 'datasources.read')
        expect(status).toBe(!/^ds_(test_)?\w{32}$/.test(id) ? 404 : !mayRead ? 403 : id === someone.id ? 200 : 404)
      }),
      { numRuns: 15 },
    )
  })
})

describe('One statement', () => {
  it.each([0, 3, 4, 7])('answers request %i of a key that was seen', async at => {
    const caller = await newCaller()
    const asked = requestsFor(caller.id)[at]
    if (asked === undefined) throw new Error('there is no such request')
    for (let count = 0; count < 3; count += 1) await answerOf(caller, asked)
    const reads = vi.spyOn(Lanes.prototype, 'read')
    expect((await answerOf(caller, asked)).status).toBeLessThan(300)
    expect(reads).toHaveBeenCalledTimes(1)
    await plainAnswerOf(caller, asked)
    expect(reads).toHaveBeenCalledTimes(3)
  })
})

describe('A refused request costs little', () => {
  it('since nothing is read ahead for a caller over a rate limit, until the window ends', async () => {
    const { key } = await newCaller()
    let now = Date.now()
    const registry = {
      ...{ db: mooring.db, tokens: await createTokens(mooring.keyring), clock: () => new Date(now) },
      ...{ tokenOwners: new TokenOwners(), tokenLooks: new SameTurn<Principal>(), seenKeys: new SeenKeys() },
    }
    const count = { isOver: true, points: 1, windowSeconds: 60, remaining: 0, resetMs: 1_000 }
    const take = async () => count
    const counter = { take }
    const limits: Limits = {
      ...{ perKey: counter, perOrganization: counter, failedLogins: counter, pushAddress: counter },
      ...{ pushDatasource: counter, validations: counter, localSignIn: counter },
    }
    const look = vi.fn(async () => ({}))
    class Ahead extends ReadAhead<object> {
      protected look = look
    }
    const asked = { headers: { 'x-api-key': key }, address: null, calls: 1 }
    for (let times = 0; times < 3; times += 1) await authenticate(asked.headers, registry)
    const looks = async () => {
      const { principal } = await admit({ ...asked, ahead: new Ahead() }, { ...registry, limits })
      expect(principal).toMatchObject({ code: 'rate_limit_exceeded' })
      return look.mock.calls.length
    }
    expect([await looks(), await looks(), await looks()]).toEqual([1, 1, 1])
    now += 1_001
    expect([await looks(), await looks()]).toEqual([2, 2])
  })

  it('since a long claim is read only when its caller is admitted', async () => {
    const caller = await newCaller()
    const [, , , , , , , asked] = requestsFor(caller.id)
    if (asked === undefined) throw new Error('there is no such request')
    for (let times = 0; times < 3; times += 1) await answerOf(caller, asked)
    await sql(
      `update idempotency_keys set answer_bytes = ${MAX_AHEAD_BYTES + 1} where org_id = '${caller.organizationId}'`,
    )
    const reads = vi.spyOn(Lanes.prototype, 'read')
    const seen = await answerOf(caller, asked)
    expect(reads).toHaveBeenCalledTimes(2)
    expect(seen.status).toBeLessThan(300)
    expect(seen).toEqual(await plainAnswerOf(caller, asked))
  })
})

describe('What was seen of a key', () => {
  it('no longer holds if its version, its MAC, its hash or its organization differs', async () => {
    const { organizationId: org, key } = await newCaller()
    const hashes = (await createTokens(mooring.keyring)).hashes(key).map(({ hash }) => hash)
    const row = await findByHash(mooring.db, org, hashes)
    if (row === undefined) throw new Error('the key has a row')
    const seen = { org, hash: row.hash, mac: row.mac, version: row.version }
    const other = Buffer.alloc(32)
    expect(await isInForce(mooring.db, seen)).toBe(true)
    for (const changed of [{ version: '3' }, { mac: other }, { hash: other }, { org: mooring.organization.id }])
      expect(await isInForce(mooring.db, { ...seen, ...changed })).toBe(false)
  })

  it('is forgotten with the keyring that verified it', async () => {
    const { key } = await newCaller()
    const tokens = await createTokens(mooring.keyring)
    const registry = {
      ...{ db: mooring.db, tokens, clock: () => new Date() },
      ...{ tokenOwners: new TokenOwners(), tokenLooks: new SameTurn<Principal>(), seenKeys: new SeenKeys() },
    }
    const headers = { 'x-api-key': key }
    for (let count = 0; count < 3; count += 1) await authenticate(headers, registry)
    const [pepper] = mooring.keyring.pepper
    if (pepper === undefined) throw new Error('the keyring has a pepper')
    tokens.reload({ ...mooring.keyring, pepper: [{ ...pepper, secret: Buffer.alloc(32, 7) }] })
    await expect(authenticate(headers, registry)).rejects.toMatchObject({ code: 'apikey_invalid' })
  })
})
