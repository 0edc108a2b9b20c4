/**
 * A further web tier on the database of a running Mooring, or on the one that `env` names, as in another process: its
 * own pool, its own counters, the same keyring.
 */
import { join } from 'node:path'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import { openStore, READ_LANES } from '#server/process/process.ts'
import { readWebKeyring } from '#server/seal/keyring-file.ts'
import { startWeb } from '#server/wiring-web.ts'
import type { Mooring } from './mooring.ts'

/** Serves a web tier, configured like the first except for `env`. The caller stops it. */
export async function secondWeb(mooring: Mooring, env: Record<string, string> = {}) {
  const cleanup = new AsyncDisposableStack()
  const given = {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: mooring.databaseUrl,
    MOORING_KEYRING: mooring.config.keyring,
    MOORING_ALLOWED_NETWORKS: mooring.config.openNetworks.join(','),
  }
  const config = readConfig({ ...given, MOORING_POOL_SIZE: '4', ...env })
  const log = createLog({ level: 'silent' })
  const store = await openStore(cleanup, {
    config,
    url: config.databaseUrl ?? mooring.databaseUrl,
    log,
    setsDeadlines: true,
    lanes: READ_LANES,
  })
  const keyring = await readWebKeyring(join(mooring.config.keyring, 'web.json'))
  const web = await startWeb({ config, ...store, log, clock: () => new Date() }, keyring)
  cleanup.defer(() => web.stop({ drainMs: 0, graceMs: 5_000 }))
  return { url: `http://127.0.0.1:${web.port}`, stop: () => cleanup.disposeAsync() }
}
