/**
 * Live updates: every change in order, to its own organization, each once, across reconnects, late commits and a
 * restart of the database.
 */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrate } from '#server/store/installation/migrate.ts'
import { type DatasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import { typedId } from '#shared/base/wire.ts'
import { capability } from '#test/support/access/actors.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { appendSql } from '#test/support/changes/changes.ts'
import {
  type EventStream,
  type Received,
  type Subscription,
  watchDatasources,
} from '#test/support/changes/event-stream.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

// A server of its own: the test restarts it, and another test's open transaction would hold changes back.
let server: TestServer
let mooring: Mooring
let customer: Customer
let organization: TestOrganization
let aheadMs = 0
beforeAll(async () => {
  server = await startServer()
  const databaseUrl = await server.createDatabase('mooring')
  await migrate(databaseUrl)
  mooring = await startMooring({ databaseUrl, clock: () => new Date(Date.now() + aheadMs) })
  customer = await makeCustomer()
})
beforeEach(async () => {
  aheadMs = 0
  organization = await mooring.newOrganization('Watching')
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await server.stop()
})

const watch = (subscription: Partial<Subscription> = {}) =>
  watchDatasources({ url: mooring.url, key: organization.testKey, ...subscription })
const datasources = (key = organization.testKey) => mooring.client(key).datasources
const uuid = (id: DatasourceId) => datasourceUuid(id) ?? ''

/** A datasource of the organization that no worker verifies: only the test changes it. */
async function quietOne(): Promise<DatasourceId> {
  const { id } = await datasources().register.mutate({
    connectionString: customer.url(),
    schema: 'app',
    waitSeconds: 20,
  })
  return id
}

const BLOCKED = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`

interface ReceivedChange {
  readonly id: string
  readonly change: string
  readonly datasource: { readonly name: string; readonly status: string }
}

const reported = ({ text }: Received): ReceivedChange => JSON.parse(text)
const names = (stream: EventStream) => stream.messages.map(event => reported(event).datasource.name)
const named = (name: string) => (event: Received) =>
  event.event === 'message' && reported(event).datasource.name === name

async function rename(id: DatasourceId, ...to: string[]): Promise<void> {
  for (const name of to) await datasources().update.mutate({ id, name })
}

describe('A subscriber', () => {
  it('receives every change of the organization’s datasources in order, with the datasource', async () => {
    const stream = await watch()
    const id = await quietOne()
    await rename(id, 'Shop')
    const connectionString = customer.url('reader', { parameters: 'application_name=two' })
    await datasources().rotate.mutate({ id, connectionString, waitSeconds: 20 })
    await datasources().remove.mutate({ id })
    await stream.first(event => event.event === 'message' && reported(event).change === 'removed')
    const seen = stream.messages.map(reported)
    expect(seen.map(({ change }) => change)).toEqual([
      'registered',
      'verified',
      'updated',
      'rotated',
      'verified',
      'removed',
    ])
    expect(new Set(seen.map(one => one.id))).toEqual(new Set([id]))
    expect(seen.at(-1)?.datasource).toMatchObject({ id, name: 'Shop', removedAt: expect.any(String) })
    const ids = stream.messages.map(event => event.id)
    expect(ids.every(one => /^\d+-\d+$/.test(one))).toBe(true)
    expect(stream.events.map(event => event.text).join('')).not.toContain(customer.password)
    await stream.close()
  })

  it('with the typed client receives the same', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const started = Promise.withResolvers<void>()
    const subscription = mooring.client(organization.testKey).datasources.watch.subscribe(undefined, {
      onStarted: () => started.resolve(),
      onData: event => {
        if (event.data.change === 'verified') resolve(event.data.datasource.status)
      },
    })
    await started.promise
    await datasources().register.mutate({ connectionString: customer.url(), schema: 'app' })
    expect(await promise).toBe('active')
    subscription.unsubscribe()
  })

  it('misses nothing after the event that confirms its connection', async () => {
    const id = await quietOne()
    const writer = new pg.Client({ connectionString: mooring.databaseUrl })
    await writer.connect()
    const append = appendSql({ organizationId: organization.id, datasourceId: uuid(id) })
    // Nobody else is subscribed each time, so that the reading begins with this one.
    for (let round = 0; round < 20; round += 1) {
      const stream = await watch()
      await writer.query(`${append}; notify mooring_news`)
      await stream.first(event => event.event === 'message' && reported(event).change === 'drifted')
      await stream.close()
    }
    await writer.end()
  })

  it('that reconnects receives the missed changes and later ones, nothing twice', async () => {
    const id = await quietOne()
    const first = await watch()
    await rename(id, 'one', 'two')
    // By number: the earlier change may carry the later name.
    await first.count(2)
    const lastEventId = first.messages.at(-1)?.id ?? ''
    await first.close()
    await rename(id, 'three', 'four')
    const second = await watch({ lastEventId })
    await rename(id, 'five')
    await second.count(3)
    // An event shows the datasource as it is now: intermediate names are gone.
    expect(names(second).at(-1)).toBe('five')
    expect(second.messages).toHaveLength(3)
    const [position] = first.messages.map(event => event.id)
    const third = await watch({ lastEventId: position ?? '' })
    await third.count(4)
    const all = [...first.messages.map(event => event.id), ...second.messages.map(event => event.id)]
    expect([position, ...third.messages.map(event => event.id)]).toEqual(all)
    await Promise.all([second.close(), third.close()])
  })

  it('does not wait for a transaction in another database of the server', async () => {
    const id = await quietOne()
    const other = new pg.Client({ connectionString: await server.createDatabase('neighbour') })
    await other.connect()
    await other.query('begin; select pg_current_xact_id()')
    const stream = await watch()
    await rename(id, 'meanwhile')
    await stream.first(named('meanwhile'))
    await stream.close()
    await other.query('commit')
    await other.end()
  })

  it('misses no change that commits late, after a later change', async () => {
    const [id, other] = [await quietOne(), await quietOne()]
    const early = await watch()
    await rename(id, 'before')
    const { id: lastEventId } = await early.first(named('before'))
    const late = new pg.Client({ connectionString: mooring.databaseUrl })
    await late.connect()
    await late.query('begin')
    await late.query(appendSql({ organizationId: organization.id, datasourceId: uuid(other) }))
    const between = await watch({ lastEventId })
    // Its commit waits for the one before: no number is seen before a smaller one.
    const renamed = rename(id, 'after')
    while ((await query(mooring.databaseUrl, BLOCKED)).length === 0);
    await late.query('commit')
    await late.end()
    await renamed
    await rename(id, 'end')
    for (const stream of [early, between]) {
      const seen = () => stream.messages.slice(stream.messages.findIndex(event => event.id === lastEventId) + 1)
      // By number, not by name: an earlier change may already carry the last name.
      await stream.first(() => seen().length >= 3)
      expect(seen().map(event => reported(event).change)).toEqual(['drifted', 'updated', 'updated'])
      await stream.close()
    }
  })

  it('receives nothing of other organizations, and only the datasource that it asks for', async () => {
    const other = await mooring.newOrganization('Other')
    const [one, two] = [await quietOne(), await quietOne()]
    const [all, onlyTwo, theirs] = [
      await watch(),
      await watch({ input: { id: two } }),
      await watch({ key: other.testKey }),
    ]
    await rename(one, 'one')
    await rename(two, 'two')
    await datasources(other.testKey).register.mutate({ connectionString: customer.url(), name: 'theirs' })
    await Promise.all([all.first(named('two')), onlyTwo.first(named('two')), theirs.first(named('theirs'))])
    expect(names(all)).toEqual(['one', 'two'])
    expect(names(onlyTwo)).toEqual(['two'])
    expect(new Set(names(theirs))).toEqual(new Set(['theirs']))
    for (const stream of [all, onlyTwo, theirs]) await stream.close()
  })

  it('with a capability for one datasource receives that one only', async () => {
    const { id, testKey } = mooring.organization
    const register = () =>
      datasources(testKey).register.mutate({ connectionString: customer.url(), schema: 'app', waitSeconds: 20 })
    const [one, two] = [await register(), await register()]
    const key = await capability(mooring, { scopes: ['datasources.read'], datasourceIds: [two.id] })
    const stream = await watch({ key })
    await datasources(testKey).update.mutate({ id: one.id, name: 'one' })
    await datasources(testKey).update.mutate({ id: two.id, name: 'two' })
    await stream.first(named('two'))
    expect(names(stream)).toEqual(['two'])
    await stream.close()
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('that is slow receives everything nevertheless, in order and once', async () => {
    const id = await quietOne()
    const stream = await watch()
    await rename(id, 'begin')
    await stream.first(named('begin'))
    stream.pause()
    // More than the sockets hold: the rest waits in the process, which keeps a thousand and reads the others from the
    // table.
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`key${at}`, 'x'.repeat(500)]))
    await datasources().update.mutate({ id, metadata })
    const count = 2_000
    await query(mooring.databaseUrl, appendSql({ organizationId: organization.id, datasourceId: uuid(id), count }))
    // Another subscriber has received them all before the slow one resumes reading.
    const quick = await watch()
    await rename(id, 'end')
    await quick.first(named('end'))
    stream.resume()
    await stream.count(count + 3)
    const order = stream.messages.map(event => event.id.split('-').map(Number))
    expect(order).toEqual(order.toSorted(([x = 0, n = 0], [y = 0, m = 0]) => x - y || n - m))
    expect(new Set(stream.messages.map(event => event.id)).size).toBe(count + 3)
    await Promise.all([stream.close(), quick.close()])
  })
})

describe('A subscription', () => {
  it.each([
    ['of nobody', { key: `sk_test_${'0'.repeat(36)}` }, 'apikey_invalid'],
    ['from a place that is none', { lastEventId: 'yesterday' }, 'invalid_body'],
  ])('%s is refused', async (_what, subscription, fault) => {
    const stream = await watch(subscription)
    const { text } = await stream.first(({ event }) => event === 'serialized-error')
    expect(JSON.parse(text).data).toMatchObject({ fault, retryable: false })
    await stream.ended
  })

  it('to a missing datasource ends with that fault, which is not retryable', async () => {
    const id = typedId('ds_test_', '00000000-0000-7000-8000-000000000000')
    const stream = await watch({ input: { id } })
    const { text } = await stream.first(({ event }) => event === 'serialized-error')
    expect(JSON.parse(text)).toMatchObject({ code: -32004, data: { fault: 'entity_not_found', retryable: false } })
    await stream.ended
    const recorded = `select outcome from audit_events where org_id = '${organization.id}' and action = 'datasources.watch'`
    expect(await query(mooring.databaseUrl, recorded)).toEqual([{ outcome: 'entity_not_found' }])
  })

  it('ends with its key, under any load: changes after the next re-check are not delivered', async () => {
    const id = await quietOne()
    const key = await makeKey(mooring, { organizationId: organization.id })
    const [theirs, ours] = [await watch({ key }), await watch()]
    await rename(id, 'seen')
    await Promise.all([theirs.first(named('seen')), ours.first(named('seen'))])
    const last4 = key.slice(-4)
    await query(
      mooring.databaseUrl,
      `update api_keys set revoked_at = now() where org_id = '${organization.id}' and last4 = '${last4}'`,
    )
    aheadMs = 15_000
    await rename(id, 'unseen')
    await ours.first(named('unseen'))
    const { text } = await theirs.first(({ event }) => event === 'serialized-error')
    expect(JSON.parse(text)).toMatchObject({ code: -32001, data: { fault: 'apikey_revoked', code: 'UNAUTHORIZED' } })
    await theirs.ended
    expect(names(theirs)).toEqual(['seen'])
    await ours.close()
  })

  it('ends when its process stops, so that the caller reconnects to another one and misses nothing', async () => {
    const id = await quietOne()
    const web = await secondWeb(mooring)
    const first = await watch({ url: web.url })
    await rename(id, 'before')
    const { id: lastEventId } = await first.first(named('before'))
    await web.stop()
    await first.ended
    expect(first.events.map(({ event }) => event)).toEqual(['connected', 'message'])
    await rename(id, 'meanwhile')
    const second = await watch({ lastEventId })
    await second.first(named('meanwhile'))
    expect(names(second)).toEqual(['meanwhile'])
    await second.close()
  })

  it('survives a restart of the database', async () => {
    const id = await quietOne()
    const stream = await watch()
    await rename(id, 'before')
    await stream.first(named('before'))
    await server.restart()
    while ((await mooring.call('GET', '/readyz')).status !== 200);
    await rename(id, 'after')
    await stream.first(named('after'))
    expect(names(stream)).toEqual(['before', 'after'])
    await stream.close()
  })

  it('shares one reader among a hundred that start at once, and leaves none behind', async () => {
    const id = await quietOne()
    const streams = await Promise.all(Array.from({ length: 100 }, () => watch()))
    await rename(id, 'all')
    await Promise.all(streams.map(stream => stream.first(named('all'))))
    for (const stream of streams) expect(names(stream)).toEqual(['all'])
    await Promise.all(streams.map(stream => stream.close()))
    const again = await watch()
    await rename(id, 'again')
    await again.first(named('again'))
    expect(names(again)).toEqual(['again'])
    await again.close()
  })
})
