/**
 * Our own database on PostgreSQL 15 as packaged by Debian, the oldest supported version: migrated from empty, with a
 * role for each tier, through the registry's main job.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { migrate } from '#server/store/installation/migrate.ts'
import { debianPostgres, isLeftOut } from '#test/support/database/debian-postgres.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { CORE_STORY, liveCoreStory } from '#test/support/mooring/core-story.ts'
import { makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers } from '#test/support/mooring/tiers.ts'

const programs = debianPostgres()
/** Started as the npm scripts start it, without a warning. */
const QUIET = { flags: ['--disable-sigusr1'] }
const cleanup = new AsyncDisposableStack()
afterAll(() => cleanup.disposeAsync())

describe.skipIf(isLeftOut('PostgreSQL 15 of Debian', programs !== null))('On PostgreSQL 15', () => {
  it('an empty database is migrated, both roles are granted, and the main job completes', async () => {
    if (programs === null) throw new Error('PostgreSQL 15 of Debian is not installed')
    const server = await startServer({ programs })
    cleanup.defer(() => server.stop())
    const customer = await makeCustomer()
    cleanup.defer(() => customer.drop())
    const [version] = await server.query('show server_version_num')
    expect(Number(version?.['server_version_num'])).toBeLessThan(160_000)
    const url = await server.createDatabase('mooring')
    expect((await migrate(url)).length).toBeGreaterThan(0)
    expect(await migrate(url)).toEqual([])
    const tiers = await makeTiers({ url, drop: async () => undefined })
    cleanup.defer(() => tiers.stop())
    const [web, worker] = await Promise.all([tiers.start('web', QUIET), tiers.start('worker', QUIET)])
    const reported = await liveCoreStory(tiers, [web], customer)
    expect(reported).toEqual({ ...CORE_STORY, leasedFrom: customer.database })
    // No error occurred that a retry has hidden.
    for (const one of [web, worker]) expect(one.lines().filter(line => Number(line['level']) >= 40)).toEqual([])
  })
})
