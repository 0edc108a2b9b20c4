/**
 * Entry for everything in one process, for trying Mooring and for small installs: web and worker together, on
 * `DATABASE_URL` or an embedded PostgreSQL. Here walls 1 and 2 are between types and between modules, within a single
 * process.
 */

import { startClock } from '#server/process/clock.ts'
import { startHealth } from '#server/process/health.ts'
import { onHangup, webKeyring, workerKeyring } from '#server/process/keyring-source.ts'
import { ownPlaces } from '#server/process/own-places.ts'
import { directUrl, GRACE_MS, openStore, READ_LANES, runDraining, type StartEntry } from '#server/process/process.ts'
import { show } from '#server/process/standard-output.ts'
import { localConsole } from '#server/standalone/console-sign-in.ts'
import { greet, onLocalDatabase, startLocal } from '#server/standalone/standalone.ts'
import { Throwaway } from '#server/standalone/throwaway/throwaway.ts'
import { aboutDatabase } from '#server/store/connection/database-trouble.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { type Config, environment } from './config.ts'
import { startWeb } from './wiring-web.ts'
import { startWorker } from './wiring-worker.ts'

/** A trial has no load balancer that must turn away. */
const drainMs = (config: Config) => config.drainMs ?? 0

const throwaway = process.argv.includes('--json') ? await Throwaway.of(environment()) : null

/** The console's sign-in, which only an installation with a data folder has. */
const consoleOf = ({ localDir }: Config, signIn: { organizationId: string; clock: () => Date }) =>
  localConsole({ dir: localDir, ...signIn })

/** Programs that read `--json` get no other output. */
const say = async (line: string) => throwaway === null && (await show(`${line}\n`))

const start: StartEntry = async (config, log, cleanup) => {
  await throwaway?.prepare(config, cleanup)
  const server = throwaway?.server
  const local = config.databaseUrl === null ? await startLocal({ config, log, server, say }, cleanup) : null
  const url = local?.database.url ?? config.databaseUrl ?? ''
  if (local === null) await aboutDatabase('DATABASE_URL', async () => migrate(await directUrl(config, url)))
  const store = await openStore(cleanup, { config, url, log, setsDeadlines: true, lanes: READ_LANES })
  const entryDeps = { config, ...store, log, clock: await startClock(cleanup, { ...store, log }) }
  const own = ownPlaces(config, { url, isShared: local !== null })
  const alone = { databaseUrl: url, isKeyringFolder: true, ownPlaces: own }
  const worker = await startWorker({ ...entryDeps, ownPlaces: own, alone }, await workerKeyring(config, true))
  cleanup.defer(() => worker.stop(GRACE_MS / 2))
  const tier = {
    ...entryDeps,
    command: 'npm start',
    canDial: () => worker.canDial(),
    ...(local === null ? {} : { local: consoleOf(config, { ...entryDeps, ...local.prepared }) }),
  }
  const web = await startWeb(tier, await webKeyring(config, true))
  cleanup.defer(() => web.stop({ drainMs: drainMs(config), graceMs: GRACE_MS / 2 }))
  const reload = async () => {
    // Both or neither: if one cannot be read, the other one's old keyring stays in use, too.
    const read = { worker: await workerKeyring(config, true), web: await webKeyring(config, true) }
    await worker.accepts(read.worker)
    worker.reload(read.worker)
    web.reload(read.web)
  }
  cleanup.use(onHangup(log, reload))
  // A trial opens no second port unless it is configured.
  const health = config.healthPort === null ? null : await startHealth('web', { ...entryDeps, ready: web.ready })
  if (health !== null) cleanup.use(health)
  if (local !== null) {
    const at = { ...local, port: web.port }
    if (throwaway === null) await greet({ config, db: store.db, log }, at)
    else await throwaway.announce({ config, db: store.db }, at, cleanup)
  }
  log.info({ port: web.port, ...(health === null ? {} : { healthPort: health.port }) }, 'web and worker are running')
}

await runDraining(drainMs, (...args) => onLocalDatabase(args[0], () => start(...args)), throwaway?.surroundings)
