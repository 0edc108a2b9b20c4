/**
 * A further worker on the database of a running Mooring, or on the one that `env` names, as in another process: its own pool, its own
 * dialling processes, the same keyring.
 */
import { join } from 'node:path'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import { openStore } from '#server/process/process.ts'
import { readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { startWorker } from '#server/wiring-worker.ts'
import type { Mooring } from './mooring.ts'

/** Starts one. What it answers stops it. */
export async function secondWorker(mooring: Mooring, env: Record<string, string>): Promise<() => Promise<void>> {
  const cleanup = new AsyncDisposableStack()
  const given = {
    DATABASE_URL: mooring.databaseUrl,
    MOORING_KEYRING: mooring.config.keyring,
    MOORING_DIAL_PROCESSES: '1',
  }
  const config = readConfig({ ...given, MOORING_ALLOWED_NETWORKS: mooring.config.openNetworks.join(','), ...env })
  const log = createLog({ level: 'silent' })
  const url = config.databaseUrl ?? mooring.databaseUrl
  const store = await openStore(cleanup, { config, url, log, setsDeadlines: true })
  const ground = { config, ...store, log, clock: () => new Date(), ownPlaces: [], cutsFirstTries: false }
  const worker = await startWorker(ground, await readWorkerKeyring(join(mooring.config.keyring, 'worker.json')))
  cleanup.defer(() => worker.stop(1_000))
  return () => cleanup.disposeAsync()
}
