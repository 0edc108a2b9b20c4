/**
 * What the benchmark does: each row is one thing that the product does over and over, called as the product is called. Those of
 * callers go over HTTP; those of workers call what a worker's loop calls.
 */
import { newId } from '#server/domain/access/ids.ts'
import * as changeReads from '#server/store/changes/change-reads.ts'
import { transaction } from '#server/store/database/db.ts'
import * as schedule from '#server/store/datasources/schedule.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { forgetLater } from '#test/support/operations/forgetting.ts'
import type { Site } from './site.ts'

/** One row: what is done once. What it does first, such as choosing, is not timed. */
export interface Row {
  readonly name: string
  /** How often at once. */
  readonly atOnce: number
  /** How often in one round. */
  readonly count: number
  prepare(site: Site): Promise<() => Promise<unknown>>
}

const PAGE = 100
const wireId = (id: string) => `ds_test_${id.replaceAll('-', '')}`
const stringOf = (site: Site) => `postgresql://app:secret@db-${site.unique()}.example.com/shop`

/** A row of callers. */
const http = (name: string, count: number, call: (site: Site) => () => Promise<unknown>): Row => ({
  name,
  atOnce: 4,
  count,
  prepare: async site => call(site),
})

const get =
  (path: (site: Site) => string, who: 'large' | 'small' = 'large') =>
  (site: Site) =>
  () =>
    site[who].send({ method: 'GET', path: path(site) })
const post = (path: (site: Site) => string, body: (site: Site) => object) => (site: Site) => () =>
  site.large.send({ method: 'POST', path: path(site), body: body(site) })
const trpc = (name: string, body: (site: Site) => object) => post(() => `/trpc/${name}`, body)

const LIST = `/v1/datasources?limit=${PAGE}`
/** Shorter: with a thousand datasources there is a second one, too. */
const SHORT = '/v1/datasources?limit=20'
/** The place behind the first page, found once for each site. */
const places = new WeakMap<Site, Promise<string>>()
function secondPage(site: Site): Promise<string> {
  const first = async () => {
    const page: { data: { id: string }[] } = JSON.parse(await site.large.send({ method: 'GET', path: SHORT }))
    return `${SHORT}&starting_after=${page.data.at(-1)?.id}`
  }
  const known = places.get(site) ?? first()
  places.set(site, known)
  return known
}

const audit = (input: object) => `/trpc/organization.audit?input=${encodeURIComponent(JSON.stringify(input))}`

const CALLERS: readonly Row[] = [
  http(
    'get',
    120,
    get(site => `/v1/datasources/${wireId(site.next())}`),
  ),
  http(
    'list, first page of 100, large',
    30,
    get(() => LIST),
  ),
  {
    ...http(
      'list, second page, large',
      30,
      get(() => LIST),
    ),
    async prepare(site) {
      const path = await secondPage(site)
      return () => site.large.send({ method: 'GET', path })
    },
  },
  http(
    'list, page in the middle, large',
    30,
    get(site => `${SHORT}&starting_after=${wireId(site.next())}`),
  ),
  http(
    'list, first page, small',
    30,
    get(() => LIST, 'small'),
  ),
  http(
    'register, tRPC',
    60,
    trpc('datasources.register', site => ({ connectionString: stringOf(site) })),
  ),
  http(
    'register, datasources',
    60,
    post(
      () => '/v1/datasources',
      site => ({ connectionString: stringOf(site) }),
    ),
  ),
  http(
    'register, connections',
    60,
    post(
      () => '/api/v1/connections',
      site => ({ name: 'Shop', db_type: 'postgresql', connection_string: stringOf(site) }),
    ),
  ),
  http(
    'verify',
    40,
    trpc('datasources.verify', site => ({ id: wireId(site.next()) })),
  ),
  http(
    'update',
    40,
    trpc('datasources.update', site => ({ id: wireId(site.next()), metadata: { rev: site.unique() } })),
  ),
  http(
    'update, with a key',
    40,
    trpc('datasources.update', site => ({ id: wireId(site.next()), metadata: {}, idempotencyKey: site.unique() })),
  ),
  http(
    'rotate',
    40,
    trpc('datasources.rotate', site => ({
      id: wireId(site.next()),
      connectionString: stringOf(site),
      allowMove: true,
    })),
  ),
  {
    ...http(
      'remove',
      60,
      get(() => LIST),
    ),
    // Those that were registered last, so that as many are left as there were.
    async prepare(site) {
      const page: { data: { id: string }[] } = JSON.parse(await site.large.send({ method: 'GET', path: LIST }))
      const ids = page.data.map(({ id }) => id)
      return async () => {
        const id = ids.shift()
        if (id !== undefined) await site.large.send({ method: 'DELETE', path: `/v1/datasources/${id}` })
      }
    },
    count: 50,
  },
  http(
    'audit, first page',
    30,
    get(() => audit({ limit: PAGE })),
  ),
  http(
    'audit, of one object',
    30,
    get(site => audit({ limit: 10, objectId: wireId(site.next()) })),
  ),
]

