/** Tasks: due times on rows, claimed by one worker at a time, settled with a fencing token, never lost. */

import { on, once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { BROKEN, backoffMs, UNREACHABLE } from '#server/domain/network/backoff.ts'
import { createLog } from '#server/log.ts'
import { createMeter } from '#server/metrics/create-meter.ts'
import { transaction } from '#server/store/database/db.ts'
import { Notifications } from '#server/store/database/notifications.ts'
import * as registration from '#server/store/datasources/registration.ts'
import { release, releaseFailed } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { startWorker, type Worker } from '#server/wiring-worker.ts'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const LEASE_MS = 60_000

let mooring: Mooring
let customer: Customer
let id: string
let now: Date
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  customer = await makeCustomer()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})
beforeEach(async () => {
  await query(mooring.databaseUrl, 'delete from tasks')
  id = await register(customer.url())
  now = new Date()
})

async function register(connectionString: string): Promise<string> {
  return bareUuid((await mooring.client().datasources.register.mutate({ connectionString })).id)
}

const later = (ms: number) => new Date(now.getTime() + ms)

async function claim(at: Date, limit = 10): Promise<claims.Claim[]> {
  const ask = { kinds: ['verify' as const], limit, perOrganization: 1_000, held: [], leaseMs: LEASE_MS, now: at }
  const fresh = await claims.claim(mooring.db, { ...ask, priorities: ['asked', 'scheduled'] })
  return [...fresh, ...(await claims.claim(mooring.db, { ...ask, priorities: ['failed'] }))]
}

async function claimOne(at: Date): Promise<claims.Claim> {
  const [one, ...others] = await claim(at)
  if (one === undefined || others.length > 0) throw new Error('one task was to be claimed')
  return one
}

const settle = (held: claims.Claim, dueAt: Date | null, failed = false) =>
  transaction(mooring.db, tx => claims.settle(tx, held, { dueAt, now, failed }))

const request = () =>
  tasks.request(unitOf(mooring.db, mooring.organization.id, now), { id: newId(), kind: 'verify', datasourceId: id })

async function state(): Promise<Record<string, unknown>> {
  const [row] = await query(
    mooring.databaseUrl,
    `select attempts, requested::int as requested, settled::int as settled, due_at, locked_until is not null as held
     from tasks where datasource_id = '${id}' and kind = 'verify'`,
  )
  return row ?? {}
}

describe('A claim', () => {
  it('gives a task to one worker, however many claim at once', async () => {
    for (let count = 0; count < 7; count += 1) await register(customer.url())
    now = new Date()
    const batches = await Promise.all(Array.from({ length: 6 }, () => claim(now, 3)))
    const claimed = batches.flat().map(one => one.id)
    expect(new Set(claimed).size).toBe(claimed.length)
    const rest = await claim(now, 10)
    expect(claimed.length + rest.length).toBe(8)
    expect(await claim(now)).toEqual([])
  })

  it('skips a task that another transaction holds instead of waiting for it', async () => {
    await transaction(mooring.db, async tx => {
      await tx.selectFrom('tasks').select('id').where('datasource_id', '=', id).forUpdate().execute()
      expect(await claim(now)).toEqual([])
    })
    expect(await claim(now)).toHaveLength(1)
  })

  it('takes nothing before it is due', async () => {
    await settle(await claimOne(now), later(5_000))
    expect(await claim(later(4_999))).toEqual([])
    expect(await claim(later(5_000))).toHaveLength(1)
  })

  it('serves organizations in turn, whichever tasks were due first', async () => {
    for (let count = 0; count < 3; count += 1) await register(customer.url())
    const { id: neighbour, testKey } = await mooring.newOrganization('Neighbour')
    await mooring.client(testKey).datasources.register.mutate({ connectionString: customer.url() })
    now = new Date()
    const organizations = (claimed: claims.Claim[]) => claimed.map(one => one.organizationId).sort()
    const own = mooring.organization.id
    expect(organizations(await claim(now, 2))).toEqual([own, neighbour].sort())
    expect(organizations(await claim(now, 2))).toEqual([own, own])
  })

  it('skips an organization that runs its maximum, though its tasks were due first', async () => {
    const { id: neighbour, testKey } = await mooring.newOrganization('Neighbour')
    await mooring.client(testKey).datasources.register.mutate({ connectionString: customer.url() })
    now = new Date()
    const ask = { kinds: ['verify' as const], priorities: ['asked' as const], limit: 10, leaseMs: LEASE_MS, now }
    const held = [mooring.organization.id]
    const claimed = await claims.claim(mooring.db, { ...ask, perOrganization: 1, held })
    expect(claimed.map(one => one.organizationId)).toEqual([neighbour])
  })

  it('covers requested, scheduled or retried tasks', async () => {
    const ask = { kinds: ['verify' as const], limit: 10, perOrganization: 10, held: [], leaseMs: LEASE_MS }
    const only = async (lane: claims.Priority, at: Date) => {
      const others = (['asked', 'scheduled', 'failed'] as const).filter(other => other !== lane)
      expect(await claims.claim(mooring.db, { ...ask, priorities: others, now: at })).toEqual([])
      const [one] = await claims.claim(mooring.db, { ...ask, priorities: [lane], now: at })
      if (one === undefined) throw new Error(`there is no task that is ${lane}`)
      return one
    }
    await settle(await only('asked', now), later(1))
    await settle(await only('scheduled', later(1)), later(2), true)
    await settle(await only('failed', later(2)), later(3), true)
    await request()
    await only('asked', later(3))
  })

  it('expires, and the task goes to the next worker that claims', async () => {
    const first = await claimOne(now)
    expect(await claim(later(LEASE_MS))).toEqual([])
    const second = await claimOne(later(LEASE_MS + 1))
    expect(second).toMatchObject({ id: first.id, token: first.token + 1, attempts: 2 })
  })

  it('that has expired can neither settle nor release the task', async () => {
    const lost = await claimOne(now)
    const held = await claimOne(later(LEASE_MS + 1))
    const before = await effects(mooring.databaseUrl)
    expect(await settle(lost, later(1))).toBe(false)
    await release(mooring.db, lost, now)
    expect(await claims.finish(mooring.db, lost, { reachable: true })).toBe(false)
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    expect(await settle(held, null)).toBe(true)
  })

  it('that was settled changes nothing any more, even if the worker that lost the answer releases it as failed', async () => {
    const held = await claimOne(now)
    expect(await settle(held, later(7_000))).toBe(true)
    const before = await effects(mooring.databaseUrl)
    await releaseFailed(mooring.db, held, later(1))
    expect(await settle(held, later(1))).toBe(false)
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    expect(await state()).toMatchObject({ attempts: 0, settled: 1, due_at: later(7_000) })
  })
})

