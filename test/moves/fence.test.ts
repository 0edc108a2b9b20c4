/**
 * The fence around an organization that moves: every write for it is refused, whenever it was admitted, and reads
 * continue. The tests call every procedure, so that a new one is covered as well.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { appRouter } from '#server/api/router.ts'
import { newId } from '#server/domain/access/ids.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { transaction } from '#server/store/database/db.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import * as resealing from '#server/store/keys/resealing.ts'
import { purgeMoved } from '#server/store/moves/moved-away.ts'
import * as claimHold from '#server/store/tasks/claim-hold.ts'
import { release, releaseFailed, releaseHung } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { claimQuarantined } from '#server/store/tasks/quarantine.ts'
import { watchDatasources } from '#test/support/changes/event-stream.ts'
import { meanwhile } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { event } from '#test/support/feeds/followed.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'
import { copiedRows } from '#test/support/mooring/moves.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let mooring: Mooring
let organization: TestOrganization
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  organization = mooring.organization
})
afterAll(() => mooring.stop())

const sql = (text: string) => query(mooring.databaseUrl, text)
const fence = (columns: string) => sql(`update organizations set ${columns} where id = '${organization.id}'`)
const raise = () => fence(`moving_at = now(), move_id = '${newId()}'`)
const lift = () => fence('moving_at = null, frozen_at = null, arriving_at = null, moved_at = null, move_id = null')

afterEach(() => lift())

const procedures: Readonly<Record<string, unknown>> = appRouter._def.procedures
const ofType = (type: string) =>
  Object.keys(procedures).filter(
    name => Reflect.get(Object(Reflect.get(Object(procedures[name]), '_def')), 'type') === type,
  )

const CONNECTION = 'postgresql://app:password-of-the-app@127.0.0.1:9/shop'

/** The objects from before the fence. */
interface World {
  readonly direct: string
  readonly endpoint: string
  readonly key: string
  readonly capability: string
}

async function world(): Promise<World> {
  const { datasources, organization: own } = mooring.client()
  const direct = await datasources.register.mutate({ connectionString: CONNECTION })
  const endpoint = await datasources.register.mutate({
    endpoint: 'https://api.acme.io/feed',
    signingKey: 'whsec_a_signing_key',
  })
  const key = await own.createKey.mutate({ name: 'one' })
  const grant = { operations: ['datasources.read' as const], participantKind: 'agent' as const, ttlSeconds: 600 }
  return {
    direct: direct.id,
    endpoint: endpoint.id,
    key: key.id,
    capability: (await own.mintCapability.mutate(grant)).id,
  }
}

/** Every mutation with an input that it would act on, by a key with every scope. */
const MUTATIONS: Readonly<Record<string, (world: World) => object>> = {
  'datasources.register': () => ({ connectionString: CONNECTION }),
  'datasources.validate': () => ({ connectionString: CONNECTION }),
  'datasources.validateRegistered': w => ({ id: w.direct }),
  'datasources.verify': w => ({ id: w.direct }),
  'datasources.update': w => ({ id: w.direct, name: 'New' }),
  'datasources.rotate': w => ({ id: w.direct, connectionString: CONNECTION }),
  'datasources.rotateKey': w => ({ id: w.endpoint, signingKey: 'another signing key' }),
  'datasources.remove': w => ({ id: w.direct }),
  'datasources.removeAll': () => ({ confirm: true }),
  'snapshots.introspect': w => ({ id: w.direct }),
  'feeds.push': w => ({ id: w.endpoint, body: JSON.stringify({ events: [event(1)] }) }),
  'organization.createKey': () => ({ name: 'two' }),
  'organization.revokeKey': w => ({ id: w.key }),
  'organization.mintCapability': () => ({ operations: ['datasources.read'], participantKind: 'agent', ttlSeconds: 60 }),
  'organization.rotateCapability': w => ({ id: w.capability, graceSeconds: 60 }),
  'organization.revokeCapability': w => ({ id: w.capability }),
}
/** Mutations that accept no idempotency key. */
const KEYLESS = ['datasources.removeAll']
/**
 * Only a capability that an operator signed gets as far as writing, and its tasks are written like those of `validate`.
 */
