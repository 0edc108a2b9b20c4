/**
 * The common part of the entries: a stop signal leads to an orderly shutdown, and a failed start to one readable
 * sentence.
 */

import { writeFile } from 'node:fs/promises'
import { type Config, environment, readConfig } from '#server/config.ts'
import { createLog, type Log } from '#server/log.ts'
import { createMeter, type ReadableMeter } from '#server/metrics/create-meter.ts'
import { unknownSettings } from '#server/settings/known-settings.ts'
import { NoConnection } from '#server/store/connection/availability.ts'
import { aboutDatabase, databaseTrouble } from '#server/store/connection/database-trouble.ts'
import { handedOut } from '#server/store/connection/session-check.ts'
import { openDb } from '#server/store/database/db.ts'
import { Notifications } from '#server/store/database/notifications.ts'
import { pendingMigrations } from '#server/store/installation/migrate.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { errorMessage, firstError } from '#shared/base/error-text.ts'
import { printableLines } from '#shared/base/printable.ts'
import type { QuarantinePlace } from './quarantine-order.ts'
import { outliveOutput } from './standard-output.ts'
import { startWatchdog } from './watchdog.ts'

/** How long requests and tasks in progress may take to finish after a signal. */
export const GRACE_MS = 20_000
/** How long after that the process is killed, whatever it is doing. */
const AFTER_GRACE_MS = 5_000
/** A main thread that is blocked this long receives no signals either: a process told to stop has ended by then. */
const STALL_MS = GRACE_MS

/** For a tier that serves callers: on two cores, this many server processes run its reads as fast as any number. */
export const READ_LANES = 2

/** Starts an entry, which puts everything that it starts on the cleanup stack. */
export type StartEntry = (config: Config, log: Log, cleanup: AsyncDisposableStack) => Promise<void>

/**
 * Runs an entry, which puts everything that it starts on the stack: a signal, or a start that fails half-way, disposes
 * of it in reverse order. An error that prevents the start is printed as one sentence; the exit status is then 1.
 */
export function run(start: StartEntry): Promise<void> {
  return runDraining(() => 0, start)
}

/** The environment of an entry, and the file descriptor of its log. */
export interface EntrySurroundings {
  readonly env: NodeJS.ProcessEnv
  readonly logTo: 1 | 2
}

/** As `run`, for an entry that keeps serving for some milliseconds after the signal, before its grace period begins. */
export async function runDraining(
  drainMs: (config: Config) => number,
  start: StartEntry,
  surroundings: EntrySurroundings = { env: environment(), logTo: 1 },
): Promise<void> {
  outliveOutput()
  // Registered first: a signal that arrives during startup ends the process once it has started.
  const signal = stopSignal()
  const watchdog = startWatchdog(STALL_MS)
  let drains = 0
  let isOwn = true
  void signal.then(() => watchdog.endWithin(drains + GRACE_MS + AFTER_GRACE_MS))
  try {
    await using cleanup = new AsyncDisposableStack()
    const config = readConfig(surroundings.env)
    drains = drainMs(config)
    isOwn = config.databaseUrl === null
    const log = createLog({ level: config.logLevel, fd: surroundings.logTo })
    warnOfUnknownSettings(log, surroundings.env)
    endOnUncaught(log)
    await keepMemoryIn(log)
    await start(config, log, cleanup)
    const started = cleanup.move()
    void signal.then(name => stop(log, { name, started }))
    releaseStart()
  } catch (thrown) {
    const error = firstError(thrown)
    const trouble = isOwn ? null : databaseTrouble('DATABASE_URL', error)
    process.stderr.write(`${printableLines(sentenceOf(trouble ?? error))}\n`)
    process.exitCode = 1
    // After a partial start, a pool or a listener would keep the process alive.
    process.exit()
  }
}

/**
 * Returns the memory of the start to the system, which a quiet process would keep: V8 shrinks its room for young objects
 * only for a collection of last resort. Without `--expose-gc` it does nothing.
 */
function releaseStart(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** A mistyped setting has no effect, which would otherwise go unnoticed. */
function warnOfUnknownSettings(log: Log, env: NodeJS.ProcessEnv): void {
  for (const { name, nearest } of unknownSettings(env))
    log.warn(
      { stage: 'start', reason: 'unknown_setting', setting: name, nearest },
      'a setting is unknown and has no effect',
    )
}

/**
 * Keeps memory, which contains keys and credentials, inside the process. A crash dumps no mapping (core(5)), here and
 * in every child; the debugger that SIGUSR1 opens can only be disabled from outside.
 */
async function keepMemoryIn(log: Log): Promise<void> {
  if (!process.execArgv.includes('--disable-sigusr1'))
    log.warn('SIGUSR1 opens a debugger on this process: start it by its npm script, or node --disable-sigusr1')
  // Only Linux has it; elsewhere only the limit in the npm script applies.
  if (process.platform === 'linux')
    await writeFile('/proc/self/coredump_filter', '0').catch((cause: unknown) =>
      log.warn({ stage: 'start', cause }, 'a crash of this process may leave its memory in a core file'),
    )
}

/** Resolves with the first stop signal. Later ones are ignored. */
function stopSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  process.on('SIGTERM', resolve)
  process.on('SIGINT', resolve)
  return promise
}

