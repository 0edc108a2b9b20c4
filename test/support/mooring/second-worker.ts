/**
 * An additional worker on the database of a running Mooring, or on the one that `env` names, as in another process: its
 * own pool, its own dialling processes, the same keyring.
 */
import { join } from 'node:path'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import { openStore } from '#server/process/process.ts'
import { readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { startWorker } from '#server/wiring-worker.ts'

/** The installation that it works for. `keyring` is the folder. */
export interface Place {
  readonly databaseUrl: string
  readonly keyring: string
  readonly openNetworks: readonly string[]
}

/** Starts a worker. The returned function stops it. */
export async function secondWorker(place: Place, env: Record<string, string>): Promise<() => Promise<void>> {
  const cleanup = new AsyncDisposableStack()
  const config = readConfig({
    DATABASE_URL: place.databaseUrl,
    MOORING_KEYRING: place.keyring,
    MOORING_DIAL_PROCESSES: '2',
    ...(place.openNetworks.length === 0 ? {} : { MOORING_ALLOWED_NETWORKS: place.openNetworks.join(',') }),
    ...env,
  })
  const log = createLog({ level: 'silent' })
  const url = config.databaseUrl ?? place.databaseUrl
  const store = await openStore(cleanup, { config, url, log, setsDeadlines: true })
  const ground = { config, ...store, log, clock: () => new Date(), ownPlaces: [], cutsFirstTries: false }
  const worker = await startWorker(ground, await readWorkerKeyring(join(place.keyring, 'worker.json')))
  cleanup.defer(() => worker.stop(1_000))
  return () => cleanup.disposeAsync()
}