const BY_CAPABILITY = ['datasources.lease', 'datasources.releaseLease']
/** Mutations that no caller has: they exist only in local mode, where no organization moves to or from. */
const OF_NOBODY = ['local.signIn']

describe('While an organization moves', () => {
  it('each mutation is refused with 503 and Retry-After, and each query succeeds', async () => {
    await world()
    await raise()
    const before = await copiedRows(mooring.databaseUrl, organization.id)
    for (const name of ofType('mutation').filter(one => ![...BY_CAPABILITY, ...OF_NOBODY].includes(one))) {
      const { status, headers, body } = await mooring.call('POST', `/trpc/${name}`, { body: {} })
      expect([name, status, headers.get('retry-after'), body.error.data.fault]).toEqual([
        name,
        503,
        '5',
        'organization_moving',
      ])
    }
    for (const name of ofType('query')) {
      const { status } = await mooring.call('GET', `/trpc/${name}?input=${encodeURIComponent('{}')}`)
      expect([name, [200, 400].includes(status)]).toEqual([name, true])
    }
    expect((await mooring.call('GET', '/v1/datasources')).status).toBe(200)
    expect((await mooring.call('POST', '/v1/datasources', { body: { connectionString: CONNECTION } })).status).toBe(503)
    const stream = await watchDatasources({ url: mooring.url, key: organization.testKey })
    expect(stream.status).toBe(200)
    await stream.close()
    expect(await copiedRows(mooring.databaseUrl, organization.id)).toEqual(before)
    await lift()
  })

  it('a mutation that was admitted earlier is refused under its organization’s lock', async () => {
    expect([...Object.keys(MUTATIONS), ...BY_CAPABILITY, ...OF_NOBODY].toSorted()).toEqual(
      ofType('mutation').toSorted(),
    )
    const made = await world()
    const before = await copiedRows(mooring.databaseUrl, organization.id)
    for (const [name, inputOf] of Object.entries(MUTATIONS)) {
      const input = inputOf(made)
      for (const keyed of KEYLESS.includes(name) ? [input] : [input, { ...input, idempotencyKey: newId() }]) {
        const { status, body } = await meanwhile(mooring, {
          holding: tx =>
            tx.selectFrom('organizations').select('id').where('id', '=', organization.id).forUpdate().execute(),
          besides: tx =>
            tx
              .updateTable('organizations')
              .set({ moving_at: new Date(), move_id: newId() })
              .where('id', '=', organization.id)
              .execute(),
          waiting: () => mooring.call('POST', `/trpc/${name}`, { body: keyed }),
        })
        expect([name, status, body.error?.data.fault]).toEqual([name, 503, 'organization_moving'])
        expect([name, await copiedRows(mooring.databaseUrl, organization.id)]).toEqual([name, before])
        await lift()
      }
    }
  })

  it('a push with a signature alone is refused as well', async () => {
    const { endpoint } = await world()
    await raise()
    const headers = {
      'webhook-id': 'a',
      'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
      'webhook-signature': `v1,${'A'.repeat(43)}=`,
    }
    const { status } = await mooring.call('POST', `/v1/datasources/${endpoint}/events`, {
      key: null,
      headers,
      body: { events: [] },
    })
    expect(status).toBe(503)
    await lift()
  })

  it('a copy that is not in use yet is neither read nor written', async () => {
    await fence(`moving_at = now(), frozen_at = now(), arriving_at = now(), move_id = '${newId()}'`)
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', {}],
    ] as const) {
      const { status, headers } = await mooring.call(method, '/v1/datasources', { body })
      expect([status, headers.get('retry-after')]).toEqual([503, '5'])
    }
    await lift()
  })
})

