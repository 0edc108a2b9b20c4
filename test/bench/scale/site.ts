/**
 * One installation of the benchmark: a web tier in this process, and a database of a given size. Two exist at once, so
 * that they are compared under the same load of the machine.
 */
import { newId } from '#server/domain/access/ids.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { TestServer } from '#test/support/database/postgres.ts'
import { query } from '#test/support/database/postgres.ts'
import { startMooring } from '#test/support/mooring/mooring.ts'
import { type Send, sender } from './http.ts'
import { type Extent, seed } from './seed.ts'

/** Takes unused ids of datasources from here. */
const SAMPLE = 20_000
/** Rows of a page that is shorter than the usual one: with a thousand datasources, a second page exists, too. */
export const SHORT_PAGE = 20

/** The context of the rows. */
export interface Site {
  readonly datasources: number
  readonly db: Db
  readonly url: string
  readonly large: { readonly id: string; readonly send: Send }
  readonly small: { readonly id: string; readonly send: Send }
  /** A datasource of the large organization, a different one each time until they run out. */
  next(): string
  /**
   * Like `next`, with a full short page of older datasources after it: a page then has the same number of rows out of a
   * thousand as out of a million.
   */
  nextBeforeOthers(): string
  /** A value that differs from call to call. */
  unique(): string
}

/** Creates the database, starts the web tier on it and fills it. No check runs: there is no worker. */
export async function startSite(
  cleanup: AsyncDisposableStack,
  extent: Extent & { server: TestServer; name: string; say: (line: string) => void },
): Promise<Site> {
  const url = await extent.server.createDatabase(extent.name)
  await migrate(url)
  const env = { MOORING_MAX_DATASOURCES: '1000000000' }
  const mooring = await startMooring({ databaseUrl: url, worker: false, env })
  cleanup.defer(() => mooring.stop())
  const large = mooring.organization
  const small = await mooring.newOrganization('Small')
  await seed(url, { ...extent, large: large.id, small: small.id }, extent.say)
  const rows = await query(
    url,
    `select id from datasources where org_id = '${large.id}' and deleted_at is null order by md5(id::text) limit ${SAMPLE}`,
  )
  const ids = rows.map(row => String(row['id']))
  // There is less than a page after the oldest ones. Twice as many are left out, because other rows of the benchmark
  // remove some.
  const oldest = new Set(ids.toSorted().slice(0, 2 * SHORT_PAGE))
  const others = ids.filter(id => !oldest.has(id))
  let [round, count] = [0, 0]
  return {
    datasources: extent.datasources,
    db: mooring.db,
    url,
    large: { id: large.id, send: sender(mooring.url, large.testKey) },
    small: { id: small.id, send: sender(mooring.url, small.testKey) },
    next: () => ids[round++ % ids.length] ?? '',
    nextBeforeOthers: () => others[round++ % others.length] ?? '',
    unique: () => `${newId()}-${count++}`,
  }
}
