/**
 * What stories of the Nth failure are told on: a Mooring that nothing happens to, which prepares each story and does the checks, and
 * tiers on the same database behind a gate, one after another, as processes are replaced that were killed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '#server/store/installation/migrate.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { type Stranger, startStranger } from '#test/support/feeds/stranger.ts'
import { CLOSED_PORT, type Stage, startSilent } from '#test/support/http/givens.ts'
import { makeCustomer } from '#test/support/mooring/customer.ts'
import { startMooring } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'
import { secondWorker } from '#test/support/mooring/second-worker.ts'
import { type Gate, openGate } from './gate.ts'

/** A tier behind its gate. */
export interface Life {
  readonly gate: Gate
  /** Where requests go: a web tier, this one or the one that nothing happens to. */
  readonly url: string
  end(): Promise<void>
}

/** Everything that runs. */
export interface Scene {
  readonly stage: Stage
  /** A customer's endpoint, which the registry trusts and resolves as `api.acme.io`. */
  readonly stranger: Stranger
  /** An open connection to our own database, around the gate. */
  readonly client: pg.Client
  /** The tier that is in use. */
  life(): Promise<Life>
  /** The one in use is dead: the next call of `life` starts another. */
  bury(): Promise<void>
}

/** Starts it; what is on `cleanup` ends it. The other tier than `gated` is not disturbed. */
export async function makeScene(cleanup: AsyncDisposableStack, gated: 'web' | 'worker' = 'web'): Promise<Scene> {
  const server = await startServer()
  cleanup.defer(() => server.stop())
  const databaseUrl = await server.createDatabase('mooring')
  await migrate(databaseUrl)
  const stranger = await startStranger()
  cleanup.defer(() => stranger.close())
  const dir = await mkdtemp(join(tmpdir(), 'mooring-nth-ca-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'ca.pem'), stranger.authority.cert)
  const env = { MOORING_EXTRA_CA: join(dir, 'ca.pem'), MOORING_DNS_SERVERS: stranger.dns }
  const mooring = await startMooring({ databaseUrl, env, worker: gated === 'web', cutsFirstTries: false })
  cleanup.defer(() => mooring.stop())
  // Not the registry's own server, which nobody may register.
  const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const customers = await startServer({ tls })
  cleanup.defer(() => customers.stop())
  const [customer, changing] = await Promise.all([0, 1].map(() => makeCustomer(undefined, customers.adminUrl)))
  if (customer === undefined || changing === undefined) throw new Error('two were made')
  const silent = await startSilent()
  cleanup.defer(() => void silent.close())
  const silentPort = Object(silent.address()).port
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  cleanup.defer(() => client.end())
  const lives: Promise<Life>[] = []
  const begin = gated === 'web' ? beginWeb : beginWorker
  return {
    stage: { mooring, customer, changing, silentPort, closedPort: CLOSED_PORT },
    stranger,
    client,
    life() {
      const now = lives.at(-1) ?? begin()
      if (lives.length === 0) lives.push(now)
      return now
    },
    async bury() {
      const [dead] = lives.splice(0)
      await (await dead)?.end()
    },
  }

  async function beginWeb(): Promise<Life> {
    const gate = await openGate(databaseUrl)
    const rates = { MOORING_RATE_PER_KEY: '1000000', MOORING_RATE_PER_ORGANIZATION: '1000000' }
    const web = await secondWeb(mooring, { ...env, DATABASE_URL: gate.url, ...rates })
    return living(gate, web.url, web.stop)
  }

  async function beginWorker(): Promise<Life> {
    const gate = await openGate(databaseUrl)
    const stop = await secondWorker(mooring, { ...env, DATABASE_URL: gate.url })
    return living(gate, mooring.url, stop)
  }

  function living(gate: Gate, url: string, stop: () => Promise<void>): Life {
    const end = async () => {
      await stop()
      await gate.stop()
    }
    cleanup.defer(end)
    return { gate, url, end }
  }
}