const ASK = { kinds: ['verify'] as const, limit: 8, perOrganization: 3, held: [], leaseMs: 60_000 }
const rounds = new WeakMap<Site, claims.Rounds>()

function claimed(site: Site): Promise<claims.Claim[]> {
  const known = rounds.get(site) ?? new Map()
  rounds.set(site, known)
  return claims.claim(site.db, { ...ASK, lanes: ['asked', 'scheduled'], now: new Date(), rounds: known })
}

function settled(site: Site, claim: claims.Claim): Promise<void> {
  const now = new Date()
  const verdict = {
    id: newId(),
    datasourceId: claim.datasourceId ?? '',
    version: 1,
    outcome: 'passed' as const,
    reason: null,
  }
  const after = { status: 'active' as const, refusals: 0, refusedAt: null }
  return verdicts.settle(site.db, claim, {
    verdict: { ...verdict, checks: [{ item: 'host', outcome: 'pass' }], advisories: [], tookMs: 20, at: now },
    ...{ state: 'current', after, reason: null, signed: null, failed: false, isMade: true, introspection: null },
    // Due again at once: as many are due afterwards as there were.
    dueAt: now,
  })
}

/** A row of a worker. */
const work = (name: string, count: number, prepare: Row['prepare']): Row => ({ name, atOnce: 1, count, prepare })

const WORKERS: readonly Row[] = [
  work(
    'look for what is due',
    60,
    async ({ db }) =>
      () =>
        claims.prioritiesDue(db, { kinds: ['verify'], now: new Date() }),
  ),
  work('claim eight', 30, async site => async () => {
    const found = await claimed(site)
    if (found.length === 0) throw new Error('nothing was claimed')
  }),
  {
    ...work('settle a check', 60, async () => async () => undefined),
    async prepare(site) {
      const held: claims.Claim[] = []
      while (held.length < 60) {
        const more = await claimed(site)
        if (more.length === 0) break
        held.push(...more)
      }
      return async () => {
        const claim = held.pop()
        if (claim !== undefined) await settled(site, claim)
      }
    },
  },
  work(
    'bring checks forward, small',
    20,
    async site => () =>
      transaction(site.db, tx => schedule.bringForward(tx, site.small.id, { seconds: 3_600, now: new Date() })),
  ),
  work('heads of feeds', 40, async site => {
    const feeds = Array.from({ length: 50 }, () => ({ organizationId: site.large.id, datasourceId: site.next() }))
    return () => feedEvents.heads(site.db, feeds)
  }),
  work('news of changes', 40, async site => {
    const found = await changeReads.heads(site.db, [site.large.id, site.small.id])
    const behind = new Map([...found].map(([org, { epoch, n }]) => [org, { epoch, n: Math.max(0, n - 20) }]))
    return () => changeReads.newsOf(site.db, behind, { each: 100, limit: 1_000 })
  }),
  work('changes without a number', 40, async site => () => changeReads.unnumbered(site.db, null)),
  work(
    'a turn of retention',
    4,
    async ({ db }) =>
      () =>
        forgetLater(db, 0),
  ),
]

/** Callers first: they are timed before workers' rows have changed what is due. */
export const ROWS: readonly Row[] = [...CALLERS, ...WORKERS]
