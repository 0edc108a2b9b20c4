/**
 * Mooring as in production: `web.ts` and `worker.ts` as separate processes, each with its keyring and under a database
 * role that has its tier's grants and owns nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Client, createClient } from '#client/index.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { applyGrants, grantStatements, type Tier } from '#server/store/installation/grants.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query, quoted } from '#test/support/database/postgres.ts'
import { COMPILED } from '#test/support/operations/compiled.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** A process of a tier. */
export interface TierProcess {
  readonly pid: number
  readonly process: ChildProcess
  /** The first log line with this message, past or to come. Rejects when the process ends before. */
  logged(message: string): Promise<Record<string, unknown>>
  /** Its whole log so far. */
  lines(): readonly Record<string, unknown>[]
  /** Its whole standard error. */
  stderr(): string
  /** Ends it by a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<void>
}

/** The options of a process. */
export interface TierOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Node flags. */
  readonly flags?: readonly string[]
}

/** Database, keyrings and roles of an installation whose processes a test starts and stops. */
export interface Tiers {
  readonly dir: string
  readonly db: Db
  /** The URL for the owner of the tables. */
  readonly databaseUrl: string
  /** The URL for each tier's role. */
  readonly roleUrl: Readonly<Record<Tier, string>>
  readonly role: Readonly<Record<Tier, string>>
  readonly organization: { readonly id: string; readonly testKey: string }
  keyring(): Promise<WorkerKeyring>
  start(tier: Tier, options?: TierOptions): Promise<TierProcess>
  /** A client of a started web process. */
  client(web: TierProcess, options?: { key?: string; seal?: boolean }): Promise<Client>
  urlOf(web: TierProcess): Promise<string>
  stop(): Promise<void>
}

/**
 * Creates an installation without a running process. The caller stops it, which ends every process. By default its
 * database is cloned from the template; a migrated one may be given, whose server is removed with its roles.
 */
export async function makeTiers(given?: FreshDatabase): Promise<Tiers> {
  const cleanup = new AsyncDisposableStack()
  const database = given ?? (await freshDatabase())
  cleanup.defer(() => database.drop())
  const { role, roleUrl } = await makeRoles(database.url, given === undefined ? cleanup : null)
  const db = openDb({ url: database.url, size: 2, onError: () => undefined })
  cleanup.defer(() => db.destroy())
  await applyGrants(db, grantStatements(role))
  const dir = await mkdtemp(join(tmpdir(), 'mooring-tiers-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await initKeyrings(dir, newKeyId)
  const keyring = () => readWorkerKeyring(join(dir, 'worker.json'))
  const deps = { db, keyring: await keyring(), now: new Date() }
  const id = await createOrganization(deps, 'First')
  const testKey = await createKeyAsOperator(deps, { organizationId: id, mode: 'test', name: null })
  const urlOf = async (web: TierProcess) => `http://127.0.0.1:${String((await web.logged('web is listening'))['port'])}`
  return {
    dir,
    db,
    databaseUrl: database.url,
    roleUrl,
    role,
    organization: { id, testKey },
    keyring,
    async start(tier, options = {}) {
      const started = startProcess(tier, { ...options, url: roleUrl[tier], keyring: join(dir, `${tier}.json`) })
      cleanup.defer(() => started.end())
      await started.logged(tier === 'web' ? 'web is listening' : 'worker is running')
      return started
    },
    urlOf,
    client: async (web, { key = testKey, seal = true } = {}) =>
      createClient({ url: await urlOf(web), key, seal, retries: 0 }),
    stop: () => cleanup.disposeAsync(),
  }
}

async function makeRoles(url: string, cleanup: AsyncDisposableStack | null) {
  const tag = randomUUID().slice(0, 8)
  const role = { web: `web_${tag}`, worker: `worker_${tag}` }
  const roleUrl = { web: await makeRole(url, role.web), worker: await makeRole(url, role.worker) }
  cleanup?.defer(async () => {
    await query(url, `drop owned by ${quoted(role.web)}, ${quoted(role.worker)}`)
    await query(url, `drop role ${quoted(role.web)}, ${quoted(role.worker)}`)
  })
  return { role, roleUrl }
}

async function makeRole(url: string, role: string): Promise<string> {
  const password = randomUUID()
  await query(url, `create role ${quoted(role)} login password '${password}'`)
  const own = new URL(url)
  own.username = role
  own.password = password
  return own.href
}

function spawnTier(tier: Tier, { flags, url, keyring, env }: TierOptions & { url: string; keyring: string }) {
  return spawn(process.execPath, [...(flags ?? []), `server/${tier}.ts`], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      ...COMPILED,
      DATABASE_URL: url,
      MOORING_KEYRING: keyring,
      PORT: '0',
      HOST: '127.0.0.1',
      MOORING_DRAIN_SECONDS: '0',
      // Several of them run at once on this machine.
      MOORING_HEALTH_PORT: 'off',
      MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
      MOORING_RATE_PER_KEY: '1000000',
      MOORING_RATE_PER_ORGANIZATION: '1000000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function startProcess(tier: Tier, tierOptions: TierOptions & { url: string; keyring: string }): TierProcess {
  const child = spawnTier(tier, tierOptions)
  const ended = once(child, 'close')
  let stderr = ''
  child.stderr.on('data', chunk => {
    stderr += String(chunk)
  })
  const lines: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(JSON.parse(line))
    for (const look of waiting) look()
  })
  return {
    pid: child.pid ?? 0,
    process: child,
    lines: () => lines,
    stderr: () => stderr,
    logged(message) {
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>()
      const look = () => {
        const found = lines.find(line => line['msg'] === message)
        if (found !== undefined) resolve(found)
      }
      waiting.add(look)
      void ended.then(() => reject(new Error(`${tier} ended: ${stderr}`)))
      look()
      return promise.finally(() => waiting.delete(look))
    },
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await ended
    },
  }
}
