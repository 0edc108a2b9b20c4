/**
 * Entry of the web tier: tRPC and both REST dialects on `DATABASE_URL`. It holds the web's keyring, which opens
 * nothing.
 */

import { startClock } from '#server/process/clock.ts'
import { startHealth } from '#server/process/health.ts'
import { onHangup, webKeyring } from '#server/process/keyring-source.ts'
import { GRACE_MS, openStore, READ_LANES, requireMigrated, runDraining } from '#server/process/process.ts'
import { canReadSecrets } from '#server/store/installation/grants.ts'
import type { Config } from './config.ts'
import { startWeb } from './wiring-web.ts'

/** Longer than a load balancer that probes every second needs to notice that this process is stopping. */
const DRAIN_MS = 5_000
const drainMs = (config: Config) => config.drainMs ?? DRAIN_MS

await runDraining(drainMs, async (config, log, cleanup) => {
  const url = config.databaseUrl
  if (url === null)
    throw new Error('DATABASE_URL must be set for the web tier. To try Mooring without one, run: npm start')
  const keyring = await webKeyring(config, false)
  const store = await openStore(cleanup, { config, url, log, setsDeadlines: false, lanes: READ_LANES })
  await requireMigrated(store.db)
  if (await canReadSecrets(store.db, null))
    log.warn("this role can read sealed columns: give it the web's grants with `mooring db grant`")
  const clock = await startClock(cleanup, { ...store, log })
  const web = await startWeb({ config, ...store, log, clock, command: 'npm run web' }, keyring)
  cleanup.defer(() => web.stop({ drainMs: drainMs(config), graceMs: GRACE_MS }))
  cleanup.use(onHangup(log, async () => web.reload(await webKeyring(config, false))))
  const health = await startHealth('web', { config, log, meter: store.meter, ready: web.ready })
  if (health !== null) cleanup.use(health)
  log.info({ port: web.port, ...(health === null ? {} : { healthPort: health.port }) }, 'web is listening')
})
