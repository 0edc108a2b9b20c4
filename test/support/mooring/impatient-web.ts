/**
 * A second web tier beside a Mooring, with short deadlines:
 * a wait of 25 s in production ends at once.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { createLog } from '#server/log.ts'
import { createMeter } from '#server/metrics/create-meter.ts'
import { createApp } from '#server/rest/app.ts'
import { createFaultLines } from '#server/rest/http/fault-lines.ts'
import { createHttpServer } from '#server/rest/listener.ts'
import { readWebKeyring } from '#server/seal/keyring-file.ts'
import { Notifications } from '#server/store/database/notifications.ts'
import { webDeps } from '#server/wiring-web.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Mooring, startMooring } from './mooring.ts'

const WAIT_MS = 100

/** A Mooring without a worker, and the address of its impatient web tier. */
export interface Impatient {
  readonly mooring: Mooring
  readonly url: string
  stop(): Promise<void>
}

/** Starts both tiers. The caller stops them. */
export async function startImpatient(): Promise<Impatient> {
  const cleanup = new AsyncDisposableStack()
  const mooring = await startMooring({ worker: false })
  cleanup.defer(() => mooring.stop())
  const { config, db, databaseUrl } = mooring
  const notifications = new Notifications({ url: databaseUrl, onError: () => undefined })
  cleanup.defer(() => notifications.close())
  await notifications.open()
  const meter = createMeter()
  const deps = { config, db, notifications, meter, log: createLog({ level: 'silent' }), clock: () => new Date() }
  const patient = await webDeps(deps, await readWebKeyring(join(config.keyring, 'web.json')))
  const parts = { ...patient, validateMs: WAIT_MS, answerMs: WAIT_MS }
  cleanup.defer(() => parts.changeFeed.close())
  const { publicUrl, trustProxy, corsOrigins, patience } = config
  const observers = { meter, faultLines: createFaultLines(parts) }
  const app = createApp(parts, { publicUrl, trustProxy, corsOrigins, ready: async () => ({ ok: true }), observers })
  const server = createHttpServer(app, { patience, publicUrl, observers }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.defer(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { mooring, url: `http://127.0.0.1:${portOf(server)}`, stop: () => cleanup.disposeAsync() }
}
