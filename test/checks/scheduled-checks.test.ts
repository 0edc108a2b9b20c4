/**
 * Scheduled work: checks at intervals, backoff for a database that is away, and nobody waiting behind a dead database.
 */
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

const HOUR_MS = 3_600_000

let mooring: Mooring
let customer: Customer
let now = new Date('2026-11-21T12:00:00.000Z')

beforeAll(async () => {
  mooring = await startMooring({ clock: () => now, env: { MOORING_CHECK_INTERVAL: '3600' } })
  customer = await makeCustomer()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

async function get(id: Awaited<ReturnType<typeof register>>['id']) {
  return mooring.client().datasources.get.query({ id })
}

function register(connectionString: string, waitSeconds = 20) {
  return mooring.client().datasources.register.mutate({ connectionString, schema: 'app', waitSeconds })
}

describe('Scheduled checks', () => {
  it('verify and introspect an active datasource again after the interval, give or take a tenth', async () => {
    const made = await register(customer.url())
    expect(made.status).toBe('active')
    const dueInMs = Date.parse(made.nextCheckAt ?? '') - now.getTime()
    expect(dueInMs).toBeGreaterThanOrEqual(0.9 * HOUR_MS)
    expect(dueInMs).toBeLessThanOrEqual(1.1 * HOUR_MS)
    now = new Date(now.getTime() + 2 * HOUR_MS)
    await vi.waitFor(async () => {
      const row = await get(made.id)
      expect(row.verifiedAt).toBe(now.toISOString())
      expect(row.kind === 'direct' && row.introspectedAt).toBe(now.toISOString())
    }, 60_000)
    expect(Date.parse((await get(made.id)).nextCheckAt ?? '')).toBeGreaterThan(now.getTime())
  })

  it('notify watchers of the drift that they find', async () => {
    const made = await register(customer.url())
    await mooring.client().snapshots.introspect.mutate({ id: made.id })
    await customer.sql('alter table app.orders add column note text')
    now = new Date(now.getTime() + 2 * HOUR_MS)
    // The previous test's datasource is of the same database and drifts too, perhaps before this one.
    const drifted = "select change from changes where change = 'drifted' and datasource_id = $1"
    await onNotification(mooring.databaseUrl, async client => {
      const { rowCount } = await client.query(drifted, [bareUuid(made.id)])
      return rowCount === 1 ? true : undefined
    })
    const latest = await mooring.client().snapshots.latest.query({ id: made.id })
    expect(latest.drift).toEqual({ breaking: 0, risky: 0, safe: 1 })
  })

  it('read a catalog again only where its digest differs, and once a week', async () => {
    const made = await register(customer.url())
    /** The last snapshot after the look that is due in some hours. */
    const lookIn = async (hours: number) => {
      now = new Date(now.getTime() + hours * HOUR_MS)
      return onNotification(mooring.databaseUrl, async client => {
        const last =
          'select id, digest, digest_at, seen_at from snapshots where datasource_id = $1 order by seen_at desc, id desc'
        const { rows } = await client.query(last, [bareUuid(made.id)])
        return rows[0]?.seen_at?.getTime() === now.getTime() ? rows[0] : undefined
      })
    }
    const first = await lookIn(2)
    expect(first).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const read = first.digest_at
    expect(await lookIn(2)).toEqual({ ...first, digest_at: read, seen_at: now })
    expect((await mooring.client().snapshots.introspect.mutate({ id: made.id })).changed).toBe(false)
    await customer.sql('comment on table app.orders is $$another$$')
    const changed = await lookIn(2)
    expect(changed).toMatchObject({ digest_at: now, seen_at: now })
    expect([changed.id, changed.digest]).not.toEqual([first.id, first.digest])
    expect(await lookIn(2)).toEqual({ ...changed, seen_at: now })
    // A clock that went on for a week would leave no verdict in force, and a look without one is put off.
    await query(mooring.databaseUrl, "update snapshots set digest_at = digest_at - interval '7 days'")
    expect(await lookIn(2)).toEqual({ ...changed, digest_at: now, seen_at: now })
  })

  it('skip a rejected datasource until it is active again', async () => {
    const made = await register(customer.url())
    const introspection = `select due_at, locked_until from tasks where kind = 'introspect' and datasource_id = '${bareUuid(made.id)}'`
    await customer.sql(`alter role ${customer.roles.reader} bypassrls`)
    // It is checked three times before it is rejected.
    for (const [looks, ms] of [2 * HOUR_MS, 60_000, 600_000].entries()) {
      now = new Date(now.getTime() + ms)
      await onNotification(mooring.databaseUrl, async client => {
        const sql = "select from verifications where datasource_id = $1 and outcome = 'refused'"
        return (await client.query(sql, [bareUuid(made.id)])).rowCount === looks + 1 ? true : undefined
      })
    }
    const rejected = await onNotification(mooring.databaseUrl, async client => {
      const row = await get(made.id)
      const { rows } = await client.query(introspection)
      return row.status === 'rejected' && rows[0]?.locked_until === null ? row : undefined
    })
    expect(rejected.nextCheckAt).toBeNull()
    // It may have been read while it was checked, and is due after the interval again.
    now = new Date(now.getTime() + 2 * HOUR_MS)
    await onNotification(mooring.databaseUrl, async client => {
      const { rows } = await client.query(introspection)
      return rows[0]?.due_at === null ? true : undefined
    })
    expect(await get(made.id)).toMatchObject({ introspectedAt: expect.not.stringMatching(now.toISOString()) })
    await customer.sql(`alter role ${customer.roles.reader} nobypassrls`)
    const again = await mooring.client().datasources.verify.mutate({ id: made.id, waitSeconds: 20 })
    expect(again.status).toBe('active')
    const [task] = await query(mooring.databaseUrl, introspection)
    expect(task).toEqual({ due_at: new Date(again.nextCheckAt ?? ''), locked_until: null })
  })

  it("follow an organization's own interval, for existing databases as well", async () => {
    const run = operator({ db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: '', now: () => now })
    const before = await register(customer.url())
    await run('org', 'set', { 'check-interval': '600' })
    const latest = now.getTime() + 600_000
    const moved = await get(before.id)
    expect(Date.parse(moved.nextCheckAt ?? '')).toBeLessThanOrEqual(latest)
    const tasks = await query(
      mooring.databaseUrl,
      `select due_at from tasks where datasource_id = '${bareUuid(before.id)}' order by kind = 'verify'`,
    )
    expect(tasks.map(task => task['due_at'] instanceof Date && task['due_at'].getTime() <= latest)).toEqual([
      true,
      true,
    ])
    expect(tasks.at(-1)).toEqual({ due_at: new Date(moved.nextCheckAt ?? '') })
    const made = await register(customer.url())
    expect(Date.parse(made.nextCheckAt ?? '') - now.getTime()).toBeLessThanOrEqual(660_000)
    await run('org', 'set', { 'check-interval': 'default' })
  })

  it('leave an unreachable active datasource active, with its reason, and try again soon', async () => {
    const made = await register(customer.url())
    await query(inject('adminUrl'), `alter database ${customer.database} allow_connections false`)
    try {
      const checked = await mooring.client().datasources.verify.mutate({ id: made.id, waitSeconds: 20 })
      expect(checked.status).toBe('active')
      expect(checked.statusReason).not.toBeNull()
    } finally {
      await query(inject('adminUrl'), `alter database ${customer.database} allow_connections true`)
    }
  })

  it('are not delayed by other organizations’ silent databases, and neither are callers', async () => {
    const proxy = await startProxy(customer.port)
    const [dying, dead] = await Promise.all(['Dying', 'Dead'].map(name => mooring.newOrganization(name)))
    const theirs = [dying?.testKey, dead?.testKey].flatMap(key =>
      Array.from({ length: 6 }, (_, at) => {
        const connectionString = customer.url('reader', {
          port: proxy.port,
          parameters: `application_name=n${at}&sslmode=disable`,
        })
        return mooring.client(key).datasources.register.mutate({ connectionString, schema: 'app', waitSeconds: 20 })
      }),
    )
    expect((await Promise.all(theirs)).map(made => made.status)).toEqual(theirs.map(() => 'active'))
    const own = await register(customer.url())
    proxy.fallSilent()
    // Theirs are due before ours, all of them at once.
    const due = new Date(now.getTime() + HOUR_MS).toISOString()
    await query(
      mooring.databaseUrl,
      `update tasks set due_at = '${due}'::timestamptz + case when datasource_id = '${bareUuid(own.id)}'
        then interval '1 minute' else interval '0' end
      where due_at is not null and (datasource_id = '${bareUuid(own.id)}'
        or org_id in (select id from organizations where name in ('Dying', 'Dead')))`,
    )
    now = new Date(now.getTime() + 2 * HOUR_MS)
    await onNotification(mooring.databaseUrl, async () =>
      (await get(own.id)).verifiedAt === now.toISOString() ? true : undefined,
    )
    expect((await register(customer.url())).status).toBe('active')
    const verified = await query(
      mooring.databaseUrl,
      `select from verifications as v join organizations as o on o.id = v.org_id
      where o.name in ('Dying', 'Dead') and v.outcome = 'unreachable'`,
    )
    // Each of theirs is held for ten seconds.
    expect(verified).toEqual([])
    proxy.close()
  })
})

/** Forwards to a server, until a test makes it accept connections and stay silent. */
async function startProxy(port: number) {
  const sockets = new Set<net.Socket>()
  let isSilent = false
  const server = net.createServer(socket => {
    sockets.add(socket.on('error', () => socket.destroy()))
    if (isSilent) return
    const behind = net.connect(port, '127.0.0.1')
    sockets.add(behind.on('error', () => socket.destroy()))
    socket.pipe(behind).pipe(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: portOf(server),
    fallSilent: () => {
      isSilent = true
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
