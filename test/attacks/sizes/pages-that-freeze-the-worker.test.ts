/**
 * Attack: at every poll, a customer's endpoint answers with a page that takes a second to parse, and delays every other
 * tenant of the worker. The page is parsed in a process that can be killed; the worker gets events that it stores
 * unparsed.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import { MAX_PAGE_EVENTS, packPage, pipedBytes, readReply, unpackPage } from '#server/net/endpoint/request-answer.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { query } from '#test/support/database/postgres.ts'
import { KEY, startStranger } from '#test/support/feeds/stranger.ts'
import { fc } from '#test/support/house/properties.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess } from '#test/support/mooring/tiers.ts'

const WATCH = fileURLToPath(import.meta.resolve('#test/support/operations/loop-watch.ts'))

const EVENT = '"model":"order","entityId":"1","type":"CREATE"'
const page = (content: string) => `{"events":[{"id":"1",${EVENT},"data":${content}}]}`

/** Bodies of about eight megabytes that are slow to parse. */
const HOSTILE: Readonly<Record<string, string>> = {
  'deep and wide': page(`[${Array.from({ length: 60_000 }, () => '['.repeat(60) + ']'.repeat(60)).join(',')}]`),
  'empty objects': page(`[${'{},'.repeat(2_700_000)}1]`),
  numbers: page(`[${'1,'.repeat(4_000_000)}1]`),
  keys: page(`{${Array.from({ length: 600_000 }, (_, at) => `"k${at}":1`).join(',')}}`),
  'as many events as are taken': `{"events":[${Array.from({ length: MAX_PAGE_EVENTS }, (_, at) => `{"id":"${at}",${EVENT},"data":"${'x'.repeat(700)}"}`).join(',')}]}`,
}

function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

describe('A page of eight megabytes', () => {
  it.each(Object.entries(HOSTILE))(
    'blocks the worker’s loop for less than 250 ms, whatever it contains: %s',
    (what, body) => {
      const startedAt = performance.now()
      const read = parseFeedPage(body)
      if (read === null) throw new Error('it is a page')
      const inTheChild = performance.now() - startedAt
      const bytes = packPage(read)
      expect(bytes.length).toBeLessThanOrEqual(pipedBytes(8 << 20))
      const onTheLoop = cpuMs(() => unpackPage(bytes))
      process.stdout.write(
        `${what}: ${Math.round(inTheChild)} ms in the child, ${Math.round(onTheLoop)} ms on the loop\n`,
      )
      expect(onTheLoop).toBeLessThan(250)
      expect(unpackPage(bytes)).toEqual(read)
    },
  )
})

describe('A page above the limit of events', () => {
  it('is refused as too large, and nothing of it is stored', () => {
    const reply = {
      status: 200,
      retryAfterSeconds: null,
      failure: null,
      passed: 'protocol' as const,
      addresses: [],
      tls: null,
      clockOffsetSeconds: 0,
      tookMs: 1,
    }
    const ofEvents = (count: number) =>
      `{"events":[${Array.from({ length: count }, (_, at) => `{"id":"${at}",${EVENT}}`).join(',')}]}`
    expect(readReply({ ...reply, body: ofEvents(MAX_PAGE_EVENTS) }).page?.events).toHaveLength(MAX_PAGE_EVENTS)
    const refused = readReply({ ...reply, body: ofEvents(MAX_PAGE_EVENTS + 1) })
    expect(refused).toMatchObject({ page: null, failure: { code: 'response_too_large' } })
    expect(readReply({ ...reply, body: '{"events":1}' })).toMatchObject({ failure: { code: 'endpoint_answer' } })
  })
})

describe('The message between the processes', () => {
  it('equals the page, whatever its events contain', () => {
    const event = fc.record({
      id: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      occurredAtMs: fc.option(fc.integer({ min: 0 })),
      json: fc.string({ unit: 'binary', maxLength: 40 }),
    })
    const pages = fc.record({
      events: fc.array(event, { maxLength: 5 }),
      nextCursor: fc.option(fc.string({ unit: 'binary' })),
    })
    fc.assert(
      fc.property(pages, one => {
        expect(unpackPage(packPage(one))).toEqual(one)
      }),
    )
  })
})

describe('A feed of such pages, polled by a worker process', () => {
  it('blocks its loop for less than 250 ms of CPU at once, and other tenants are served', {
    timeout: 300_000,
  }, async () => {
    await using cleanup = new AsyncDisposableStack()
    const stranger = await startStranger()
    cleanup.defer(() => stranger.close())
    const tiers = await makeTiers()
    cleanup.defer(() => tiers.stop())
    const customer = await makeCustomer()
    cleanup.defer(() => customer.drop())
    const authority = join(tiers.dir, 'ca.pem')
    await writeFile(authority, stranger.authority.cert)
    const env = { MOORING_EXTRA_CA: authority, MOORING_DNS_SERVERS: stranger.dns }
    const [web, worker] = await Promise.all([
      tiers.start('web', { env }),
      tiers.start('worker', { env, flags: ['--import', WATCH] }),
    ])
    const deps = { db: tiers.db, keyring: await tiers.keyring(), now: new Date() }
    const organizationId = await createOrganization(deps, 'Neighbour')
    const key = await createKeyAsOperator(deps, { organizationId, mode: 'test', name: null })
    const [hostile, neighbour] = await Promise.all([tiers.client(web), tiers.client(web, { key })])
    const feed = await hostile.datasources.register.mutate({
      endpoint: `https://api.acme.io:${stranger.port}/source`,
      signingKey: KEY,
      waitSeconds: 20,
    })
    expect(feed.status).toBe('active')
    const { id } = await neighbour.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    await loopOf(worker)
    for (const [what, body] of Object.entries(HOSTILE)) {
      const seen = stranger.received.length
      stranger.be(response => response.end(body))
      await query(
        tiers.databaseUrl,
        `update tasks set due_at = now() where kind = 'poll' and datasource_id = '${bareUuid(feed.id)}'; notify mooring_work`,
      )
      await expect.poll(() => stranger.received.length).toBeGreaterThan(seen)
      const startedAt = performance.now()
      await neighbour.datasources.verify.mutate({ id, waitSeconds: 20 })
      const waitedMs = Math.round(performance.now() - startedAt)
      const polled = `select 1 from tasks where kind = 'poll' and datasource_id = '${bareUuid(feed.id)}' and locked_until is null`
      await expect.poll(() => query(tiers.databaseUrl, polled)).toHaveLength(1)
      const { longestCpuMs, rssMiB } = await loopOf(worker)
      const reported = `${Math.round(longestCpuMs)} ms of the loop at once, neighbour waited ${waitedMs} ms, ${Math.round(rssMiB)} MiB`
      process.stdout.write(`${what}: ${reported}\n`)
      expect(longestCpuMs).toBeLessThan(250)
      expect(rssMiB).toBeLessThan(400)
    }
  })
})

/** The longest CPU time of the worker's loop at once since the last call, in ms, and its memory. */
async function loopOf(worker: TierProcess): Promise<{ longestCpuMs: number; rssMiB: number }> {
  const reported = () => worker.lines().filter(line => line['msg'] === 'loop')
  const before = reported().length
  worker.process.kill('SIGUSR2')
  await expect.poll(() => reported().length).toBe(before + 1)
  const line = reported().at(-1) ?? {}
  return { longestCpuMs: Number(line['longestCpuMs']), rssMiB: Number(line['rssMiB']) }
}