async function stop(log: Log, { name, started }: { name: string; started: AsyncDisposableStack }): Promise<void> {
  log.info({ signal: name }, 'stopping')
  try {
    await started.disposeAsync()
    log.info('stopped')
    process.exit(0)
  } catch (cause) {
    log.error({ stage: 'stop', cause }, 'did not stop cleanly')
    process.exit(1)
  }
}

/**
 * A refused connection to a name with several addresses is an error without a message; a store error's cause has one.
 */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return errorMessage(error)
  if (error.message === '') return `The database cannot be reached (${errorMessage(error)}).`
  return error instanceof NoConnection ? `${error.message} (${errorMessage(error.cause)})` : error.message
}

/**
 * An uncaught error ends the process, because its work is incomplete. The log says why, without a secret; Node itself
 * would print the raw error.
 */
export function endOnUncaught(log: Log): void {
  process.on('uncaughtException', (cause, origin) => {
    log.fatal({ stage: 'process', origin, cause }, 'an error that nobody caught ends this process')
    process.exit(1)
  })
}

/** The settings with which an entry opens our own database. */
interface StoreSource {
  readonly config: Config
  readonly url: string
  readonly log: Log
  /** True for the tables' owner, whose role has no deadlines of its own. */
  readonly setsDeadlines: boolean
  /** How long a statement waits for a connection; by default as long as for a caller. */
  readonly connectMs?: number
  /** The number of extra connections for callers' reads; none by default. */
  readonly lanes?: number
}

/** The open connections to our own database, and their metrics. */
export interface OpenStore {
  readonly db: Db
  readonly notifications: Notifications
  readonly meter: ReadableMeter
}

/**
 * Opens the pool and the notifications of our own database; the stack closes them. Rejects a pooler that does not keep
 * sessions, unless notifications bypass it, and always one that does not support transactions.
 */
export async function openStore(
  cleanup: AsyncDisposableStack,
  { config, url, log, setsDeadlines, connectMs, lanes = 0 }: StoreSource,
): Promise<OpenStore> {
  const direct = await directUrl(config, url)
  const isPooled = config.listenUrl !== null
  if (isPooled && (await aboutDatabase('DATABASE_URL', () => handedOut(url))) === 'statement')
    throw new Error(STATEMENTS)
  const meter = createMeter()
  const onError = (cause: Error) => {
    meter.count('mooring_connections_lost_total', {})
    log.error({ stage: 'database', cause }, 'database connection lost')
  }
  const db = openDb({
    url,
    size: config.poolSize,
    lanes,
    keepsSessions: !isPooled,
    setsDeadlines,
    meter,
    ...(connectMs === undefined ? {} : { connectMs }),
    onError,
  })
  cleanup.defer(() => db.destroy())
  const notifications = new Notifications({ url: direct, onError })
  cleanup.defer(() => notifications.close())
  await aboutDirect(config, () => notifications.open())
  return { db, notifications, meter }
}

/**
 * The URL of our own database with real sessions: `MOORING_LISTEN_URL`, or else `DATABASE_URL`. Notifications,
 * migrations and operators' commands use it. Throws a sentence if it leads to a pooler that shares sessions.
 */
export async function directUrl(config: Config, url: string): Promise<string> {
  const { listenUrl } = config
  if ((await aboutDirect(config, () => handedOut(listenUrl ?? url))) === 'session') return listenUrl ?? url
  throw new Error(listenUrl === null ? HANDED_ON : LISTEN_HANDED_ON)
}

/** Names the setting in errors. An embedded server's errors concern the data folder. */
function aboutDirect<T>({ databaseUrl, listenUrl }: Config, work: () => Promise<T>): Promise<T> {
  if (databaseUrl === null) return work()
  return aboutDatabase(listenUrl === null ? 'DATABASE_URL' : 'MOORING_LISTEN_URL', work)
}

const HANDED_ON =
  'DATABASE_URL leads to a pooler that does not keep sessions. Use its session mode, or set MOORING_LISTEN_URL to the server itself.'
const LISTEN_HANDED_ON = 'MOORING_LISTEN_URL must lead to the server itself, or to a pooler in session mode.'
const STATEMENTS =
  'DATABASE_URL leads to a pooler in statement mode, which does not support transactions. Use its transaction mode or session mode.'

/** The dependencies that a tier gets from its entry. */
export interface EntryDeps extends OpenStore {
  readonly config: Config
  readonly log: Log
  readonly clock: () => Date
  /** How a single-task process finds the database and the keyring; without it, no task runs alone. */
  readonly alone?: QuarantinePlace
}

/** Throws while migrations are pending: `web` and `worker` own nothing that they could migrate. */
export async function requireMigrated(db: Db): Promise<void> {
  const pending = await pendingMigrations(db)
  if (pending.length > 0)
    throw new Error(`DATABASE_URL: the database lacks ${pending.length} migrations. Run: npm run -s mooring -- migrate`)
}
