/**
 * The common part of the entries: a signal to stop becomes an ordered end, and a failed start becomes one readable sentence.
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

/** How long requests and tasks under way may take to finish after a signal. */
export const GRACE_MS = 20_000
/** How long after that the process is killed, whatever it is doing. */
const AFTER_GRACE_MS = 5_000
/** A main thread that does nothing for so long hears no signal either: a process that is told to stop is gone by then. */
const STALL_MS = GRACE_MS

/** Of a tier that answers callers: so many processes of the server run their reads, on two cores as fast as any number. */
export const READ_LANES = 2

/** Starts an entry; what it starts it puts on the stack. */
export type StartEntry = (config: Config, log: Log, cleanup: AsyncDisposableStack) => Promise<void>

/**
 * Runs an entry, which puts what it starts on the stack: a signal, or a start that fails half-way, ends it in reverse order.
 * An error that prevents the start is printed as one sentence; the exit status is then 1.
 */
export function run(start: StartEntry): Promise<void> {
  return runDraining(() => 0, start)
}

/** The environment of an entry, and the file descriptor of its log. */
export interface EntrySurroundings {
  readonly env: NodeJS.ProcessEnv
  readonly logTo: 1 | 2
}

/** The same for an entry that goes on serving after the signal, for so many milliseconds, before its grace begins. */
export async function runDraining(
  drainMs: (config: Config) => number,
  start: StartEntry,
  surroundings: EntrySurroundings = { env: environment(), logTo: 1 },
): Promise<void> {
  outliveOutput()
  // Heard from the beginning: a signal that comes while something is being started ends it as soon as it stands.
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
  } catch (thrown) {
    const error = firstError(thrown)
    const trouble = isOwn ? null : databaseTrouble('DATABASE_URL', error)
    process.stderr.write(`${printableLines(sentenceOf(trouble ?? error))}\n`)
    process.exitCode = 1
    // A partial start (a pool, a listener) would keep the process alive.
    process.exit()
  }
}

/** A mistyped setting has no effect, which nobody would see otherwise. */
function warnOfUnknownSettings(log: Log, env: NodeJS.ProcessEnv): void {
  for (const { name, nearest } of unknownSettings(env))
    log.warn(
      { stage: 'start', reason: 'unknown_setting', setting: name, nearest },
      'a setting is unknown and has no effect',
    )
}

/**
 * Leaves no way for memory to get out: keys and credentials are in it. Of a crash no mapping is dumped (core(5)), here and in
 * every child; the debugger that SIGUSR1 opens can only be kept shut from outside.
 */
async function keepMemoryIn(log: Log): Promise<void> {
  if (!process.execArgv.includes('--disable-sigusr1'))
    log.warn('SIGUSR1 opens a debugger on this process: start it by its npm script, or node --disable-sigusr1')
  // Linux alone has it; elsewhere the limit of the npm script is what there is.
  if (process.platform === 'linux')
    await writeFile('/proc/self/coredump_filter', '0').catch((cause: unknown) =>
      log.warn({ stage: 'start', cause }, 'a crash of this process may leave its memory in a core file'),
    )
}

/** The first signal to stop. Those after it are taken and change nothing. */
function stopSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  process.on('SIGTERM', resolve)
  process.on('SIGINT', resolve)
  return promise
}

async function stop(log: Log, of: { name: string; started: AsyncDisposableStack }): Promise<void> {
  log.info({ signal: of.name }, 'stopping')
  try {
    await of.started.disposeAsync()
    log.info('stopped')
    process.exit(0)
  } catch (cause) {
    log.error({ stage: 'stop', cause }, 'did not stop cleanly')
    process.exit(1)
  }
}

/** A refused connection to a name of several addresses is an error without a message; one of the store tells its cause. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return errorMessage(error)
  if (error.message === '') return `The database cannot be reached (${errorMessage(error)}).`
  return error instanceof NoConnection ? `${error.message} (${errorMessage(error.cause)})` : error.message
}

/**
 * An uncaught error ends the process: its work is half done. The log says why, without a secret; Node itself
 * would print the error as it is.
 */
export function endOnUncaught(log: Log): void {
  process.on('uncaughtException', (cause, origin) => {
    log.fatal({ stage: 'process', origin, cause }, 'an error that nobody caught ends this process')
    process.exit(1)
  })
}

/** The parts of our own database that an entry opens. */
interface StoreSource {
  readonly config: Config
  readonly url: string
  readonly log: Log
  /** True for the owner of the tables, whose role nobody has given deadlines. */
  readonly setsDeadlines: boolean
  /** How long a statement waits for a connection; left out, as long as a caller would. */
  readonly connectMs?: number
  /** Connections beside the pool for the reads of callers; none where it is left out. */
  readonly lanes?: number
}

/** The open connections to our own database, and their metrics. */
export interface OpenStore {
  readonly db: Db
  readonly notifications: Notifications
  readonly meter: ReadableMeter
}

/**
 * Opens the pool and the notifications of our own database; the stack closes them. Refuses a pooler that does not keep sessions,
 * unless wakes go around it, and one that takes no transactions always.
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
 * The way to our own database on which a session is ours: `MOORING_LISTEN_URL`, or else `DATABASE_URL`. Wakes, migrations and
 * operators' commands take it. Throws a sentence where it leads to a pooler that hands sessions on.
 */
export async function directUrl(config: Config, url: string): Promise<string> {
  const { listenUrl } = config
  if ((await aboutDirect(config, () => handedOut(listenUrl ?? url))) === 'session') return listenUrl ?? url
  throw new Error(listenUrl === null ? HANDED_ON : LISTEN_HANDED_ON)
}

/** Says which setting leads there. The errors of an embedded server are the data folder's. */
function aboutDirect<T>({ databaseUrl, listenUrl }: Config, work: () => Promise<T>): Promise<T> {
  if (databaseUrl === null) return work()
  return aboutDatabase(listenUrl === null ? 'DATABASE_URL' : 'MOORING_LISTEN_URL', work)
}

const HANDED_ON =
  'DATABASE_URL leads to a pooler that does not keep sessions. Use its session mode, or set MOORING_LISTEN_URL to the server itself.'
const LISTEN_HANDED_ON = 'MOORING_LISTEN_URL must lead to the server itself, or to a pooler in session mode.'
const STATEMENTS =
  'DATABASE_URL leads to a pooler in statement mode, which takes no transactions. Use its transaction mode or its session mode.'

/** The parts that a tier gets from its entry. */
export interface EntryDeps extends OpenStore {
  readonly config: Config
  readonly log: Log
  readonly clock: () => Date
  /** How a process of one task finds database and keyring; left out where there are none to be found: then none is run alone. */
  readonly alone?: QuarantinePlace
}

/** Refuses to go on while migrations are pending: `web` and `worker` own nothing that they could migrate. */
export async function requireMigrated(db: Db): Promise<void> {
  const pending = await pendingMigrations(db)
  if (pending.length > 0)
    throw new Error(`DATABASE_URL: the database lacks ${pending.length} migrations. Run: npm run -s mooring -- migrate`)
}
