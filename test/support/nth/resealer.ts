/**
 * A worker that only reseals credentials, which needs no dial: dialling processes are most of what the start of a worker
 * costs, and each try of a command has a worker of its own. Called by the scene of commands.
 */
import { join } from 'node:path'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import type { Dialler } from '#server/net/process/dialler.ts'
import { openStore } from '#server/process/process.ts'
import { readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { workerDepsOf } from '#server/wiring-worker.ts'
import { Loop } from '#server/work/loop.ts'
import { taskHandlers } from '#server/work/task-handlers.ts'

const PLACES = { limit: 2, background: 2, perOrganization: { asked: 2, background: 2 }, cutsFirstTries: false }

/** Starts it on a database, with the keyrings of a folder. The returned function stops it. */
export async function startResealer(databaseUrl: string, keyring: string): Promise<() => Promise<void>> {
  const cleanup = new AsyncDisposableStack()
  const config = readConfig({ DATABASE_URL: databaseUrl, MOORING_KEYRING: keyring })
  const log = createLog({ level: 'silent' })
  const store = await openStore(cleanup, { config, url: databaseUrl, log, setsDeadlines: true })
  const base = { config, ...store, log, clock: () => new Date() }
  const deps = await workerDepsOf(base, await readWorkerKeyring(join(keyring, 'worker.json')), NO_DIALLER)
  const { reseal } = taskHandlers
  if (reseal === undefined) throw new Error('nothing reseals')
  const loop = new Loop(deps, { reseal }, PLACES)
  loop.start()
  cleanup.defer(() => loop.stop(1_000))
  return () => cleanup.disposeAsync()
}

const refuse = () => Promise.reject(new Error('a resealer does not dial'))
const NO_DIALLER: Dialler = {
  ready: refuse,
  canDial: () => false,
  counts: () => ({ idle: 0, busy: 0, starting: 0, waiting: 0 }),
  probe: refuse,
  describe: refuse,
  locate: refuse,
  request: refuse,
  close: async () => undefined,
}
