/**
 * A registry for the benchmarks that call a worker's own functions: a migrated database with one organization, and the
 * dependencies of work, wired as in production.
 */
import { Writable } from 'node:stream'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import type { Dialler } from '#server/net/process/dialler.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { openStore } from '#server/process/process.ts'
import { createKeyrings, parseWorkerKeyring, type WorkerKeyring } from '#server/seal/keyring.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { workerDepsOf } from '#server/wiring-worker.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** The context of a benchmark. */
export interface BenchWorker {
  readonly deps: WorkerDeps
  readonly keyring: WorkerKeyring
  readonly organizationId: string
}

/** Migrates the database at `url` and opens it; the stack closes everything that was opened. */
export async function benchWorker(
  cleanup: AsyncDisposableStack,
  at: { url: string; dialler: Dialler },
): Promise<BenchWorker> {
  const { url, dialler } = at
  await migrate(url)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const log = createLog({ level: 'silent', destination: nowhere })
  const config = readConfig({ DATABASE_URL: url, MOORING_ALLOWED_NETWORKS: '127.0.0.0/8' })
  const keyring = parseWorkerKeyring((await createKeyrings(newKeyId)).worker)
  const store = await openStore(cleanup, { config, url, log, setsDeadlines: true })
  const deps = await workerDepsOf({ config, ...store, log, clock: () => new Date() }, keyring, dialler)
  const organizationId = await createOrganization({ db: store.db, keyring, now: new Date() }, 'Bench')
  return { deps, keyring, organizationId }
}
