/** Workers die in the middle of a feed, at any point: nothing is lost, stored twice or reordered. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { howMany } from '#test/support/database/whole.ts'
import { events, type Followed, ids, startFollowed } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

const ENDPOINTS = howMany({ usual: 6, whole: 20 })
const EVENTS = 1_000
/** The page size of the endpoints, whatever is requested, so that there are many points to die at. */
const PAGE = 40
/** How many events of the previous page a page repeats at its start: delivery is at least once. */
const OVERLAP = 3
/** How many more events are stored before each kill, so that workers die early, late and while others begin. */
const KILLED_AFTER = [1, 40, 1_000, 200, ENDPOINTS * 125]

let followed: Followed
const workers = new Set<Running>()
beforeAll(async () => {
  followed = await startFollowed({ worker: false })
})
afterAll(async () => {
  await Promise.all([...workers].map(worker => worker.stop('SIGKILL')))
  await followed.stop()
})

async function startWorker(): Promise<Running> {
  const worker = startEntry('worker', followed.workerEnv)
  workers.add(worker)
  await worker.line(/worker is running/)
  return worker
}

/** Stands in for the passing of time: claims of dead workers expire after a minute. */
async function letHoldsRunOut(): Promise<void> {
  await query(followed.mooring.databaseUrl, 'update tasks set locked_until = now() where locked_until > now()')
}

const storedSoFar = async () => {
  const [row] = await query(followed.mooring.databaseUrl, 'select count(*)::int as n from feed_events')
  return Number(row?.['n'])
}

/** Resolves once this many events are stored. */
const stored = (count: number) =>
  onNotification(followed.mooring.databaseUrl, async () => ((await storedSoFar()) >= count ? true : undefined))

it(`${ENDPOINTS * EVENTS} events of ${ENDPOINTS} endpoints are stored once each and in order, though every worker but the last is killed`, {
  // Half a minute on a quiet machine; a dozen processes start in it.
  timeout: 180_000,
}, async () => {
  followed.stranger.be((response, { body, headers }) => {
    if (!String(headers['webhook-signature']).startsWith('v1,')) return response.writeHead(401).end()
    const from = Number(JSON.parse(body).cursor ?? 0)
    const end = Math.min(EVENTS, from + PAGE)
    const page = { events: events(Math.max(0, from - OVERLAP), end) }
    return response.end(JSON.stringify(end > from ? { ...page, nextCursor: String(end) } : { events: [] }))
  })
  const { datasources } = followed.mooring.client()
  for (let at = 0; at < ENDPOINTS; at += 1)
    await datasources.register.mutate({ endpoint: followed.url(`/feed/${at}`), signingKey: KEY })

  const killedAt: number[] = []
  let working = await startWorker()
  for (const more of KILLED_AFTER) {
    // Two at once for a while, so that one is killed beside another that works.
    const next = await startWorker()
    await stored(Math.min(ENDPOINTS * EVENTS, (await storedSoFar()) + more))
    await working.stop('SIGKILL')
    workers.delete(working)
    await letHoldsRunOut()
    killedAt.push(await storedSoFar())
    working = next
  }
  await onNotification(followed.mooring.databaseUrl, async client => {
    const { rows } = await client.query('select count(*)::int as n from feeds where cursor = $1', [String(EVENTS)])
    return rows[0].n === ENDPOINTS ? true : undefined
  })

  const found = await query(
    followed.mooring.databaseUrl,
    `select array_agg(event_id order by position) as ids, count(distinct event_id)::int as n from feed_events
       group by org_id, datasource_id`,
  )
  expect(found).toHaveLength(ENDPOINTS)
  for (const feed of found) expect(feed).toEqual({ ids: ids(0, EVENTS), n: EVENTS })
  // Killed in the middle, not before or after it.
  expect(killedAt.filter(stored => stored > 0 && stored < ENDPOINTS * EVENTS).length).toBeGreaterThanOrEqual(1)
  await working.stop()
  workers.delete(working)
})