const KINDS: readonly TaskKind[] = ['verify', 'compare', 'introspect', 'poll', 'validate', 'lease', 'reseal', 'push']
const ask = (kinds: readonly TaskKind[]) => ({
  kinds,
  limit: 50,
  perOrganization: 50,
  held: [],
  leaseMs: 60_000,
  now: new Date(),
  priorities: ['asked', 'scheduled', 'hung', 'failed'] as const,
})
const claimAll = async () => {
  const found: claims.Claim[] = []
  for (const kinds of [KINDS.filter(kind => kind !== 'poll'), ['poll' as const]])
    found.push(...(await claims.claim(mooring.db, ask(kinds))))
  return found.filter(claim => claim.organizationId === organization.id)
}
const dueTasks = () =>
  sql(`delete from tasks where org_id = '${organization.id}';
    insert into tasks (org_id, id, kind, standing, due_at, created_at)
    select '${organization.id}', gen_random_uuid(), kind, false, now() - interval '1 minute', now() from unnest('{${KINDS}}'::text[]) kind`)

describe("A moving organization's tasks", () => {
  it('of every kind are not claimed, alone or with others', async () => {
    await dueTasks()
    await raise()
    expect(await claimAll()).toEqual([])
    await sql(`update tasks set ran_out = 2 where org_id = '${organization.id}'`)
    expect(await claimQuarantined(mooring.db, { kinds: KINDS, leaseMs: 60_000, now: new Date() })).toBeUndefined()
    await lift()
    await dueTasks()
    expect((await claimAll()).map(({ kind }) => kind).toSorted()).toEqual(KINDS.toSorted())
  })

  it('of every kind that were claimed earlier are settled until the rows are copied, and not afterwards', async () => {
    await dueTasks()
    const held = await claimAll()
    expect(held).toHaveLength(KINDS.length)
    await raise()
    await fence('frozen_at = now()')
    const before = await sql(`select * from tasks where org_id = '${organization.id}' order by id`)
    const { db } = mooring
    const [now, org] = [new Date(), organization.id]
    const next = { dueAt: now, now, failed: false }
    for (const claim of held) {
      expect(await transaction(db, tx => claims.settle(tx, claim, next))).toBe(false)
      expect(await claims.finish(db, claim, { done: true })).toBe(false)
      expect(await transaction(db, tx => claimHold.extend(tx, claim, now))).toBe(false)
      expect(await transaction(db, tx => claimHold.assertHeld(tx, claim))).toBe(false)
      expect(await transaction(db, tx => claimHold.isClaimed(tx, claim))).toBe(false)
      for (const back of [release, releaseFailed, releaseHung]) await back(db, claim, now)
      for (const dueAt of [now, null]) await resealing.settle(db, claim, dueAt)
      const page = { claim, cursor: null, drained: true, requestedAt: now, next: { holdUntil: now } }
      const arrived = { datasourceId: newId(), events: [], now, page, isVouched: true }
      expect(await feedEvents.store(db, org, arrived)).toBeNull()
    }
    expect(await sql(`select * from tasks where org_id = '${organization.id}' order by id`)).toEqual(before)
    await fence('frozen_at = null')
    for (const claim of held) expect(await claims.finish(db, claim, { done: true })).toBe(true)
    await lift()
  })
})

describe('The rows of a moved organization at its source', () => {
  it('are deleted after 30 days and not before, in batches of any size', async () => {
    const gone = await mooring.newOrganization('Gone')
    await sql(`delete from organization_keys where org_id = '${gone.id}';
      update organizations set moving_at = now(), moved_at = now() - interval '29 days' where id = '${gone.id}'`)
    expect(await purgeMoved(mooring.db, 30)).toBe(false)
    expect((await mooring.call('GET', '/v1/datasources', { key: gone.testKey })).status).toBe(409)
    await expect(purgeMoved(mooring.db, 1)).rejects.toThrow(/30 days/)
    await sql(`update organizations set moved_at = now() - interval '31 days' where id = '${gone.id}'`)
    expect(await purgeMoved(mooring.db, 30)).toBe(true)
    expect(await purgeMoved(mooring.db, 30)).toBe(false)
    expect((await mooring.call('GET', '/v1/datasources', { key: gone.testKey })).status).toBe(401)
  })
})
