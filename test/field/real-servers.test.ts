/**
 * R7 and R10 on real servers: a hot standby that streams from its primary, a standby that accepts no connections, and a
 * database whose drop was interrupted.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyLogin } from '#test/support/checks/judged-login.ts'
import { installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { REPLICATION_HBA, type Standby, startStandby } from '#test/support/database/standby.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { asRole } from '#test/support/schemas/catalog.ts'

const PASSWORD = 'correct-horse-7-battery'
const LOGIN = { database: 'shop', user: 'app', password: PASSWORD }
const SHOP = `create role app login password '${PASSWORD}'; create role shop_owner login password 'shop_owner'`

describe('A standby', () => {
  let mooring: Mooring
  let primary: TestServer
  const standbys: Standby[] = []
  const started = async (options?: Parameters<typeof startStandby>[1]) => {
    const standby = await startStandby(primary, options)
    standbys.push(standby)
    return standby
  }

  beforeAll(async () => {
    const hba = `host all all 127.0.0.1/32 scram-sha-256\n${REPLICATION_HBA}`
    ;[mooring, primary] = await Promise.all([startMooring(), startServer({ hba })])
    await primary.query(SHOP)
    await primary.createDatabase('shop')
    await primary.query('create schema app; grant usage on schema app to app', 'shop')
  })
  afterAll(async () => {
    for (const standby of standbys) await standby.stop()
    await primary?.stop()
    await mooring?.stop()
  })

  it('that streams from its primary is active with advice, and the primary has none of it', async () => {
    const standby = await started()
    await primary.query('create table app.late (id int); grant select on app.late to app', 'shop')
    // The table can only get there by replication, because it was created after the copy.
    while ((await standby.query("select where to_regclass('app.late') is not null", 'shop')).length === 0);
    expect(await standby.query('select status from pg_stat_wal_receiver')).toEqual([{ status: 'streaming' }])
    const string = (port: number) => `postgres://app:${PASSWORD}@127.0.0.1:${port}/shop?sslmode=require&schema=app`
    const { register } = mooring.client().datasources
    const registered = (port: number) => register.mutate({ connectionString: string(port), waitSeconds: 30 })
    const made = await registered(standby.port)
    expect(made).toMatchObject({ status: 'active', schema: 'app' })
    const [advised] = made.advisories.filter(({ item }) => item === 'standby')
    expect(advised?.recommendation).toContain('Use the host of the primary')
    const flat = await mooring.call('GET', `/v1/datasources/${made.id}`)
    expect(flat.body.advisories).toContainEqual(advised)
    const { judgement } = await verifyLogin({ ...LOGIN, port: primary.port })
    expect([judgement.outcome, judgement.advisories.some(({ item }) => item === 'standby')]).toEqual(['passed', false])
  })

  it('that accepts no connections is distinguished from an unreachable server, and is retried', async () => {
    const { port } = await started({ isHot: false })
    const { judgement } = await verifyLogin({ ...LOGIN, port })
    expect(judgement).toMatchObject({ reason: 'database_unreachable', retryable: true })
    expect(judgement.checks.find(({ outcome }) => outcome === 'fail')).toMatchObject({
      item: 'database',
      actual: expect.stringContaining('a standby that does not accept connections (SQLSTATE 57P03)'),
      fix: expect.stringMatching(/hot_standby = on.*host of the primary/),
    })
  })
})

describe.each([installedMajors()[0] ?? 18, 18] as const)(
  'A database whose drop was interrupted, on PostgreSQL %i,',
  major => {
    it('is distinguished from a missing one, with a fix that its owner can paste', async () => {
      const server = await startServer({ major })
      try {
        await server.query(SHOP)
        await server.query('create database shop owner shop_owner')
        await server.query("update pg_catalog.pg_database set datconnlimit = -2 where datname = 'shop'")
        const { judgement } = await verifyLogin({ ...LOGIN, port: server.port })
        expect(judgement).toMatchObject({ reason: 'database_not_found', retryable: false })
        const line = judgement.checks.find(({ outcome }) => outcome === 'fail')
        expect(line).toMatchObject({ item: 'database', actual: expect.stringContaining('dropping it was interrupted') })
        const [, sql = ''] = /(drop database .+;)$/.exec(line?.fix ?? '') ?? []
        await query(asRole(server.adminUrl, 'shop_owner'), sql)
        expect(await server.query("select from pg_catalog.pg_database where datname = 'shop'")).toEqual([])
      } finally {
        await server.stop()
      }
    })
  },
)
