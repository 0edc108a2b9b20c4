/**
 * A whole Mooring for a test file: web tier and worker in this process, on a database cloned from the template, with
 * its own keyrings, served on a free port. Its logs are kept, so that tests can search them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type Client, createClient } from '#client/index.ts'
import { type Config, readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import type { ReadableMeter } from '#server/metrics/create-meter.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { ownPlaces } from '#server/process/own-places.ts'
import { openStore, READ_LANES } from '#server/process/process.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { initKeyrings, readWebKeyring, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { localConsole } from '#server/standalone/console-sign-in.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { startWeb } from '#server/wiring-web.ts'
import { startWorker } from '#server/wiring-worker.ts'
import { freshDatabase } from '#test/support/database/database.ts'

/** A test's own organization, with a key for each mode. */
export interface TestOrganization {
  readonly id: string
  readonly testKey: string
  readonly liveKey: string
}

/** A running Mooring. */
export interface Mooring {
  readonly url: string
  readonly databaseUrl: string
  readonly config: Config
  readonly db: Db
  /** The metrics of both tiers. */
  readonly meter: ReadableMeter
  readonly keyring: WorkerKeyring
  readonly organization: TestOrganization
  /** Every log line so far, as written. */
  readonly logLines: readonly string[]
  newOrganization(name: string): Promise<TestOrganization>
  /** Makes both tiers read their keyrings again, as SIGHUP does. */
  reloadKeyrings(): Promise<void>
  client(key?: string): Client
  /**
   * Sends a request to a path, with the test key unless a key (or null) is given. `body` is sent as JSON unless it is a
   * string.
   */
  call(
    method: string,
    path: string,
    options?: CallOptions,
  ): Promise<{ status: number; headers: Headers; body: Body; text: string }>
  stop(): Promise<void>
}

/** A parsed answer; a test asserts the shape, so that it needs none beforehand. */
type Body = ReturnType<typeof JSON.parse>

interface CallOptions {
  key?: string | null
  body?: unknown
  headers?: Record<string, string>
}

/** The options. Loopback is open unless `env` says otherwise; without a worker nothing is verified. */
export interface MooringOptions {
  readonly env?: Record<string, string>
  readonly worker?: boolean
  readonly clock?: () => Date
  /** A migrated database of the test's own; by default one is cloned and dropped again. */
  readonly databaseUrl?: string
  /** The folder of another Mooring's keyrings, which outlives this one. */
  readonly keyrings?: string
  /** False for a test that acts in the middle of a first try, which would be cut off on a busy machine. */
  readonly cutsFirstTries?: boolean
  /** The console's sign-in of a local installation, over a data folder, for the first organization. */
  readonly consoleFolder?: string
}

/** Starts a Mooring. The caller stops it. */
export async function startMooring(options: MooringOptions = {}): Promise<Mooring> {
  const cleanup = new AsyncDisposableStack()
  const database = await databaseOf(options)
  cleanup.defer(() => database.drop())
  const dir = options.keyrings ?? (await ownKeyrings(cleanup))
  const config = configOf({ DATABASE_URL: database.url, MOORING_KEYRING: dir, ...options.env })
  const logLines: string[] = []
  const log = createLog({ level: 'trace', destination: keeping(logLines) })
  const clock = options.clock ?? (() => new Date())
  const store = await openStore(cleanup, { config, url: database.url, log, setsDeadlines: true, lanes: READ_LANES })
  const places = ownPlaces(config, { url: database.url, isShared: false })
  const deps = { config, ...store, log, clock, ownPlaces: places, cutsFirstTries: options.cutsFirstTries ?? true }
  const keyring = await readWorkerKeyring(join(dir, 'worker.json'))
  const worker = options.worker === false ? null : await startWorker(deps, keyring)
  cleanup.defer(async () => worker?.stop(5_000))
  const newOrganization = (name: string) => organizationOf({ db: store.db, keyring, now: clock() }, name)
  const organization = await newOrganization('First')
  const tier = { ...deps, ...consoleOf(options, { organizationId: organization.id, clock }) }
  const web = await startWeb(tier, await readWebKeyring(join(dir, 'web.json')))
  cleanup.defer(() => web.stop({ drainMs: 0, graceMs: 5_000 }))
  const url = `http://127.0.0.1:${web.port}`
  return {
    url,
    databaseUrl: database.url,
    config,
    db: store.db,
    meter: store.meter,
    keyring,
    organization,
    logLines,
    newOrganization,
    async reloadKeyrings() {
      worker?.reload(await readWorkerKeyring(join(dir, 'worker.json')))
      web.reload(await readWebKeyring(join(dir, 'web.json')))
    },
    client: (key = organization.testKey) => createClient({ url, key, seal: false, retries: 0 }),
    call: (method, path, options) => call(url, { method, path, key: organization.testKey, ...options }),
    stop: () => cleanup.disposeAsync(),
  }
}

function consoleOf({ consoleFolder: dir }: MooringOptions, options: { organizationId: string; clock: () => Date }) {
  return dir === undefined ? {} : { local: localConsole({ dir, ...options }) }
}

async function databaseOf({ databaseUrl: own }: MooringOptions) {
  return own === undefined ? freshDatabase() : { url: own, drop: async () => undefined }
}

async function ownKeyrings(cleanup: AsyncDisposableStack): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mooring-test-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await initKeyrings(dir, newKeyId)
  return dir
}

function configOf(env: Record<string, string>): Config {
  const defaults = {
    PORT: '0',
    HOST: '127.0.0.1',
    MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
    // Every test of this process has one address, and many requests are refused on purpose.
    MOORING_RATE_FAILED_LOGINS: '1000000',
    MOORING_RATE_PER_KEY: '1000000',
    MOORING_RATE_PER_ORGANIZATION: '1000000',
  }
  return readConfig({ ...defaults, ...env })
}

function keeping(lines: string[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
}

async function organizationOf(
  operator: Parameters<typeof createKeyAsOperator>[0],
  name: string,
): Promise<TestOrganization> {
  const id = await createOrganization(operator, name)
  const testKey = await createKeyAsOperator(operator, { organizationId: id, mode: 'test', name: null })
  const liveKey = await createKeyAsOperator(operator, { organizationId: id, mode: 'live', name: null })
  return { id, testKey, liveKey }
}

async function call(url: string, callOptions: CallOptions & { method: string; path: string }) {
  const headers = new Headers(
    callOptions.key === null || callOptions.key === undefined ? {} : { authorization: `Bearer ${callOptions.key}` },
  )
  if (callOptions.body !== undefined) headers.set('content-type', 'application/json')
  for (const [name, value] of Object.entries(callOptions.headers ?? {})) headers.set(name, value)
  const body =
    callOptions.body === undefined
      ? {}
      : { body: typeof callOptions.body === 'string' ? callOptions.body : JSON.stringify(callOptions.body) }
  const response = await fetch(`${url}${callOptions.path}`, { method: callOptions.method, headers, ...body })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson(response) && text !== '' ? JSON.parse(text) : null,
  }
}

function isJson(response: Response): boolean {
  return (response.headers.get('content-type') ?? '').startsWith('application/json')
}
