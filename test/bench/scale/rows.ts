/**
 * The benchmark's rows: each is one frequent operation of the product, called as in production. Callers' rows are here
 * and go over HTTP; workers' rows call the functions of a worker's loop.
 */
import type { Row } from './row.ts'
import { SHORT_PAGE, type Site } from './site.ts'
import { WORKERS } from './workers.ts'

const PAGE = 100
const wireId = (id: string) => `ds_test_${id.replaceAll('-', '')}`
const stringOf = (site: Site) => `postgresql://app:secret@db-${site.unique()}.example.com/shop`

/** A caller's row. */
const http = (name: string, count: number, call: (site: Site) => () => Promise<unknown>): Row => ({
  name,
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
const SHORT = `/v1/datasources?limit=${SHORT_PAGE}`
/** The cursor behind the first page, found once for each site. */
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
    get(site => `${SHORT}&starting_after=${wireId(site.nextBeforeOthers())}`),
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
    // The most recently registered ones, so that the original number remains.
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

/** Callers first: they are timed before workers' rows have changed the due times. */
export const ROWS: readonly Row[] = [...CALLERS, ...WORKERS]
