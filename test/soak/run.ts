/**
 * `npm run soak`: web and worker as processes under mixed load for ten minutes, or `-- SECONDS`. Each interval prints
 * memory, descriptors, connections and the event loop from `/metrics`; growth ends it with status 1. A soak of less
 * than five minutes does not compare memory, because a process warms up.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '#client/index.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { startEntry } from '#test/support/operations/processes.ts'
import { scraped, total } from '#test/support/operations/prometheus-text.ts'
import { growth, type Sample } from './growth.ts'

const seconds = Number(process.argv[2] ?? 600)
const isShort = seconds < 300
const CALLERS = 4
const SUBSCRIBERS = 5
const SAMPLES = 40
/** Unexpected answers, one line each. */
const MOST_PRINTED = 20
const NO_LIMIT = '1000000000'

await using cleanup = new AsyncDisposableStack()
const server = await startServer()
cleanup.defer(() => server.stop())
const databaseUrl = await server.createDatabase('soak')
await migrate(databaseUrl)
const dir = await mkdtemp(join(tmpdir(), 'mooring-soak-'))
cleanup.defer(() => rm(dir, { recursive: true, force: true }))
const key = await install()
const web = await start('web', /"port":(\d+).*"healthPort":(\d+)/)
const worker = await start('worker', /()"healthPort":(\d+)/)
const samples: Record<'web' | 'worker', Sample[]> = { web: [], worker: [] }
const until = performance.now() + seconds * 1000
const counts = { calls: 0, failed: 0, events: 0 }
subscribe()
await Promise.all([...Array.from({ length: CALLERS }, (_, at) => load(at)), watch()])
report()

/** Keyrings, an organization and a key. */
async function install(): Promise<string> {
  await initKeyrings(dir, newKeyId)
  const db = openDb({ url: databaseUrl, size: 1, onError: () => undefined })
  const operator = { db, keyring: await readWorkerKeyring(join(dir, 'worker.json')), now: new Date() }
  const organizationId = await createOrganization(operator, 'Soak')
  const made = await createKeyAsOperator(operator, { organizationId, mode: 'test', name: null })
  await db.destroy()
  return made
}

async function start(tier: 'web' | 'worker', listening: RegExp): Promise<{ port: string; health: string }> {
  const one = startEntry(tier, {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    MOORING_KEYRING: join(dir, `${tier}.json`),
    MOORING_HEALTH_PORT: '0',
    MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
    MOORING_LOG_LEVEL: 'info',
    MOORING_MAX_DATASOURCES: NO_LIMIT,
    MOORING_RATE_PER_KEY: NO_LIMIT,
    MOORING_RATE_PER_ORGANIZATION: NO_LIMIT,
  })
  cleanup.defer(async () => void (await one.stop()))
  const [, port = '', health = ''] = await one.line(listening)
  return { port, health }
}

/**
 * One caller: registers, reads, lists, renames, rechecks and removes, including refused requests and missing objects.
 */
async function load(at: number): Promise<void> {
  for (let n = 0; performance.now() < until; n += 1) {
    const string = `postgres://app:secret@127.0.0.1:1/shop_${at}_${n}`
    const made = await call('POST', '/v1/datasources', { body: { connectionString: string } })
    const { id } = (await made.json()) as { id: string }
    await call('GET', `/v1/datasources/${id}`)
    await call('GET', '/v1/datasources?limit=20')
    await call('POST', '/trpc/datasources.update', { body: { id, name: `soak ${n}` } })
    await call('POST', '/v1/datasources', { body: { connectionString: 'postgres://a:b@10.0.0.1/c' }, expected: 403 })
    await call('GET', `/v1/datasources/${strangerOf(id)}`, { expected: 404 })
    await call('DELETE', `/v1/datasources/${id}`)
  }
}

/** Returns an id that does not exist: that of a datasource with a different last digit. */
function strangerOf(id: string): string {
  return `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`
}

/** `expected` is the status of an intended refusal. The first unexpected answers are printed. */
async function call(
  method: string,
  path: string,
  options: { body?: object; expected?: number } = {},
): Promise<Response> {
  const { body, expected } = options
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(`http://127.0.0.1:${web.port}${path}`, { method, headers, ...sent })
  counts.calls += 1
  if (expected === undefined ? answer.ok : answer.status === expected) return answer
  counts.failed += 1
  if (counts.failed <= MOST_PRINTED) process.stdout.write(`${method} ${path}: ${answer.status}\n`)
  return answer
}

function subscribe(): void {
  const client = createClient({ url: `http://127.0.0.1:${web.port}`, key, seal: false })
  for (let at = 0; at < SUBSCRIBERS; at += 1) {
    const onData = () => {
      counts.events += 1
    }
    const watching = client.datasources.watch.subscribe({}, { onData, onError: () => undefined })
    cleanup.defer(() => watching.unsubscribe())
  }
}

/** Samples both tiers until the end. */
async function watch(): Promise<void> {
  const everyMs = Math.max(500, (seconds * 1000) / SAMPLES)
  print(['tier', 'memory MB', 'descriptors', 'connections', 'loop p99 ms', 'calls'])
  while (performance.now() < until) {
    const next = performance.now() + everyMs
    for (const tier of ['web', 'worker'] as const) {
      const taken = await sample({ web, worker }[tier].health)
      samples[tier].push(taken)
      const { memoryMb, descriptors, connections, loopMs } = taken
      print([tier, memoryMb, descriptors, connections, loopMs, counts.calls])
    }
    await new Promise(resolve => setTimeout(resolve, Math.max(0, next - performance.now())))
  }
}

async function sample(port: string): Promise<Sample> {
  const now = scraped(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
  return {
    memoryMb: Math.round(total(now, 'process_resident_memory_bytes') / 1e6),
    descriptors: total(now, 'process_open_fds'),
    connections:
      total(now, 'mooring_pool_connections', { state: 'busy' }) +
      total(now, 'mooring_pool_connections', { state: 'idle' }),
    loopMs: Math.round(total(now, 'nodejs_eventloop_lag_p99_seconds') * 1000),
  }
}

function report(): void {
  const grown = Object.entries(samples).flatMap(([tier, of]) => growth(of, isShort).map(what => `${tier}: ${what}`))
  process.stdout.write(`${counts.calls} calls, ${counts.failed} not answered as expected, ${counts.events} events\n`)
  for (const what of grown) process.stdout.write(`${what}\n`)
  const isWrong = grown.length > 0 || counts.failed > 0 || counts.events === 0
  process.stdout.write(isWrong ? 'It grows or fails.\n' : 'Nothing grows.\n')
  process.exitCode = isWrong ? 1 : 0
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map(cell => String(cell).padStart(12)).join('')}\n`)
}
