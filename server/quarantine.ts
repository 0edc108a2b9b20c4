/**
 * Entry of a single-task worker process, for a task that killed other processes or was held alongside one that did. It
 * receives its order through standard input, reports by one byte on descriptor 3 that it begins, and by its exit status
 * how it ended.
 *
 * Only the worker stops it: it ignores signals to the process group, and kills itself when its time is over, even if
 * the worker is gone. Started only by the worker.
 */
import { writeSync } from 'node:fs'
import { json } from 'node:stream/consumers'
import { startClock } from '#server/process/clock.ts'
import { workerKeyring } from '#server/process/keyring-source.ts'
import { endOnUncaught, openStore } from '#server/process/process.ts'
import type { QuarantineOrder } from '#server/process/quarantine-order.ts'
import { startWatchdog } from '#server/process/watchdog.ts'
import { environment, readConfig } from './config.ts'
import { createLog } from './log.ts'
import { runOne } from './wiring-worker.ts'

const READY = 3
const START_MS = 60_000

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)
await runOrder()
process.exit(0)

async function runOrder(): Promise<void> {
  const watchdog = startWatchdog(START_MS)
  // Sound: the worker, our own code, wrote it.
  const order = (await json(process.stdin)) as QuarantineOrder
  const config = readConfig(environment())
  const log = createLog({ level: config.logLevel })
  endOnUncaught(log)
  await using cleanup = new AsyncDisposableStack()
  const store = await openStore(cleanup, {
    config: { ...config, poolSize: 2 },
    url: order.databaseUrl,
    log,
    setsDeadlines: order.isKeyringFolder,
  })
  const clock = await startClock(cleanup, { ...store, log })
  const keyring = await workerKeyring(config, order.isKeyringFolder)
  const payload = order.claim.payload === null ? null : Buffer.from(order.claim.payload, 'base64')
  await runOne({ config, ...store, log, clock, ownPlaces: order.ownPlaces }, keyring, {
    claim: { ...order.claim, payload },
    begins() {
      watchdog.endWithin(order.deadlineMs)
      writeSync(READY, '.')
      log.info({ task: order.claim.kind }, 'task starts in its own process')
    },
  })
}
