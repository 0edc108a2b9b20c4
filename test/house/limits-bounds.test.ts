/** Small bounds of the table of limits without a test elsewhere. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VALIDATIONS } from '#server/api/caller/limits.ts'
import { MAX_PRINCIPALS, RefusalSampler } from '#server/api/caller/refusal-sampler.ts'
import { DialPool, MAX_WAITING } from '#server/net/process/dial-pool.ts'
import { MAX_PUSH_DEPTH } from '#server/rest/datasources/event-routes.ts'
import { MAX_HEADERS } from '#server/rest/front.ts'
import { PUSHES_KEPT_MS } from '#server/work/retention.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { purgeLater, RETENTION } from '#test/support/operations/forgetting.ts'

let mooring: Mooring
let id: string
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  const body = { endpoint: 'https://hooks.example.com/mooring', signingKey: 'whsec_0123456789' }
  id = (await mooring.call('POST', '/v1/datasources', { body })).body.id
})
afterAll(() => mooring.stop())

/** The status line of an answer to a raw request. */
async function statusOf(head: string): Promise<string> {
  const { hostname, port } = new URL(mooring.url)
  const socket = connect(Number(port), hostname)
  socket.write(head)
  const [first] = await once(socket, 'data')
  socket.destroy()
  return String(first).split('\r\n')[0] ?? ''
}

describe('A request', () => {
  it('with the maximum number of headers is answered, and with one more is refused: no header is dropped silently', async () => {
    const request = (count: number) => {
      const more = Array.from({ length: count - 1 }, (_, at) => `x-${at}: 1\r\n`).join('')
      return `GET /healthz HTTP/1.1\r\nhost: a\r\n${more}\r\n`
    }
    expect(await statusOf(request(MAX_HEADERS))).toBe('HTTP/1.1 200 OK')
    expect(await statusOf(request(MAX_HEADERS + 1))).toContain(' 431 ')
    expect(await statusOf(request(MAX_HEADERS + 500))).toContain(' 431 ')
  })

  it('that pushes an event nested deeper than MAX_PUSH_DEPTH is refused', async () => {
    const push = (levels: number) => {
      const event = `{"id":"a","model":"m","entityId":"e","type":"CREATE","data":${'['.repeat(levels)}${']'.repeat(levels)}}`
      return mooring.call('POST', `/v1/datasources/${id}/events`, { body: `{"events":[${event}]}` })
    }
    // The body, its list and the event are three levels.
    expect((await push(MAX_PUSH_DEPTH - 3)).status).toBe(200)
    expect((await push(MAX_PUSH_DEPTH - 2)).body).toMatchObject({ code: 'invalid_body' })
  })
})

describe('A capability', () => {
  it('validates VALIDATIONS times an hour, by any route, and then gets Retry-After', async () => {
    const minted = await mooring.call('POST', '/v1/capabilities', { body: { operations: ['datasources.create'] } })
    const key: string = minted.body.token
    // A host that is refused without a look-up: nothing is dialled for it.
    const body = { connectionString: 'postgresql://app:pw@10.0.0.7/shop' }
    const validate = (path: string, sent?: object) => mooring.call('POST', path, { key, ...(sent && { body: sent }) })
    for (let count = 0; count < VALIDATIONS.points; count += 1)
      expect((await validate('/v1/datasources/validate', body)).status).toBe(200)
    const after = [
      await validate('/v1/datasources/validate', body),
      await validate('/v1/datasources/validate'),
      await validate(`/v1/datasources/${id}/validate`),
    ]
    expect(after.map(answer => [answer.status, answer.body.code])).toEqual(
      after.map(() => [429, 'rate_limit_exceeded']),
    )
    expect(Number(after[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('The number of stored entries', () => {
  it('of refused principals is at most MAX_PRINCIPALS: then the counts restart', () => {
    const sampler = new RefusalSampler()
    const now = new Date()
    const admitted = () => Array.from({ length: 30 }, () => sampler.admits('first', now)).filter(Boolean).length
    expect(admitted()).toBe(20)
    expect(admitted()).toBe(0)
    for (let at = 0; at < MAX_PRINCIPALS; at += 1) sampler.admits(`other ${at}`, now)
    expect(admitted()).toBe(20)
  })

  it('of changes covers those younger than changesMs', async () => {
    const at = new Date(Date.now() - RETENTION.changesMs - 60_000).toISOString()
    const organizationId = mooring.organization.id
    // As after a week: the lowest numbers are the old ones. More than one batch, and an old one after a younger one.
    await query(mooring.databaseUrl, 'update changes set n = n + 2500; update change_heads set last = last + 2500')
    const old = (from: number, to: number, time: string) =>
      query(
        mooring.databaseUrl,
        `insert into changes (org_id, n, datasource_id, change, at)
         select '${organizationId}', n, '${bareUuid(id)}', 'drifted', ${time} from generate_series(${from}, ${to}) as n`,
      )
    await old(1, 2498, `'${at}'::timestamptz`)
    await old(2499, 2499, 'now()')
    await old(2500, 2500, `'${at}'::timestamptz`)
    // A turn forgets one thing for ten seconds at most: a busy machine takes several.
    const count = async () => Number((await query(mooring.databaseUrl, 'select count(*) from changes'))[0]?.['count'])
    let before = Number.POSITIVE_INFINITY
    for (let now = await count(); now < before; now = await count()) {
      before = now
      await purgeLater(mooring.db, 0)
    }
    // No number between two others is missing: a subscriber would skip the gap.
    const left = await query(mooring.databaseUrl, 'select n::int, change from changes order by n')
    expect(left).toEqual([
      { n: 2499, change: 'drifted' },
      { n: 2500, change: 'drifted' },
      { n: 2501, change: 'registered' },
    ])
  })

  it('of answers to pushes covers those younger than PUSHES_KEPT_MS', async () => {
    const push = (messageId: string) => {
      const headers = { 'webhook-id': messageId }
      return mooring.call('POST', `/v1/datasources/${id}/events`, { headers, body: { events: [] } })
    }
    expect([(await push('old')).status, (await push('young')).status]).toEqual([200, 200])
    const aged = `at = at - interval '${PUSHES_KEPT_MS + 60_000} ms' where message_id like '%old'`
    await query(mooring.databaseUrl, `update feed_pushes set ${aged}`)
    await purgeLater(mooring.db, 0)
    const left = await query(mooring.databaseUrl, 'select message_id from feed_pushes')
    expect(left.map(row => String(row['message_id']).slice(-5))).toEqual(['young'])
  })

  it('of waiting dials is at most MAX_WAITING: one more fails because no process is free', async () => {
    const settings = { policy: { openNetworks: [] }, dnsServers: [], maxRssBytes: 256 << 20, extraCa: null }
    // Without a process every dial waits.
    const pool = new DialPool({ settings, children: 0, log: () => undefined })
    const asked = {
      kind: 'locate',
      request: { host: 'a.example', port: 5432, database: 'a', deadlineMs: 60_000 },
    } as const
    const run = () => pool.run({ asked, deadlineMs: 60_000, maxBytes: 0, onBytes: () => undefined })
    const waiting = Array.from({ length: MAX_WAITING }, run)
    expect(await run()).toBe('dialler_busy')
    await pool.close()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['dialler_died']))
  })
})