describe('A settled task', () => {
  it('is due when its handler decides, and its attempts restart unless it failed', async () => {
    await settle(await claimOne(now), later(7_000), true)
    expect(await state()).toMatchObject({ attempts: 1, settled: 1, held: false, due_at: later(7_000) })
    await settle(await claimOne(later(7_000)), null)
    expect(await state()).toMatchObject({ attempts: 0, held: false, due_at: null })
    expect(await claim(later(1e9))).toEqual([])
  })

  it('that was requested while it ran is due again at once, and both callers are answered', async () => {
    const held = await claimOne(now)
    expect(await request()).toBe(2)
    await settle(held, later(86_400_000))
    expect(await state()).toMatchObject({ requested: 2, settled: 1, due_at: now })
    const again = await claimOne(now)
    await settle(again, null)
    const ask = { datasourceId: id, kind: 'verify' as const }
    expect(await tasks.settledRequest(mooring.db, mooring.organization.id, ask)).toBe(2)
  })

  it('exists once for each datasource, however often it is requested', async () => {
    const numbers = await Promise.all(Array.from({ length: 5 }, request))
    expect(numbers.sort()).toEqual([2, 3, 4, 5, 6])
    expect(await query(mooring.databaseUrl, 'select kind from tasks')).toEqual([{ kind: 'verify' }])
    const held = await claimOne(now)
    expect(held.requested).toBe(6)
  })
})

describe('The wait before the next try', () => {
  it('doubles from half of a step to all of it, up to a bound', () => {
    const bounds = (attempt: number) => [0, 1].map(random => backoffMs(attempt, UNREACHABLE, random))
    expect([1, 2, 3].map(bounds)).toEqual([
      [2_500, 5_000],
      [5_000, 10_000],
      [10_000, 20_000],
    ])
    expect(bounds(1_000)).toEqual([1_800_000, 3_600_000])
    expect(backoffMs(0, BROKEN, 1)).toBe(1_000)
  })
})

