/**
 * What the entries share: a signal to stop becomes an ordered end, and a failed start becomes one readable sentence.
 */

import { type Db, openDb } from '#server/store/db.ts'
import { Signals } from '#server/store/signals.ts'
import { type Config, environment, readConfig } from './config.ts'
import { createLog, type Log } from './log.ts'

/** How long requests and tasks under way may take to finish after a signal. */
export const GRACE_MS = 20_000

/**
 * Runs an entry, which puts what it starts on the stack: a signal, or a start that fails half-way, ends it in reverse order.
 * What it cannot start with is printed as one sentence; the exit status is then 1.
 */
export async function run(
  start: (config: Config, log: Log, stack: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  try {
    await using stack = new AsyncDisposableStack()
    const config = readConfig(environment())
    const log = createLog({ level: config.logLevel })
    await start(config, log, stack)
    const started = stack.move()
    onStop(log, () => started.disposeAsync())
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
    // What was half started (a pool, a listener) would keep the process alive.
    process.exit()
  }
}

function onStop(log: Log, stop: () => Promise<void>): void {
  let stopping = false
  const begin = (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    stop().then(
      () => {
        log.info('stopped')
        process.exit(0)
      },
      (cause: unknown) => {
        log.error({ cause }, 'did not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', begin)
  process.on('SIGINT', begin)
}

/** Opens the pool and the wakes on a database of ours; the stack closes them. */
export async function openStore(
  stack: AsyncDisposableStack,
  at: { config: Config; url: string; log: Log },
): Promise<{ db: Db; signals: Signals }> {
  const { config, url, log } = at
  const onError = (cause: Error) => log.error({ cause }, 'database connection lost')
  const db = openDb({ url, size: config.poolSize, onError })
  stack.defer(() => db.destroy())
  const signals = new Signals({ url, onError })
  stack.defer(() => signals.close())
  await signals.open()
  return { db, signals }
}
