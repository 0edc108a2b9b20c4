/**
 * The environment for stories of the Nth failure: an undisturbed Mooring that prepares each story and runs the checks,
 * and tiers on the same database behind a gate, one after another, as killed processes are replaced.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '#server/store/installation/migrate.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Stranger, startStranger } from '#test/support/feeds/stranger.ts'
import { CLOSED_PORT, type Stage, startSilent } from '#test/support/http/givens.ts'
import { makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'
import { secondWorker } from '#test/support/mooring/second-worker.ts'
import { type Gate, openGate } from './gate.ts'

/** A tier behind its gate. */
export interface Life {
  readonly gate: Gate
  /** The address for requests: a web tier, either this one or the undisturbed one. */
  readonly url: string
  end(): Promise<void>
}

/** Everything that runs. */
export interface Scene {
  readonly stage: Stage
  /** A customer's endpoint, which the registry trusts and resolves as `api.acme.io`. */
  readonly stranger: Stranger
  /** An open connection to our own database that bypasses the gate, and listens to `mooring_news`. */
  readonly client: pg.Client
  /** Returns the tier in use. */
  life(): Promise<Life>
  /** Marks the tier in use as dead: the next call of `life` starts another one. */
  bury(): Promise<void>
}

/** Starts the scene; `cleanup` stops it. Only the tier `gated` is disturbed. */
export async function makeScene(cleanup: AsyncDisposableStack, gated: 'web' | 'worker' = 'web'): Promise<Scene> {
  const server = await startServer()
  cleanup.defer(() => server.stop())
  const databaseUrl = await server.createDatabase('mooring')
  await migrate(databaseUrl)
  const { stranger, env } = await endpointOf(cleanup)
  const mooring = await startMooring({ databaseUrl, env, worker: gated === 'web', cutsFirstTries: false })
  cleanup.defer(() => mooring.stop())
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('listen mooring_news')
  cleanup.defer(() => client.end())
  let current: Promise<Life> | null = null
  return {
    stage: { mooring, ...(await customersOf(cleanup)), closedPort: CLOSED_PORT },
    stranger,
    client,
    life() {
      current ??= beginLife({ gated, mooring, env }, cleanup)
      return current
    },
    async bury() {
      const dead = await current
      current = null
      await dead?.end()
    },
  }
}

interface Ground {
  readonly gated: 'web' | 'worker'
  readonly mooring: Mooring
  readonly env: Record<string, string>
}

async function beginLife({ gated, mooring, env }: Ground, cleanup: AsyncDisposableStack): Promise<Life> {
  const gate = await openGate(mooring.databaseUrl)
  const rates = { MOORING_RATE_PER_KEY: '1000000', MOORING_RATE_PER_ORGANIZATION: '1000000' }
  const own = { ...env, ...rates, DATABASE_URL: gate.url }
  const { url, stop } =
    gated === 'web'
      ? await secondWeb(mooring, own)
      : { url: mooring.url, stop: await secondWorker({ ...mooring.config, databaseUrl: mooring.databaseUrl }, own) }
  const end = async () => {
    await stop()
    await gate.stop()
  }
  cleanup.defer(end)
  return { gate, url, end }
}

/** A customer's endpoint, and the settings with which it is found and trusted. */
async function endpointOf(cleanup: AsyncDisposableStack) {
  const stranger = await startStranger()
  cleanup.defer(() => stranger.close())
  const dir = await mkdtemp(join(tmpdir(), 'mooring-nth-ca-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'ca.pem'), stranger.authority.cert)
  return { stranger, env: { MOORING_EXTRA_CA: join(dir, 'ca.pem'), MOORING_DNS_SERVERS: stranger.dns } }
}

/** Customers' databases on a server other than the registry's, which nobody may register. */
async function customersOf(cleanup: AsyncDisposableStack) {
  const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const server = await startServer({ tls })
  cleanup.defer(() => server.stop())
  const [customer, changing] = await Promise.all([
    makeCustomer(undefined, server.adminUrl),
    makeCustomer(undefined, server.adminUrl),
  ])
  const silent = await startSilent()
  cleanup.defer(() => void silent.close())
  return { customer, changing, silentPort: portOf(silent) }
}
