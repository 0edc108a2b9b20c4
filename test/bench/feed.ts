/**
 * The cost of following feeds: events per second that one worker stores from 100 endpoints ÷ the rate of the same
 * inserts by the same statement through `pg`, in one run. Endpoints, worker, database and this program share the
 * machine. `npm run bench:feed`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { FEED_PACE } from '#server/domain/feeds/feed.ts'
import { parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { printResults } from '#test/bench/support/results.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { startEntry } from '#test/support/operations/processes.ts'

const ENDPOINTS = 100
const EVENTS = 5_000
/** The page size that we request. */
const PAGE = FEED_PACE.pageLimit
const TARGET = 0.6
/** The number of feeds that a worker follows at once. */
const CONNECTIONS = 4
const ORGANIZATIONS = 4
const PLACES = 10

const cleanup = new AsyncDisposableStack()
const dir = await mkdtemp(join(tmpdir(), 'mooring-bench-'))
cleanup.defer(() => rm(dir, { recursive: true, force: true }))

/** The endpoints' process. `begin` releases their events. */
async function startEndpoints() {
  const path = fileURLToPath(new URL('./feed-endpoints.ts', import.meta.url))
  const child = fork(path, [EVENTS, PAGE, PLACES].map(String))
  cleanup.defer(() => void child.kill())
  // Sound: its first message.
  const [{ ports, ca }] = (await once(child, 'message')) as [{ ports: number[]; ca: string }]
  return { ports, ca, begin: () => child.send('begin') }
}

/** A migrated database with organizations, and a test key of each. */
async function prepare(url: string): Promise<string[]> {
  await migrate(url)
  await initKeyrings(dir, newKeyId)
  const db = openDb({ url, size: 1, onError: () => undefined })
  const operator = { db, keyring: await readWorkerKeyring(join(dir, 'worker.json')), now: new Date() }
  const keys: string[] = []
  for (let n = 0; n < ORGANIZATIONS; n += 1) {
    const organizationId = await createOrganization(operator, `Bench ${n}`)
    keys.push(await createKeyAsOperator(operator, { organizationId, mode: 'test', name: null }))
  }
  await db.destroy()
  return keys
}

/** Registers the endpoints through a web tier, which then stops. */
async function register(
  env: Record<string, string>,
  { ports, keys }: { keys: string[]; ports: number[] },
): Promise<void> {
  const web = startEntry('web', { ...env, MOORING_KEYRING: join(dir, 'web.json') })
  const listening = await web.line(/"port":(\d+)/)
  for (let n = 0; n < ENDPOINTS; n += 1) {
    const body = JSON.stringify({
      endpoint: `https://127.0.0.1:${ports[n % PLACES]}/feed/${n}`,
      signingKey: 'a signing key',
    })
    const headers = { authorization: `Bearer ${keys[n % keys.length]}`, 'content-type': 'application/json' }
    const made = await fetch(`http://127.0.0.1:${listening[1]}/v1/datasources`, { method: 'POST', headers, body })
    if (made.status !== 201) throw new Error(`registering was answered ${made.status}: ${await made.text()}`)
  }
  await web.stop()
}

/** Resolves when the query returns true: run at each wake of the database, and ten times a second. */
async function until(client: pg.Client, sql: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ done: boolean }>(sql)
    if (rows[0]?.done === true) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** Events per second through a worker, from the moment at which every endpoint has events. */
async function followed(server: {
  createDatabase(name: string): Promise<string>
}): Promise<{ rate: number; url: string }> {
  const endpoints = await startEndpoints()
  const url = await server.createDatabase('feeds')
  const keys = await prepare(url)
  const ca = join(dir, 'ca.pem')
  await writeFile(ca, endpoints.ca)
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: url,
    MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
    MOORING_EXTRA_CA: ca,
  }
  await register(env, { keys, ports: endpoints.ports })
  const worker = startEntry('worker', { ...env, MOORING_KEYRING: join(dir, 'worker.json'), MOORING_LOG_LEVEL: 'info' })
  cleanup.defer(() => worker.stop('SIGKILL').then(() => undefined))
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  cleanup.defer(() => client.end())
  await until(client, `select count(*) = ${ENDPOINTS} as done from feeds where polled_at is not null`)
  endpoints.begin()
  await client.query(`update tasks set due_at = now() where kind = 'poll'`)
  const startedAt = performance.now()
  await client.query('notify mooring_work')
  await until(client, `select count(*) filter (where cursor = '${EVENTS}') = ${ENDPOINTS} as done from feeds`)
  const seconds = (performance.now() - startedAt) / 1_000
  await worker.stop()
  const { rows } = await client.query<{ n: number }>('select count(*)::int as n from feed_events')
  if (rows[0]?.n !== ENDPOINTS * EVENTS) throw new Error(`${rows[0]?.n} events were stored`)
  return { rate: (ENDPOINTS * EVENTS) / seconds, url }
}

const INSERT = `insert into feed_events (org_id, datasource_id, position, event_id, event, bytes, stored_at)
  select $1, $2, $3::bigint + n, id, event, octet_length(event), $6
  from unnest($4::text[], $5::text[]) with ordinality as arrived (id, event, n)
  on conflict (org_id, datasource_id, event_id) do nothing returning position`

interface Raw {
  readonly org: string
  readonly id: string
  readonly from: number
  readonly events: readonly { readonly id: string; readonly json: string }[]
}

/** The same inserts by the same statement, for the existing feeds, over as many connections, and nothing else. */
async function raw(url: string): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS })
  // The server may stop before the last of them has said goodbye.
  pool.on('connect', client => client.on('error', () => undefined))
  const feeds = await pool.query<{ org: string; id: string }>('select org_id as org, datasource_id as id from feeds')
  const sample = await pool.query<{ event: string }>(
    `select event from feed_events where datasource_id = $1 order by position`,
    [feeds.rows[0]?.id],
  )
  const page = parseFeedPage(`{"events":[${sample.rows.map(row => row.event).join(',')}]}`)
  if (page === null) throw new Error('the sample is no page')
  await pool.query('truncate feed_events')
  const work: Raw[] = []
  for (let from = 0; from < EVENTS; from += PAGE)
    for (const feed of feeds.rows) work.push({ ...feed, from, events: page.events.slice(from, from + PAGE) })
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let one = work.pop(); one !== undefined; one = work.pop()) {
        const { org, id, from, events } = one
        await pool.query(INSERT, [org, id, from, events.map(e => e.id), events.map(e => e.json), new Date()])
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  await pool.end()
  return (ENDPOINTS * EVENTS) / seconds
}

try {
  const server = await startServer()
  cleanup.defer(() => server.stop())
  const { rate, url } = await followed(server)
  const bare = await raw(url)
  printResults([
    {
      work: `events of ${ENDPOINTS} endpoints stored by one worker`,
      ...{ ours: rate, limit: bare, ratio: rate / bare, target: TARGET, unit: 'events/s' },
    },
  ])
} finally {
  await cleanup.disposeAsync()
}
