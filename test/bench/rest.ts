/**
 * `npm run bench`: requests a second for reading and for registering one datasource over REST, each beside a bare
 * server in the same run, so that the ratio holds on any machine. Mooring's web tier runs in its own process, as does
 * the load.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newKeyId } from '#server/operator/keyring.ts'
import { createKey } from '#server/operator/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { type Load, measure } from '#test/bench/support/load.ts'
import { startServer } from '#test/support/database/postgres.ts'

const EXTENT = { seconds: 3, connections: 8 }
const POOL = 8
const NO_LIMIT = '1000000000'

const cleanup = new AsyncDisposableStack()
try {
  await bench()
} finally {
  await cleanup.disposeAsync()
}

async function bench(): Promise<void> {
  // Commits reach the disk, as in production.
  const server = await startServer({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } })
  cleanup.defer(() => server.stop())
  const databaseUrl = await server.createDatabase('bench')
  await migrate(databaseUrl)
  const { env, key } = await install(databaseUrl)
  const mooring = await startProcess('web', env)
  const bare = await startProcess('bare', { DATABASE_URL: databaseUrl, POOL: String(POOL) })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const registration = (count: number) =>
    JSON.stringify({ connectionString: `postgresql://app:secret@db.acme.io/shop_${process.pid}_${count}` })
  const path = `${mooring.url}/v1/datasources`
  const made = await fetch(path, { method: 'POST', headers, body: registration(0) })
  const { id } = (await made.json()) as { id: string }
  print('', ['mooring/s', 'bare/s', 'ratio', 'median ms', 'p99 ms'])
  const post = { method: 'POST' as const, headers, body: registration }
  await row('read one', { url: `${path}/${id}`, method: 'GET', headers }, { url: bare.url, method: 'GET', headers: {} })
  await row('register', { url: path, ...post }, { url: bare.url, ...post })
}

async function row(name: string, mooring: Load, bare: Load): Promise<void> {
  const theirs = await measure(bare, EXTENT)
  const ours = await measure(mooring, EXTENT)
  const ratio = (ours.perSecond / theirs.perSecond).toFixed(2)
  const [rate, bareRate] = [ours.perSecond, theirs.perSecond].map(value => value.toFixed(0))
  print(name, [rate ?? '', bareRate ?? '', ratio, ours.medianMs.toFixed(1), ours.p99Ms.toFixed(1)])
}

function print(name: string, cells: readonly string[]): void {
  process.stdout.write(`${name.padEnd(10)}${cells.map(cell => cell.padStart(11)).join('')}\n`)
}

/** Keyrings, an organization and a key; quotas and limits at their maximum, since they are not measured. */
async function install(databaseUrl: string): Promise<{ env: Record<string, string>; key: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'mooring-bench-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await initKeyrings(dir, newKeyId)
  const db = openDb({ url: databaseUrl, size: 1, onError: () => undefined })
  const operator = { db, keyring: await readWorkerKeyring(join(dir, 'worker.json')), now: new Date() }
  const organizationId = await createOrganization(operator, 'Bench')
  const key = await createKey(operator, { organizationId, mode: 'test', name: null })
  await db.destroy()
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    MOORING_KEYRING: join(dir, 'web.json'),
    MOORING_POOL_SIZE: String(POOL),
    MOORING_MAX_DATASOURCES: NO_LIMIT,
    MOORING_RATE_PER_KEY: NO_LIMIT,
    MOORING_RATE_PER_ORGANIZATION: NO_LIMIT,
  }
  return { env, key }
}

/** Starts the web tier, or the bare server, and returns its address. */
async function startProcess(which: 'web' | 'bare', env: Record<string, string>): Promise<{ url: string }> {
  const at = { web: '../../server/web.ts', bare: './support/bare-process.ts' }[which]
  const { PATH = '' } = process.env
  const child = fork(fileURLToPath(new URL(at, import.meta.url)), [], { env: { PATH, ...env }, silent: true })
  cleanup.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
  child.stderr?.pipe(process.stderr)
  const { promise, resolve, reject } = Promise.withResolvers<{ url: string }>()
  let text = ''
  child.stdout?.on('data', chunk => {
    text += String(chunk)
    const found = /"port":(\d+)|(http:\S+)/.exec(text)
    if (found !== null) resolve({ url: found[2] ?? `http://127.0.0.1:${found[1]}` })
  })
  child.once('exit', () => reject(new Error(`${which} did not start`)))
  return promise
}
