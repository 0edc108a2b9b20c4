/**
 * A throw-away installation, for tests: `--json` of the entry `main.ts`, which `mooring/testing` starts and so can any
 * other language. It has a temporary folder, free ports and an embedded PostgreSQL from a template, prints its address
 * as one line of JSON, and leaves nothing behind. It must never use a database or a folder that the environment names.
 */
import { copyFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, cacheFolders } from '#server/config.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization, type OperatorDeps as Operator } from '#server/operator/organizations.ts'
import { workerKeyring } from '#server/process/keyring-source.ts'
import type { EntrySurroundings } from '#server/process/process.ts'
import { demoDatabaseUrl, ensureDemoDatabase } from '#server/standalone/demo-database.ts'
import { locateBinaries } from '#server/standalone/embedded/binaries.ts'
import { createDatabase } from '#server/standalone/embedded/database.ts'
import { startEmbedded } from '#server/standalone/embedded/embedded.ts'
import type { Local, LocalServer } from '#server/standalone/standalone.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { VERSION } from '#shared/base/version.ts'
import { cleanupFolders, makeThrowawayFolder, newFolder, SERVERS } from './folder.ts'
import { Starter } from './starter.ts'
import { startStrangeServers } from './strange-servers.ts'
import { copyFolder, ensureTemplate } from './template.ts'
import { TEST_ADDRESSES, testDatabases } from './test-databases.ts'
import { dropUnused, makeTestRoles, TEST_HBA, TEST_ROLES } from './test-roles.ts'

/** The embedded server: losing a test's data in a power cut costs nothing, and it ends with its process. */
const SERVER: LocalServer = {
  tethered: true,
  hba: TEST_HBA,
  settings: {
    listen_addresses: TEST_ADDRESSES,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '32MB',
    max_wal_size: '64MB',
    min_wal_size: '2MB',
  },
  walSegmentMb: 1,
}

/** Environment settings that would lead to an existing installation. */
const OF_ANOTHER =
  /^(PORT|HOST|DATABASE_URL|MOORING_(DATA_DIR|LISTEN_URL|KEYRING|KEYRING_COMMAND|HEALTH_PORT|PUBLIC_URL))$/
/** Tests call faster than people, and fail on purpose. */
const WIDE = {
  MOORING_RATE_PER_KEY: '1000000',
  MOORING_RATE_PER_ORGANIZATION: '1000000',
  MOORING_RATE_FAILED_LOGINS: '1000000',
  MOORING_LOG_LEVEL: 'warn',
}
const CLUSTER = join(SERVERS.own, 'cluster')
const PASSWORD = 'sample-password'

/** An organization with a key for each mode. Keys are secret. */
interface Keys {
  readonly organizationId: string
  readonly testKey: string
  readonly liveKey: string
}

/** One throw-away installation. */
export class Throwaway {
  /** The setup of its process. Its log goes to standard error: standard output is only for JSON. */
  readonly surroundings: EntrySurroundings
  readonly server: LocalServer = { ...SERVER, isMigrated: true }
  readonly #env: NodeJS.ProcessEnv
  readonly #starter = new Starter()
  #template = ''

  private constructor(env: NodeJS.ProcessEnv, folder: string) {
    this.#env = env
    const kept = Object.entries(env).filter(([name]) => !OF_ANOTHER.test(name))
    const own = { PORT: '0', MOORING_DATA_DIR: folder }
    this.surroundings = { env: { ...WIDE, ...Object.fromEntries(kept), ...own }, logTo: 2 }
  }

  /** Creates one for this process, with the settings of an environment. Nothing is created on disk yet. */
  static async of(env: NodeJS.ProcessEnv): Promise<Throwaway> {
    return new Throwaway(env, await newFolder(env['TMPDIR'] !== undefined))
  }

  /** Creates its folder, with a copy of the template in it. */
  async prepare({ localDir }: Config, cleanup: AsyncDisposableStack): Promise<void> {
    await cleanupFolders()
    await makeThrowawayFolder(localDir, cleanup)
    this.#template = await ensureTemplate({
      folders: cacheFolders(this.#env, tmpdir()),
      texts: [VERSION, TEST_ROLES, JSON.stringify(SERVER), process.platform, process.arch, await versionOfPostgres()],
      files: await sourcesOfTemplate(),
      make: () => makeTemplate(localDir),
    })
    copyFolder(join(this.#template, CLUSTER), join(localDir, CLUSTER))
    await copyFile(join(this.#template, PASSWORD), join(localDir, PASSWORD))
  }

  /**
   * Prints its address when everything is running; then creates organizations on request, with one line of JSON each.
   */
  async announce(
    { config, db }: { readonly config: Config; readonly db: Db },
    at: Local & { readonly port: number },
    cleanup: AsyncDisposableStack,
  ): Promise<void> {
    const operator = { db, keyring: await workerKeyring(config, true) }
    const { embedded } = at.database
    const demoDatabase = await demoDatabaseUrl(embedded, config.localDir)
    const startStandby = () => this.#startStandby(config.localDir)
    const ports = await startStrangeServers({ postgres: embedded.port, startStandby }, cleanup)
    const keys = await makeKeys({ ...operator, now: new Date() }, at.prepared.organizationId)
    const url = `http://127.0.0.1:${at.port}`
    await this.#starter.say({ url, ...keys, sample: demoDatabase, databases: testDatabases(demoDatabase, ports) })
    this.#starter.answerBy(async ({ newOrganization }) => {
      const now = { ...operator, now: new Date() }
      return makeKeys(now, await createOrganization(now, newOrganization))
    })
  }

  /**
   * Runs the template's cluster as a standby: without a primary to follow it waits for one, and can be read meanwhile.
   */
  async #startStandby(localDir: string) {
    const dir = join(localDir, SERVERS.standby)
    copyFolder(join(this.#template, CLUSTER), join(dir, 'cluster'))
    await writeFile(join(dir, 'cluster/data/standby.signal'), '', { mode: 0o600 })
    return startEmbedded({ ...SERVER, dir, within: localDir })
  }
}

async function versionOfPostgres(): Promise<string> {
  return (await locateBinaries()).version
}

/** The sources of a template: the schema of this release, and the sample database. */
async function sourcesOfTemplate(): Promise<URL[]> {
  const migrations = new URL('../../../migrations/', import.meta.url)
  const names = (await readdir(migrations)).filter(name => name.endsWith('.sql')).sort()
  return [...names.map(name => new URL(name, migrations)), new URL('../demo-database.sql', import.meta.url)]
}

/**
 * Creates a template without keyrings, organizations and keys, since each installation has its own. In the temporary
 * folder, because the account that PostgreSQL runs as may not reach a cache below a home.
 */
async function makeTemplate(localDir: string): Promise<string> {
  const made = join(localDir, 'template')
  const dir = join(localDir, SERVERS.template)
  const server = await startEmbedded({ ...SERVER, dir, within: localDir })
  try {
    await migrate(await createDatabase(server.url, 'mooring'))
    const { connectionString } = await ensureDemoDatabase(server, made)
    await makeTestRoles(server.url, connectionString)
    await dropUnused(server.url)
  } finally {
    await server.stop()
  }
  // Belongs to this server only: nobody copies these.
  for (const name of ['holders', 'lib', 'programs']) await rm(join(dir, name), { recursive: true, force: true })
  return made
}

async function makeKeys(operator: Operator, organizationId: string): Promise<Keys> {
  const key = (mode: 'test' | 'live') => createKeyAsOperator(operator, { organizationId, mode, name: 'tests' })
  return { organizationId, testKey: await key('test'), liveKey: await key('live') }
}
