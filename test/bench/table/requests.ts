/**
 * Rows for the web tier: reading, listing and registering
 * over each surface, compared with bare handlers.
 */
import { listDatasources } from '#server/store/datasources/datasource-list.ts'
import { seed } from '#test/bench/scale/seed.ts'
import { DIALECTS, type DialectName, type Ground, groundOf, idOf, LISTED, limitOf } from './ground.ts'
import { compare, compareP99, runLoad, type Variant } from './measure.ts'
import type { Row } from './row.ts'
import { statementOf } from './statements.ts'

const NAMES = ['datasources', 'connections'] as const
/** The number of datasources that are registered again in turn, so that no two requests wait for one row. */
const AGAIN = 500
/** The number of seeded datasources; a tenth of them belong to the large organization. */
const SEEDED = 100_000

const read = (name: DialectName): Row => ({
  name: `read-${name}`,
  async measure(site, extent) {
    const { ours, limit, id } = await groundOf(site)
    return compare(site, extent, {
      ...{ work: `read one, ${name}`, target: 0.55, cpuAtMost: 2 },
      ours: ours({ paths: [DIALECTS[name].one(id)] }),
      limits: [limit({ paths: ['/one/read'] })],
    })
  },
})

const list = (name: DialectName): Row => ({
  name: `list-${name}`,
  async measure(site, extent) {
    const { ours, limit, listed } = await groundOf(site)
    return compare(site, extent, {
      ...{ work: `list of 100, ${name}`, target: 1 },
      ours: ours({ paths: [DIALECTS[name].list], caller: listed }),
      limits: [limit({ paths: ['/all/list'] })],
    })
  },
})

/** Only this row fills the database, which takes a while. */
const page: Row = {
  name: 'page',
  async measure(site, extent) {
    const { ours } = await groundOf(site)
    const { databaseUrl } = site
    const [large, small] = [await site.newCaller('Large'), await site.newCaller('Small')]
    const sizes = { datasources: SEEDED, organizations: 20, large: large.id, small: small.id }
    await seed(databaseUrl, sizes, () => undefined)
    const cursor = await idOf(site, `org_id = '${large.id}' and deleted_at is null order by id desc offset 99`)
    const second = { limit: LISTED + 1, olderThan: cursor }
    const statement = await statementOf(databaseUrl, db => listDatasources(db, large.id, second))
    const bare = await site.startBare({ bytes: 0, statements: { page: statement } })
    const after = `ds_test_${cursor.replaceAll('-', '')}`
    return compare(site, extent, {
      ...{ work: 'second page of an organization of 10,000, with verdicts', target: 0.9 },
      ours: ours({ paths: [`/v1/datasources?limit=100&starting_after=${after}`], caller: large }),
      limits: [limitOf(bare, { paths: ['/all/page'], on: 'bare' })],
    })
  },
}

const registering = ({ limit }: Ground): readonly [Variant, Variant] => {
  const body = DIALECTS.datasources.body('shop_{n}')
  return [limit({ paths: ['/pipeline'], body }), limit({ paths: ['/pool'], body })]
}

const register = (name: DialectName): Row => ({
  name: `register-${name}`,
  async measure(site, extent) {
    const ground = await groundOf(site)
    const { path, body } = DIALECTS[name]
    return compare(site, extent, {
      ...{ work: `register, ${name}`, target: 0.45 },
      ours: ground.ours({ paths: [path], body: body(`${name}_{n}`) }),
      limits: registering(ground),
    })
  },
})

const again: Row = {
  name: 'again',
  async measure(site, extent) {
    const ground = await groundOf(site)
    return compare(site, extent, {
      ...{ work: 'a registration again, unchanged string', target: 0.45 },
      ours: ground.ours({ paths: ['/v1/datasources'], body: DIALECTS.datasources.body(`again_{n % ${AGAIN}}`) }),
      limits: registering(ground),
    })
  },
}

const replay: Row = {
  name: 'replay',
  async measure(site, extent) {
    const { ours, limit } = await groundOf(site)
    const number = `{n % ${AGAIN}}`
    const replayed = ours({
      paths: ['/v1/datasources'],
      body: DIALECTS.datasources.body(`replayed_${number}`),
      headers: { 'idempotency-key': `bench-${number}` },
    })
    // The first request of each key is not a replay.
    await runLoad(site, replayed.load, { requests: AGAIN })
    return compare(site, extent, {
      ...{ work: 'a replay by idempotency key', target: 0.5 },
      ours: replayed,
      limits: [limit({ paths: ['/one/read'] })],
    })
  },
}

const trpc: Row = {
  name: 'trpc',
  async measure(site, extent) {
    const { ours, limit, id } = await groundOf(site)
    const input = encodeURIComponent(JSON.stringify({ id: `ds_test_${id.replaceAll('-', '')}` }))
    return compare(site, extent, {
      ...{ work: 'read one, tRPC', target: 0.6 },
      ours: ours({ paths: [`/trpc/datasources.get?input=${input}`] }),
      limits: [limit({ paths: ['/trpc/trivial'], on: 'trpc' })],
    })
  },
}

const p99: Row = {
  name: 'p99',
  async measure(site, extent) {
    const { ours, limit, id } = await groundOf(site)
    return [
      await compareP99(site, extent, {
        ...{ work: 'p99 of a read at half of the highest rate', target: 2 },
        ours: ours({ paths: [DIALECTS.datasources.one(id)] }),
        limit: limit({ paths: ['/one/read'] }),
      }),
    ]
  },
}

/** The rows, in the order of the table. */
export const REQUEST_ROWS: readonly Row[] = [
  ...NAMES.map(read),
  ...NAMES.map(list),
  page,
  ...NAMES.map(register),
  again,
  replay,
  trpc,
  p99,
]
