/**
 * Entry of the worker: opens credentials, dials customers' databases, serves no one.
 * It holds the worker's keyring.
 */

import { startClock } from '#server/process/clock.ts'
import { startHealth } from '#server/process/health.ts'
import { onHangup, workerKeyring } from '#server/process/keyring-source.ts'
import { ownPlaces } from '#server/process/own-places.ts'
import { GRACE_MS, openStore, requireMigrated, run } from '#server/process/process.ts'
import { startWorker } from './wiring-worker.ts'

// Nobody waits for the worker, so it waits for a busy database rather than giving up.
const CONNECT_MS = 10_000

await run(async (config, log, cleanup) => {
  const url = config.databaseUrl
  if (url === null)
    throw new Error('DATABASE_URL must be set for the worker. To try Mooring without one, run: npm start')
  const keyring = await workerKeyring(config, false)
  const store = await openStore(cleanup, { config, url, log, setsDeadlines: false, connectMs: CONNECT_MS })
  await requireMigrated(store.db)
  const own = ownPlaces(config, { url, isShared: false })
  const alone = { databaseUrl: url, isKeyringFolder: false, ownPlaces: own }
  const clock = await startClock(cleanup, { ...store, log })
  const worker = await startWorker({ config, ...store, log, clock, ownPlaces: own, alone }, keyring)
  cleanup.defer(() => worker.stop(GRACE_MS))
  const reload = async () => {
    const next = await workerKeyring(config, false)
    // Another installation's keyring would open nothing: the old one stays.
    await worker.accepts(next)
    worker.reload(next)
  }
  cleanup.use(onHangup(log, reload))
  const health = await startHealth('worker', { config, log, meter: store.meter, ready: worker.ready })
  if (health !== null) cleanup.use(health)
  log.info(health === null ? {} : { healthPort: health.port }, 'worker is running')
})
