/**
 * The row for registrations that wait for their verdict: how many a second, over TLS and with SCRAM, compared with a
 * bare loop of `pg` that connects and runs one query, with the same concurrency. Each is a new database at an address
 * of its own. Rounds are interleaved; the first one of each does not count.
 */
import { APP_PASSWORD, FORTY_TABLES } from '#test/bench/support/forty-tables.ts'
import { AT_ONCE, bareConnections, serverOf } from '#test/bench/table/checks.ts'
import { DIALECTS } from '#test/bench/table/ground.ts'
import { median, type Row } from '#test/bench/table/row.ts'
import type { Caller, Site } from '#test/bench/table/site.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'

const EACH = 40
const COUNT = AT_ONCE * EACH

/** Registers and waits, each organization one after the other; returns registrations per second. */
async function awaited(site: Site, callers: readonly Caller[], port: number): Promise<number> {
  const first = site.take(COUNT)
  const startedAtMs = performance.now()
  await Promise.all(
    callers.map(async ({ key }, place) => {
      for (let n = first + place; n < first + COUNT; n += AT_ONCE) await register(site, { key, at: addressOf(n), port })
    }),
  )
  return COUNT / ((performance.now() - startedAtMs) / 1000)
}

/** No organization dials one address twice, since it would have to wait for the second dial. */
const addressOf = (n: number) => `127.${1 + ((n >> 16) % 200)}.${(n >> 8) % 256}.${n % 256}`

async function register(site: Site, { key, at, port }: { key: string; at: string; port: number }): Promise<void> {
  const connectionString = `postgresql://app:${APP_PASSWORD}@${at}:${port}/postgres?sslmode=require`
  const response = await fetch(`http://127.0.0.1:${site.web.port}${DIALECTS.datasources.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, prefer: 'wait=30' },
    body: JSON.stringify({ connectionString, schema: 'app' }),
  })
  const text = await response.text()
  if (response.status !== 201 || JSON.parse(text).status !== 'active')
    throw new Error(`a registration ended with ${response.status}: ${text}`)
}

/** The row. */
export const AWAITED_ROW: Row = {
  name: 'awaited',
  async measure(site, { rounds }) {
    await using customer = await serverOf(await selfSigned({ addresses: ['127.0.0.1'] }))
    const { server } = customer
    await server.query(FORTY_TABLES)
    const callers: Caller[] = []
    for (let n = 0; n < AT_ONCE; n += 1) callers.push(await site.newCaller(`Awaited ${n}`))
    const worker = site.startProgram('worker', { MOORING_CHECK_INTERVAL: '86400' })
    const found = { ours: [] as number[], limit: [] as number[] }
    for (let round = 0; round <= rounds; round += 1) {
      const [ours, limit] = [await awaited(site, callers, server.port), await bareConnections(server.port)]
      if (round === 0) continue
      found.ours.push(ours)
      found.limit.push(limit)
    }
    await worker.stop()
    const [ours, limit] = [median(found.ours), median(found.limit)]
    const work = `register with \`Prefer: wait\`, ${AT_ONCE} at a time, TLS and SCRAM`
    return [{ work, ours, limit, ratio: ours / limit, target: 0.45, unit: 'registrations/s' }]
  },
}