describe('A registration', () => {
  it('writes datasource, credential, record and task in one statement: if one of them fails, none exists', async () => {
    const { sealed, ...entry } = await parts()
    const before = await effects(mooring.databaseUrl)
    const audits = 'select count(*)::int as count from audit_events'
    const count = await query(mooring.databaseUrl, audits)
    const org = mooring.organization.id
    // A credential under an unknown key, and a task whose id is taken.
    const stray = { ...entry, credential: { ...entry.credential, sealed: { ...sealed, keyId: newId() } } }
    await expect(registration.register(mooring.db, org, stray)).rejects.toMatchObject({ code: '23503' })
    const [taken] = await query(mooring.databaseUrl, 'select id from tasks')
    const twice = { ...entry, taskId: String(taken?.['id']) }
    await expect(registration.register(mooring.db, org, twice)).rejects.toMatchObject({ code: '23505' })
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    expect(await query(mooring.databaseUrl, audits)).toEqual(count)
  })

  it('that goes out with others of its organization fails alone, and a natural key is taken once', async () => {
    const { sealed, ...entry } = await parts()
    const org = mooring.organization.id
    const another = ({ identity, keyId }: { identity?: string; keyId?: string }) => ({
      ...{ ...entry, taskId: newId(), event: { ...entry.event, id: newId() } },
      datasource: { ...entry.datasource, id: newId(), identity: identity ?? null },
      credential: { ...entry.credential, sealed: { ...sealed, keyId: keyId ?? sealed.keyId } },
    })
    const all = [{}, { identity: 'one' }, { identity: 'one' }, { keyId: newId() }, { identity: 'two' }].map(another)
    const outcomes = await Promise.allSettled(all.map(one => registration.register(mooring.db, org, one)))
    expect(outcomes.map(one => (one.status === 'fulfilled' ? one.value : one.reason.code))).toEqual([
      ...[true, true, false, '23503', true],
    ])
    const made = [0, 1, 4].map(at => String(all[at]?.datasource.id)).sort()
    const idsIn = async (table: string, column: string) => {
      const inList = all.map(one => `'${one.datasource.id}'`).join(', ')
      const rows = await query(
        mooring.databaseUrl,
        `select ${column} as id from ${table} where ${column} in (${inList})`,
      )
      return rows.map(row => String(row['id'])).sort()
    }
    expect(await idsIn('datasources', 'id')).toEqual(made)
    for (const table of ['credentials', 'tasks', 'changes']) expect(await idsIn(table, 'datasource_id')).toEqual(made)
    expect(await idsIn('audit_events', 'object_id')).toEqual(made)
    const [head] = await query(
      mooring.databaseUrl,
      `select (select last from change_heads where org_id = '${org}') - (select count(*) from changes where org_id = '${org}') as gap`,
    )
    expect(head).toEqual({ gap: '0' })
  })

  /** A registration's entry, built from the rows of a real one. */
  async function parts() {
    const row = await mooring.db
      .selectFrom('credentials')
      .select(['key_id', 'sealed', 'signer_id', 'signature'])
      .where('datasource_id', '=', id)
      .executeTakeFirstOrThrow()
    const bytes = Buffer.from('none')
    const sealed = {
      keyId: row.key_id,
      box: row.sealed ?? bytes,
      signerId: row.signer_id,
      signature: row.signature ?? bytes,
    }
    const datasource = {
      id: newId(),
      kind: 'direct' as const,
      mode: 'test' as const,
      name: null,
      dbType: 'postgresql' as const,
      host: 'db.acme.io',
      port: 5432,
      database: 'shop',
      schema: 'public',
      tlsMode: 'require',
      excludedSchemas: [],
      endpoint: null,
      metadata: {},
      identity: null,
    }
    const actor = { kind: 'operator' as const, id: null, requestId: null, address: null }
    const event = { id: newId(), actor, action: 'x', objectKind: null, objectId: null, outcome: 'ok', at: now }
    return {
      sealed,
      datasource,
      credential: { sealed, fingerprint: null, last4: null },
      taskId: newId(),
      maxDatasources: 1_000,
      event,
      now,
    }
  }
})

describe('A worker', () => {
  /** Runs one beside the test, and stops it at once. `said` resolves when its log has such a message. */
  async function running(
    work: (worker: Worker, said: (message: string) => Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    const destination = new PassThrough()
    const lines = createInterface(destination)
    const said = async (message: string) => {
      for await (const [line] of on(lines, 'line')) if (JSON.parse(line).msg === message) return
    }
    const log = createLog({ level: 'info', destination })
    const notifications = new Notifications({ url: mooring.databaseUrl, onError: () => undefined })
    await notifications.open()
    const deps = {
      config: mooring.config,
      db: mooring.db,
      meter: createMeter(),
      notifications,
      log,
      clock: () => new Date(),
      ownPlaces: [],
    }
    const worker = await startWorker(deps, mooring.keyring)
    try {
      await work(worker, said)
    } finally {
      await worker.stop(0)
      await notifications.close()
    }
  }

  it('releases, due now, a task that it cannot finish before it has to stop', async () => {
    const sockets: Socket[] = []
    const silent = createServer(socket => void sockets.push(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    await query(mooring.databaseUrl, 'delete from tasks')
    id = await register(customer.url('reader', { port: portOf(silent) }))
    await running(async worker => {
      await once(silent, 'connection')
      expect(await state()).toMatchObject({ settled: 0, held: true })
      await worker.stop(0)
      expect(await state()).toMatchObject({ settled: 0, held: false, due_at: expect.any(Date) })
    })
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  it('retries later a task that failed on our side, and reports nothing about the datasource meanwhile', async () => {
    await query(mooring.databaseUrl, 'alter table verifications rename to verifications_away')
    await running(async (worker, said) => {
      await said('task failed')
      await worker.stop(0)
    })
    await query(mooring.databaseUrl, 'alter table verifications_away rename to verifications')
    expect(await state()).toMatchObject({ settled: 0, requested: 1, held: false, due_at: expect.any(Date) })
    const [datasource] = await query(
      mooring.databaseUrl,
      `select status, status_reason from datasources where id = '${id}'`,
    )
    expect(datasource).toEqual({ status: 'unverified', status_reason: null })
    await running(() => settled(mooring.databaseUrl, id))
    expect(await state()).toMatchObject({ settled: 1, attempts: 0 })
  })
})
