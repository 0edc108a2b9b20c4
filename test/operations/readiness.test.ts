/**
 * Readiness of both tiers, as processes under their own roles: the conditions that make a process unready, an answer in
 * every state of our own database, and a web process's knowledge of running workers.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDialler } from '#server/net/process/dialler.ts'
import { openDb } from '#server/store/database/db.ts'
import * as processes from '#server/store/installation/processes.ts'
import { query, quoted } from '#test/support/database/postgres.ts'
import { LOOPBACK } from '#test/support/dials/dialling.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { startEntry } from '#test/support/operations/processes.ts'
import { openWay, type Way } from '#test/support/operations/way.ts'

// The tests start processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let tiers: Tiers
let web: TierProcess
/** Between the web process and the database: for its statements, and for its notifications. */
let way: { statements: Way; wakes: Way }
beforeAll(async () => {
  tiers = await makeTiers()
  way = { statements: await openWay(tiers.roleUrl.web), wakes: await openWay(tiers.roleUrl.web) }
  web = await tiers.start('web', {
    env: { DATABASE_URL: way.statements.url, MOORING_LISTEN_URL: way.wakes.url },
  })
})
afterAll(async () => {
  way.statements.speak()
  way.wakes.speak()
  await tiers.stop()
  way.statements.close()
  way.wakes.close()
})

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function ask(url: string, path = '/readyz'): Promise<Answer> {
  const response = await fetch(`${url}${path}`)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const askWeb = async () => ask(await tiers.urlOf(web))

/** Polls until the answer is this one. */
async function becomes(answer: () => Promise<Answer>, expected: unknown): Promise<void> {
  await expect.poll(answer, { timeout: 30_000, interval: 250 }).toMatchObject(expected as object)
}

const READY = { status: 200, body: { ok: true, failing: [] } }
const refusedFor = (...failing: string[]) => ({ status: 503, body: { ok: false, failing } })

const databaseName = () => quoted(new URL(tiers.databaseUrl).pathname.slice(1))

/** Ends every connection of a role, so that settings of the database apply to its next ones. */
const disconnect = (role: string) =>
  query(tiers.databaseUrl, `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)

describe('A web process', () => {
  it('is ready without a worker, and reports that none is seen', async () => {
    expect(await askWeb()).toEqual({
      status: 200,
      body: { ok: true, failing: [], worker: 'not_seen', deadlines: 'set' },
    })
    expect(await ask(await tiers.urlOf(web), '/healthz')).toEqual({ status: 200, body: { ok: true } })
  })

  it('stays ready with rows outside every month, and reports that', async () => {
    await query(
      tiers.databaseUrl,
      `insert into audit_events (org_id, id, at, principal_kind, action, outcome) values
         (gen_random_uuid(), 'ffffffff-ffff-7fff-bfff-ffffffffffff', now(), 'operator', 'test', 'ok')`,
    )
    expect(await askWeb()).toMatchObject({ status: 200, body: { ok: true, failing: [], months: 'overflowing' } })
    await query(tiers.databaseUrl, `delete from audit_events_default`)
    expect((await askWeb()).body).not.toHaveProperty('months')
  })

  it('reports a worker as soon as one runs and for as long as it writes its row', async () => {
    const worker = await tiers.start('worker')
    expect(await askWeb()).toMatchObject({ status: 200, body: { worker: 'seen' } })
    const rows = await query(tiers.databaseUrl, 'select kind, version from processes order by kind')
    expect(rows).toEqual([
      { kind: 'web', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      { kind: 'worker', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    ])
    await worker.end('SIGKILL')
    // Fifteen seconds pass.
    await query(tiers.databaseUrl, `update processes set seen_at = seen_at - interval '15 s' where kind = 'worker'`)
    expect(await askWeb()).toMatchObject({ status: 200, body: { worker: 'not_seen' } })
    const next = await tiers.start('worker')
    expect(await askWeb()).toMatchObject({ status: 200, body: { worker: 'seen' } })
    // A worker that is stopped in order removes its row.
    await next.end()
    expect(await askWeb()).toMatchObject({ status: 200, body: { worker: 'not_seen' } })
  })

  it('stays ready beside a worker with other networks open, and reports that until both have the same', async () => {
    const { databaseUrl } = tiers
    const [own] = await query(databaseUrl, `select open_networks as open from processes where kind = 'web'`)
    await query(
      databaseUrl,
      `insert into processes (id, kind, version, asks_to_write, open_networks, seen_at)
       values (gen_random_uuid(), 'worker', '0.3.0', true, '10.0.0.0/8', clock_timestamp())`,
    )
    expect(await askWeb()).toMatchObject({ status: 200, body: { ok: true, failing: [], networks: 'differ' } })
    await query(databaseUrl, `update processes set open_networks = '${own?.['open']}' where kind = 'worker'`)
    expect((await askWeb()).body).toEqual({ ok: true, failing: [], worker: 'seen', deadlines: 'set' })
    await query(databaseUrl, `delete from processes where kind = 'worker'`)
  })

  it('is not ready while the database accepts no changes, though it answers', async () => {
    const alter = `alter role ${quoted(tiers.role.web)} in database ${databaseName()}`
    await query(tiers.databaseUrl, `${alter} set default_transaction_read_only = on`)
    await disconnect(tiers.role.web)
    await web.logged('the row of this process could not be written')
    const age = (seenAt: string) =>
      query(tiers.databaseUrl, `update processes set seen_at = ${seenAt} where kind = 'web'`)
    // One failure does not make it unready: the row is recent.
    await age('clock_timestamp()')
    await becomes(askWeb, READY)
    await age(`seen_at - interval '15 s'`)
    await becomes(askWeb, refusedFor('database_not_written'))
    expect(await ask(await tiers.urlOf(web), '/healthz')).toMatchObject({ status: 200 })
    await query(tiers.databaseUrl, `${alter} reset default_transaction_read_only`)
    await disconnect(tiers.role.web)
    await becomes(askWeb, READY)
  })

  it('answers in time while the database is silent, and is ready again afterwards', async () => {
    await becomes(askWeb, READY)
    way.statements.silence()
    // All at once: one more than the pool has connections.
    const answers = await Promise.all(Array.from({ length: 9 }, askWeb))
    for (const answer of answers) expect(answer).toMatchObject(refusedFor('database_unreachable'))
    way.statements.speak()
    await becomes(askWeb, READY)
  })

  it('is not ready while it receives no notifications from other processes', async () => {
    await becomes(askWeb, READY)
    way.wakes.silence()
    await becomes(askWeb, refusedFor('change_feed_down'))
    way.wakes.speak()
    await becomes(askWeb, READY)
  })

  it('is not ready while it cannot read the changes that its subscribers wait for', async () => {
    const begun = Promise.withResolvers<void>()
    const client = await tiers.client(web)
    const watching = client.datasources.watch.subscribe({}, { onStarted: () => begun.resolve(), onError: begun.reject })
    await begun.promise
    const right = 'select on changes'
    await query(tiers.databaseUrl, `revoke ${right} from ${quoted(tiers.role.web)}`)
    await becomes(askWeb, refusedFor('change_feed_down'))
    await query(tiers.databaseUrl, `grant ${right} to ${quoted(tiers.role.web)}`)
    await becomes(askWeb, READY)
    watching.unsubscribe()
  })

  it('is not ready while migrations are pending, or a right on the table of processes is missing', async () => {
    const [last] = await query(
      tiers.databaseUrl,
      'select name, timestamp from kysely_migration order by name desc limit 1',
    )
    await query(tiers.databaseUrl, `delete from kysely_migration where name = '${last?.['name']}'`)
    expect(await askWeb()).toMatchObject({
      ...refusedFor('migrations_pending'),
      body: { trouble: expect.stringContaining('mooring -- migrate') },
    })
    await query(
      tiers.databaseUrl,
      `insert into kysely_migration (name, timestamp) values ('${last?.['name']}', '${last?.['timestamp']}')`,
    )
    await query(tiers.databaseUrl, `revoke all on processes from ${quoted(tiers.role.web)}`)
    expect(await askWeb()).toMatchObject({
      ...refusedFor('grants_missing'),
      body: { trouble: expect.stringContaining('db grant') },
    })
    await query(tiers.databaseUrl, `grant select, insert, update, delete on processes to ${quoted(tiers.role.web)}`)
    await becomes(askWeb, READY)
  })

  it('reveals to strangers only codes and the command to run', async () => {
    const { host, username, pathname } = new URL(tiers.roleUrl.web)
    way.statements.silence()
    const text = JSON.stringify(await askWeb())
    way.statements.speak()
    for (const secret of [host, username, pathname.slice(1), web.pid]) expect(text).not.toContain(String(secret))
    await becomes(askWeb, READY)
  })
})

describe('Deadlines', () => {
  it('are settings of both roles, which end a wait for a lock and an idle transaction', async () => {
    for (const tier of ['web', 'worker'] as const) {
      const displayed = await query(
        tiers.roleUrl[tier],
        `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
           current_setting('idle_in_transaction_session_timeout') as idle`,
      )
      expect(displayed).toEqual([{ statement: '15s', lock: '2s', idle: '15s' }])
    }
    const holder = new pg.Client({ connectionString: tiers.databaseUrl })
    await holder.connect()
    try {
      await holder.query('begin; lock table changes in access exclusive mode')
      await expect(query(tiers.roleUrl.web, 'select from changes')).rejects.toMatchObject({ code: '55P03' })
    } finally {
      await holder.end()
    }
  })

  it('that a role lacks are reported by readiness and the log; stricter ones are accepted', async () => {
    const role = quoted(tiers.role.web)
    for (const [setting, deadlines] of [
      ['lock_timeout = 0', 'missing'],
      ["lock_timeout = '1h'", 'missing'],
      ["lock_timeout = '250ms'", 'set'],
    ] as const) {
      await query(tiers.databaseUrl, `alter role ${role} in database ${databaseName()} set ${setting}`)
      await disconnect(tiers.role.web)
      await becomes(askWeb, { status: 200, body: { deadlines } })
    }
    await query(tiers.databaseUrl, `alter role ${role} in database ${databaseName()} reset all`)
    const second = await tiers.start('web')
    await second.logged('the role of this process lacks the deadlines of statements: run `mooring db grant`')
    await second.end()
  })

  it('are written by `db grant`, and printed as equivalent statements', async () => {
    const grant = ['db', 'grant', '--web', tiers.role.web, '--worker', tiers.role.worker]
    const env = { DATABASE_URL: tiers.databaseUrl, MOORING_KEYRING: tiers.dir }
    const settings = () =>
      query(
        tiers.databaseUrl,
        `select rolname, setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
         where rolname in ('${tiers.role.web}', '${tiers.role.worker}') order by 1`,
      )
    const config = ['statement_timeout=15000ms', 'lock_timeout=2000ms', 'idle_in_transaction_session_timeout=15000ms']
    const both = [tiers.role.web, tiers.role.worker].map(rolname => ({ rolname, setconfig: config }))
    for (const how of ['apply', 'print'] as const) {
      for (const role of Object.values(tiers.role))
        await query(tiers.databaseUrl, `alter role ${quoted(role)} in database ${databaseName()} reset all`)
      const command = startEntry('cli', env, how === 'apply' ? [...grant, '--apply'] : grant)
      expect([await command.ended, command.err()]).toEqual([0, how === 'apply' ? 'granted\n' : ''])
      for (const statement of command.out) await query(tiers.databaseUrl, statement)
      expect(await settings()).toEqual(both)
    }
  })

  it('that the owner of the tables may not set are printed as statements for another role; the grants are applied', async () => {
    const owner = `owner_${tiers.role.web}`
    await query(tiers.databaseUrl, `create role ${quoted(owner)} login password 'owner'`)
    try {
      await query(
        tiers.databaseUrl,
        `alter database ${databaseName()} owner to ${quoted(owner)};
         do $$ declare one text; begin
           for one in select format('alter table %s owner to ${quoted(owner)}', oid::regclass) from pg_class
               where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
             union all select format('alter routine %s owner to ${quoted(owner)}', oid::regprocedure) from pg_proc
               where pronamespace = 'public'::regnamespace
           loop execute one; end loop;
         end $$`,
      )
      const url = new URL(tiers.databaseUrl)
      url.username = owner
      url.password = 'owner'
      const command = startEntry('cli', { DATABASE_URL: url.href, MOORING_KEYRING: tiers.dir }, [
        ...['db', 'grant', '--web', tiers.role.web, '--worker', tiers.role.worker, '--apply'],
      ])
      expect(await command.ended).toBe(1)
      expect(command.err()).toMatch(/^Granted, but .* may not alter these roles/)
      const statements = command
        .err()
        .split('\n')
        .filter(line => line.startsWith('do '))
      expect(statements).toHaveLength(2)
      for (const statement of statements) await query(tiers.databaseUrl, statement)
    } finally {
      await query(
        tiers.databaseUrl,
        `reassign owned by ${quoted(owner)} to current_user; drop owned by ${quoted(owner)}; drop role ${quoted(owner)}`,
      )
    }
  })
})

describe('A worker', () => {
  it('answers probes on a port of its own, and nothing else', async () => {
    const worker = await tiers.start('worker', { env: { MOORING_HEALTH_PORT: '0' } })
    const url = `http://127.0.0.1:${String((await worker.logged('worker is running'))['healthPort'])}`
    expect(await ask(url)).toMatchObject({ status: 200, body: { ok: true, failing: [], worker: 'seen' } })
    expect(await ask(url, '/healthz')).toEqual({ status: 200, body: { ok: true } })
    expect(await ask(url, '/v1/datasources')).toMatchObject({ status: 404 })
    const posted = await fetch(`${url}/readyz`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const head = await fetch(`${url}/readyz`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    await query(tiers.databaseUrl, `revoke all on processes from ${quoted(tiers.role.worker)}`)
    expect(await ask(url)).toMatchObject(refusedFor('grants_missing'))
    await query(tiers.databaseUrl, `grant select, insert, update, delete on processes to ${quoted(tiers.role.worker)}`)
    await becomes(() => ask(url), READY)
    await worker.end()
    await expect(fetch(url)).rejects.toThrow()
  })

  it('gives up a claim that the database does not answer, and continues on another connection', async () => {
    const direct = await openWay(tiers.roleUrl.worker)
    try {
      const env = { DATABASE_URL: direct.url, MOORING_LISTEN_URL: tiers.roleUrl.worker, MOORING_HEALTH_PORT: '0' }
      const worker = await tiers.start('worker', { env })
      const url = `http://127.0.0.1:${String((await worker.logged('worker is running'))['healthPort'])}`
      const silentSince = Date.now()
      direct.silence()
      const line = await worker.logged('no tasks could be claimed')
      // The deadline of a claim is two seconds; that of other statements is sixteen. A claim that finds no open connection
      // waits for one first, at most ten seconds.
      const mostMs = JSON.stringify(line['cause']).includes('NoConnection') ? 14_000 : 7_000
      expect(Number(line['time']) - silentSince).toBeLessThan(mostMs)
      direct.speak()
      await becomes(() => ask(url), READY)
      await worker.end()
    } finally {
      direct.close()
    }
  })

  it('that cannot listen there does not start, and names the variable', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    try {
      const worker = tiers.start('worker', { env: { MOORING_HEALTH_PORT: String(portOf(taken)) } })
      await expect(worker).rejects.toThrow(/MOORING_HEALTH_PORT must be a port/)
    } finally {
      taken.close()
    }
  })

  it('that cannot start a dialling process is not ready', async () => {
    const settings = { policy: LOOPBACK, dnsServers: [], children: 1, memoryMiB: 192, log: () => undefined }
    const unable = createDialler({ ...settings, extraCa: 'no certificate' })
    await expect(unable.ready()).rejects.toThrow(/cannot start/)
    expect(unable.canDial()).toBe(false)
    await unable.close()
    const able = createDialler(settings)
    await able.ready()
    expect(able.canDial()).toBe(true)
    await able.close()
  })
})

describe('Rows of processes', () => {
  it('that have ended are removed, a hundred at a time, and those of running ones stay', async () => {
    const db = openDb({ url: tiers.databaseUrl, size: 1, onError: () => undefined })
    try {
      await query(
        tiers.databaseUrl,
        `insert into processes (id, kind, version, seen_at)
         select gen_random_uuid(), 'worker', 'gone', clock_timestamp() - interval '11 min' from generate_series(1, 150)`,
      )
      const left = async () => {
        const rows = await query(tiers.databaseUrl, `select count(*) from processes where version = 'gone'`)
        return Number(rows[0]?.['count'])
      }
      await processes.removeGone(db)
      expect(await left()).toBe(50)
      await processes.removeGone(db)
      expect(await left()).toBe(0)
      await becomes(askWeb, READY)
    } finally {
      await db.destroy()
    }
  })
})
