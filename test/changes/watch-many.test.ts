/**
 * A thousand subscribers over two web processes receive a verdict from a third process within a second, and miss
 * nothing while they move from one web process to the other.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { migrate } from '#server/store/installation/migrate.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { type EventStream, type Received, watchDatasources } from '#test/support/changes/event-stream.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

const SUBSCRIBERS = 1_000
/** A key may hold a hundred subscriptions at each process, an organization five hundred. */
const KEYS = 10

let server: TestServer
let mooring: Mooring
let customer: Customer
let processes: Running[]
let urls: string[]
let keys: string[]
beforeAll(async () => {
  server = await startServer()
  const databaseUrl = await server.createDatabase('mooring')
  await migrate(databaseUrl)
  // Provides keys and a client; it verifies nothing and has no subscriber.
  mooring = await startMooring({ databaseUrl, worker: false })
  customer = await makeCustomer()
  const env = (tier: string) => ({
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    MOORING_KEYRING: join(mooring.config.keyring, `${tier}.json`),
    MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
  })
  const webs = [startEntry('web', env('web')), startEntry('web', env('web'))]
  const worker = startEntry('worker', env('worker'))
  processes = [...webs, worker]
  urls = await Promise.all(webs.map(async web => `http://127.0.0.1:${(await web.line(/"port":(\d+),"msg":"web/))[1]}`))
  await worker.line(/worker is running/)
  const { organization } = mooring.client()
  const made = Array.from({ length: KEYS }, () => organization.createKey.mutate({ mode: 'test' }))
  keys = (await Promise.all(made)).map(({ key }) => key ?? '')
})
afterAll(async () => {
  await Promise.all(processes.map(one => one.stop('SIGKILL')))
  await mooring.stop()
  await customer.drop()
  await server.stop()
})

/**
 * How many connect at a time: each is authenticated over the eight connections of its process, and waits 2 s for one at
 * most.
 */
const AT_ONCE = 100

/** One stream for each subscriber, half of them at each process; at the other one when `moved`. */
async function subscribe(moved: boolean, lastEventIds: readonly string[] = []): Promise<EventStream[]> {
  const streams: EventStream[] = []
  const one = (at: number) => {
    const url = urls[(at + Number(moved)) % 2] ?? ''
    const lastEventId = lastEventIds[at]
    const key = keys[Math.floor(at / 2) % KEYS] ?? ''
    return watchDatasources({ url, key, ...(lastEventId === undefined ? {} : { lastEventId }) })
  }
  while (streams.length < SUBSCRIBERS) {
    const group = Array.from({ length: AT_ONCE }, (_, at) => one(streams.length + at))
    streams.push(...(await Promise.all(group)))
  }
  return streams
}

const changeOf = (text: string): string => JSON.parse(text).change
const isVerdict = ({ event, text }: Received) => event === 'message' && changeOf(text) === 'verified'
const positions = (stream: EventStream) => stream.messages.map(message => message.id)

/** When the last verdict was committed, by this machine's clock. */
async function verdictAt(id: DatasourceId): Promise<number> {
  const uuid = uuidOf(id, 'ds_test_')
  const [row] = await query(
    mooring.databaseUrl,
    `select (extract(epoch from max(at)) * 1000)::float8 as at from verifications where datasource_id = '${uuid}'`,
  )
  return Number(row?.['at'])
}

it('1,000 subscribers at two processes receive a verdict of a third within a second, and miss none across a reconnect', async () => {
  const { datasources } = mooring.client()
  const { id } = await datasources.register.mutate({
    connectionString: customer.url(),
    schema: 'nowhere',
    waitSeconds: 20,
  })
  const streams = await subscribe(false)
  // Compiled code, as in a process that has run for a while.
  for (const name of ['one', 'two']) await datasources.update.mutate({ id, name })
  await Promise.all(streams.map(stream => stream.count(2)))

  await datasources.update.mutate({ id, schema: 'app' })
  const verdicts = await Promise.all(streams.map(stream => stream.first(isVerdict)))
  for (const { text } of verdicts) expect(JSON.parse(text).datasource).toMatchObject({ id, status: 'active' })
  const latestMs = Math.max(...verdicts.map(({ at }) => at)) - (await verdictAt(id))
  expect(latestMs).toBeLessThan(1_000)
  const seen = streams.map(positions)
  expect(new Set(seen.map(ids => ids.join()))).toEqual(new Set([seen[0]?.join()]))

  await Promise.all(streams.map(stream => stream.close()))
  for (const name of ['three', 'four', 'five']) await datasources.update.mutate({ id, name })
  await datasources.verify.mutate({ id, waitSeconds: 20 })
  const back = await subscribe(
    true,
    seen.map(ids => ids.at(-1) ?? ''),
  )
  await datasources.update.mutate({ id, name: 'live' })
  await Promise.all(back.map(stream => stream.count(5)))
  for (const stream of back)
    expect(stream.messages.map(({ text }) => changeOf(text))).toEqual([
      'updated',
      'updated',
      'updated',
      'verified',
      'updated',
    ])
  expect(new Set(back.map(stream => positions(stream).join())).size).toBe(1)
  await Promise.all(back.map(stream => stream.close()))
})
