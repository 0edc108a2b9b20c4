/**
 * Entry of the web tier: tRPC and both REST dialects on `DATABASE_URL`. It holds the web's keyring, which opens nothing.
 */

import { readWebKeyring } from '#server/seal/keyring-file.ts'
import { canReadSecrets } from '#server/store/grants.ts'
import { GRACE_MS, openStore, run } from './process.ts'
import { requireMigrated, startWeb } from './wiring-web.ts'

await run(async (config, log, stack) => {
  const url = config.databaseUrl
  if (url === null)
    throw new Error('DATABASE_URL must be set for the web tier. To try Mooring without one, run: npm start')
  const keyring = await readWebKeyring(config.keyring)
  const store = await openStore(stack, { config, url, log })
  await requireMigrated(store.db)
  if (await canReadSecrets(store.db, null))
    log.warn("this role can read sealed columns: give it the web's grants with `mooring db grant`")
  const web = await startWeb({ config, ...store, log, clock: () => new Date() }, keyring)
  stack.defer(() => web.stop(GRACE_MS))
  log.info({ port: web.port }, 'web is listening')
})
