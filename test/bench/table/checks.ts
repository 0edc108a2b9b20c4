/**
 * The row for a worker's checks: how many healthy databases per second one worker verifies, over TLS and with SCRAM,
 * compared with a bare loop of `pg` that connects and runs one query, with the same concurrency. Rounds are
 * interleaved; the first one of each does not count.
 */
import pg from 'pg'
import { APP_PASSWORD, FORTY_TABLES } from '#test/bench/support/forty-tables.ts'
import { query, startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { DIALECTS, groundOf } from './ground.ts'
import { runLoad } from './measure.ts'
import { median, type Row } from './row.ts'
import type { Site } from './site.ts'

/** The number of databases that are dialled at the same time. */
export const AT_ONCE = 8
/** No organization gets all slots, and none dials one address more than once a second. */
const ORGANIZATIONS = 8
const EACH = 50
const CHECKS = ORGANIZATIONS * EACH

/** Connects and queries with this concurrency; returns connections per second. */
export async function bareConnections(port: number): Promise<number> {
  let left = CHECKS
  const startedAtMs = performance.now()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (; left > 0; left -= 1) {
        const ssl = { rejectUnauthorized: false }
        const at = { host: '127.0.0.1', port, user: 'app', database: 'postgres', password: APP_PASSWORD, ssl }
        const client = new pg.Client(at)
        await client.connect()
        await client.query('select rolsuper, rolbypassrls from pg_catalog.pg_roles where rolname = current_user')
        await client.end()
      }
    }),
  )
  return CHECKS / ((performance.now() - startedAtMs) / 1000)
}

/** Makes every check due and waits until all are settled; returns checks per second from the first to the last. */
async function checked(site: Site): Promise<number> {
  const { databaseUrl } = site
  const [begun] = await query(
    databaseUrl,
    `update tasks set due_at = now() where kind = 'verify' and datasource_id in (select id from datasources where schema = 'app');
     select now()::text as at`,
  )
  await query(databaseUrl, 'notify mooring_work')
  for (;;) {
    const [row] = await query(
      databaseUrl,
      `select count(*)::int as n, count(*) filter (where latest_outcome = 'passed')::int as good,
         extract(epoch from max(latest_at) - min(latest_at))::float8 as seconds
       from datasources where schema = 'app' and latest_at >= '${begun?.['at']}'`,
    )
    if (row?.['n'] === CHECKS) {
      if (row['good'] !== CHECKS) throw new Error(`${row['good']} of ${CHECKS} databases were found to be in order`)
      return (CHECKS - 1) / Number(row['seconds'])
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function registerAll(site: Site, port: number): Promise<void> {
  const { ours } = await groundOf(site)
  for (let n = 0; n < ORGANIZATIONS; n += 1) {
    const caller = await site.newCaller(`Checked ${n}`)
    const at = `127.${n + 1}.0.{n % ${EACH}}:${port}`
    const body = { connectionString: `postgresql://app:${APP_PASSWORD}@${at}/postgres?sslmode=require`, schema: 'app' }
    await runLoad(site, ours({ paths: [DIALECTS.datasources.path], body, caller }).load, { requests: EACH })
  }
}

/** The row. */
export const CHECK_ROW: Row = {
  name: 'checks',
  async measure(site, { rounds }) {
    const tls = await selfSigned({ addresses: ['127.0.0.1'] })
    await using customer = await serverOf(tls)
    await customer.server.query(FORTY_TABLES)
    await registerAll(site, customer.server.port)
    const worker = site.startProgram('worker', { MOORING_CHECK_INTERVAL: '86400' })
    const found = { ours: [] as number[], limit: [] as number[] }
    for (let round = 0; round <= rounds; round += 1) {
      const [ours, limit] = [await checked(site), await bareConnections(customer.server.port)]
      if (round === 0) continue
      found.ours.push(ours)
      found.limit.push(limit)
    }
    await worker.stop()
    const [ours, limit] = [median(found.ours), median(found.limit)]
    const work = `checks a second of one worker, ${AT_ONCE} at a time, TLS and SCRAM`
    return [{ work, ours, limit, ratio: ours / limit, target: 0.6, unit: 'checks/s' }]
  },
}

/** Starts a customer's server that asks for TLS. */
export async function serverOf(tls: Awaited<ReturnType<typeof selfSigned>>) {
  const server = await startServer({ tls, settings: { listen_addresses: '*' } })
  return { server, [Symbol.asyncDispose]: () => server.stop() }
}
