/**
 * The local mode: without `DATABASE_URL`, an embedded PostgreSQL in the data folder, keyrings created at the first
 * start, an organization with two keys, and a sample database to register. For trying Mooring and for small installs.
 */
import { access, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '#server/config.ts'
import type { Log } from '#server/log.ts'
import { createKeyAsOperator, revokeKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization, type OperatorDeps as Operator } from '#server/operator/organizations.ts'
import { workerKeyring } from '#server/process/keyring-source.ts'
import { canBeRead, show } from '#server/process/standard-output.ts'
import { initKeyrings } from '#server/seal/keyring-file.ts'
import { createDatabase } from '#server/standalone/embedded/database.ts'
import { type Embedded, type EmbeddedOptions, startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { inDatabaseOf, inFolder, makeFolder } from '#server/standalone/embedded/folder.ts'
import { Guard, type GuardEvents } from '#server/standalone/embedded/guard.ts'
import { occupy } from '#server/standalone/embedded/lock.ts'
import { Unusable } from '#server/standalone/embedded/unusable.ts'
import { codeOf } from '#server/store/connection/availability.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { makeConsoleCode } from './console-sign-in.ts'
import { ensureDemoDatabase } from './demo-database.ts'
import { type KeyMaker, makeFirstKeys, noteFirstStart, noteShown, unshownKeys } from './first-start.ts'
import { firstGreeting, laterGreeting, shortest } from './greeting.ts'

/** A local PostgreSQL with Mooring's database in it. */
export interface LocalDatabase {
  readonly embedded: Embedded
  readonly url: string
}

/** Deviations from the embedded server's usual setup. */
export interface LocalServer extends Omit<EmbeddedOptions, 'dir' | 'within'> {
  /** True if its database is a copy of one that this release has migrated: reading all migrations again takes time. */
  readonly isMigrated?: boolean
}

/** Disables processes that one installation does not need: three read files ahead, one starts subscriptions. */
const LIGHT = { io_method: 'sync', max_logical_replication_workers: '0' }

/** Starts, or joins, the embedded server of the data folder, and creates Mooring's database in it. */
export async function startLocalDatabase(config: Config, server: LocalServer = {}): Promise<LocalDatabase> {
  return inFolder(config.localDir, async () => {
    await makeFolder(config.localDir)
    await refuseForeign(config.localDir)
    const { localDir } = config
    const settings = { ...LIGHT, ...server.settings }
    const embedded = await startEmbedded({ ...server, settings, dir: join(localDir, 'postgres'), within: localDir })
    try {
      return { embedded, url: await createDatabase(embedded.url, 'mooring') }
    } catch (error) {
      await embedded.stop()
      throw error
    }
  })
}

/**
 * Takes the data folder for the one process that serves from it; commands only join its database. Returns a function
 * that releases it. Throws a sentence if another process serves from it.
 */
export async function occupyFolder({ localDir }: Config): Promise<() => Promise<void>> {
  return inFolder(localDir, async () => {
    await makeFolder(localDir)
    const taken = await occupy(join(localDir, 'running'))
    if ('free' in taken) return taken.free
    throw new Unusable(
      `another npm start (process ${taken.pid}) runs in it`,
      'stop that one, or set MOORING_DATA_DIR to another folder',
    )
  })
}

/** Refuses someone else's database folder: its server may take our folders for its own. */
async function refuseForeign(dir: string): Promise<void> {
  if (!(await isThere(join(dir, 'PG_VERSION')))) return
  throw new Unusable('it is the data folder of another PostgreSQL', 'set MOORING_DATA_DIR to another folder')
}

/**
 * Creates the keyrings of a new installation. One that has an organization gets none: only the old ones open what is
 * sealed, and their reader asks for the backup. An incomplete pair, from a start that was killed between its two files,
 * has sealed nothing: it is replaced.
 */
export function ensureKeyrings(config: Config, url: string): Promise<void> {
  return inFolder(config.localDir, () => makeMissingKeyrings(config, url))
}

async function makeMissingKeyrings(config: Config, url: string): Promise<void> {
  const files = ['web.json', 'worker.json'].map(name => join(config.keyring, name))
  const there = await Promise.all(files.map(isThere))
  if (!there.includes(false) || (await organizationOf(url)) !== undefined) return
  // Single files of a pair, and drafts of them, which contain keys.
  const left = await readdir(config.keyring).catch(() => [])
  for (const name of left.filter(name => /^(web|worker)\.json/.test(name))) await rm(join(config.keyring, name))
  await initKeyrings(config.keyring, newKeyId)
}

async function organizationOf(url: string): Promise<string | undefined> {
  const db = openDb({ url, size: 1, onError: () => undefined })
  try {
    return (await organizations.first(db))?.id
  } catch (error) {
    // Before the first migration this table does not exist.
    if (codeOf(error) === '42P01') return undefined
    throw error
  } finally {
    await db.destroy()
  }
}

/** The outcome of the preparation: the organization, and the keys that earlier starts did not show, or null. */
export interface Prepared {
  readonly organizationId: string
  readonly unshown: readonly string[] | null
}

/** Migrates, and creates what is missing: keyrings, and the organization of a first start. */
export async function prepareLocal(config: Config, url: string, isMigrated = false): Promise<Prepared> {
  return inFolder(config.localDir, async () => {
    if (!isMigrated) await migrate(url)
    await ensureKeyrings(config, url)
    const there = await organizationOf(url)
    const organizationId = there ?? (await makeOrganization(config, url))
    return { organizationId, unshown: await unshownKeys(config.localDir) }
  })
}

async function makeOrganization(config: Config, url: string): Promise<string> {
  const db = openDb({ url, size: 1, onError: () => undefined })
  try {
    const keyring = await workerKeyring(config, true)
    // Before the organization exists: from then on, a start that ends early leaves its keys to the next one.
    await noteFirstStart(config.localDir)
    return await createOrganization({ db, keyring, now: new Date() }, 'Local')
  } finally {
    await db.destroy()
  }
}

/** The running local mode: its database, and the input for the rest of the start. */
export interface Local {
  readonly database: LocalDatabase
  readonly prepared: Prepared
}

/** The dependencies of local mode. */
interface LocalDeps {
  readonly config: Config
  readonly log: Log
  readonly server?: LocalServer | undefined
  /** Prints the current step for the person who waits for the start. */
  readonly say: (line: string) => Promise<unknown>
}

/** Starts the database of the data folder, guards it until the stack is disposed, and creates what is missing. */
export async function startLocal(
  { config, log, server, say }: LocalDeps,
  cleanup: AsyncDisposableStack,
): Promise<Local> {
  cleanup.defer(await occupyFolder(config))
  const isFirst = !(await isThere(join(config.localDir, 'postgres', 'cluster')))
  await say(
    isFirst
      ? `Creating a PostgreSQL in ${shortest(config.localDir)}: a few seconds, only this time …`
      : `Starting the PostgreSQL in ${shortest(config.localDir)} …`,
  )
  const database = await startLocalDatabase(config, server)
  cleanup.defer(() => database.embedded.stop())
  cleanup.use(new Guard(database.embedded, guardLog(log)))
  if (isFirst) await say('Creating tables, keyrings and an organization …')
  const prepared = await prepareLocal(config, database.url, server?.isMigrated)
  await say('Starting web and worker …')
  return { database, prepared }
}

/** Runs work after the database has started. In local mode, the data folder is the cause of the database's failures. */
export function onLocalDatabase<T>({ databaseUrl, localDir }: Config, work: () => Promise<T>): Promise<T> {
  return databaseUrl === null ? inDatabaseOf(localDir, work) : work()
}

/** The lines of the server's log that explain why it ended. */
function reasonIn(lastWords: string): string {
  // Never a statement: it may contain a password.
  const lines = lastWords.split('\n').filter(line => / (LOG|FATAL|PANIC): /.test(line))
  // Clients that connect in the meantime are rejected, with one line each.
  const own = lines.filter(line => !/the database system is (shutting|starting)/.test(line))
  const reasons = own.filter(line => /FATAL|PANIC|shutdown|shut down|terminated|aborting/.test(line))
  return reasons.length === 0 ? 'nothing: it was killed' : reasons.slice(-5).join('\n')
}

function guardLog(log: Log): GuardEvents {
  const stage = 'database'
  return {
    ended: ({ pid, delayMs, lastWords }) =>
      log.error(
        { stage, pid, delayMs, reason: reasonIn(lastWords) },
        'the embedded PostgreSQL has ended; restarting it',
      ),
    failed: ({ cause, delayMs }) =>
      log.error({ stage, delayMs, cause }, 'the embedded PostgreSQL does not start; retrying'),
    runs: ({ pid }) => log.info({ stage, pid }, 'the embedded PostgreSQL runs again'),
  }
}

/**
 * Prints Mooring's address, how to register the sample and, at a first start, its keys. Called when everything is
 * running: keys are created to be shown, and count as shown when somebody can have read them.
 */
export async function greet(
  entryDeps: { readonly config: Config; readonly db: Db; readonly log: Log },
  at: Local & { readonly port: number },
): Promise<void> {
  const { config, db, log } = entryDeps
  const { organizationId, unshown } = at.prepared
  await inFolder(config.localDir, async () => {
    const demoDatabase = await ensureDemoDatabase(at.database.embedded, config.localDir)
    // Without a terminal, the code would end up in a log.
    const consoleCode = process.stdout.isTTY ? await makeConsoleCode(config.localDir, new Date()) : null
    const place = { config, port: at.port, demoDatabase: demoDatabase.connectionString, consoleCode }
    const isRead = await canBeRead()
    if (unshown === null || !isRead) {
      await show(laterGreeting(place, unshown !== null))
      return
    }
    const maker = keyMaker({ db, keyring: await workerKeyring(config, true), now: new Date() }, organizationId)
    const keys = await makeFirstKeys(maker, { dir: config.localDir, unshown, db, organizationId })
    if (await show(firstGreeting(place, keys))) return noteShown(config.localDir)
    log.warn('nobody could read the first keys: the next start shows new ones')
  })
}

function keyMaker(operator: Operator, organizationId: string): KeyMaker {
  return {
    create: (mode, begins) => createKeyAsOperator(operator, { organizationId, mode, name: 'first start', begins }),
    revoke: id => revokeKeyAsOperator(operator, { organizationId, id, children: 'revoke', force: true }),
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
