/**
 * Entry of everything in one process, for trying Mooring and for small installs: web and worker together, on `DATABASE_URL`
 * or an embedded PostgreSQL. Here walls 1 and 2 hold, between types and between modules; the process is one.
 */
import { join } from 'node:path'
import { readWebKeyring, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { migrate } from '#server/store/migrate.ts'
import { greeting, prepareLocal, startLocalDatabase } from './local.ts'
import { GRACE_MS, openStore, run } from './process.ts'
import { startWeb } from './wiring-web.ts'
import { startWorker } from './wiring-worker.ts'

await run(async (config, log, stack) => {
  const local = config.databaseUrl === null ? await startLocalDatabase(config) : null
  if (local !== null) stack.defer(() => local.embedded.stop())
  const url = local?.url ?? config.databaseUrl ?? ''
  const welcome = local === null ? null : await prepareLocal(config, url)
  if (local === null) await migrate(url)
  const store = await openStore(stack, { config, url, log })
  const ground = { config, ...store, log, clock: () => new Date() }
  const worker = await startWorker(ground, await readWorkerKeyring(join(config.keyring, 'worker.json')))
  stack.defer(() => worker.stop(GRACE_MS))
  const web = await startWeb(ground, await readWebKeyring(join(config.keyring, 'web.json')))
  stack.defer(() => web.stop(GRACE_MS))
  if (local !== null) process.stdout.write(await greeting(config, { local, port: web.port, welcome }))
  log.info({ port: web.port }, 'web and worker are running')
})
