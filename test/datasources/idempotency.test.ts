/** One idempotency key, one effect: the first answer is stored and replayed for every repeat. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { faultOf, sealConnectionString } from '#client/index.ts'
import { onNotification, quiet } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows, difference, effects } from '#test/support/database/rows.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { startEntry } from '#test/support/operations/processes.ts'

const HOUR_MS = 3_600_000

let mooring: Mooring
let customer: Customer
let aheadMs = 0
beforeAll(async () => {
  mooring = await startMooring({ clock: () => new Date(Date.now() + aheadMs) })
  customer = await makeCustomer()
})
beforeEach(() => {
  aheadMs = 0
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const rowsOf = (org: string) =>
  sql(
    `select (select count(*)::int from datasources where org_id = '${org}') as datasources,
       (select count(*)::int from tasks where org_id = '${org}' and kind = 'verify') as tasks,
       (select count(*)::int from audit_events where org_id = '${org}' and action = 'datasource.registered') as events,
       (select count(*)::int from idempotency_keys where org_id = '${org}') as keys`,
  )
const one = [{ datasources: 1, tasks: 1, events: 1, keys: 1 }]

interface Ask {
  readonly idempotencyKey: string
  readonly url?: string
  readonly key?: string
  readonly at?: string
}

/** A registration on each surface, with its idempotency key where that surface has one. */
const SURFACES = [
  [
    'the datasources dialect',
    ({ idempotencyKey, url = customer.url(), ...of }: Ask) =>
      send({ ...of, path: '/v1/datasources', body: { connectionString: url }, idempotencyKey }),
  ],
  [
    'the connections dialect',
    ({ idempotencyKey, url = customer.url(), ...of }: Ask) => {
      const body = { name: 'Shop', db_type: 'postgresql', connection_string: url }
      return send({ ...of, path: '/api/v1/connections', body, idempotencyKey })
    },
  ],
  [
    'tRPC',
    ({ idempotencyKey, url = customer.url(), ...of }: Ask) =>
      send({ ...of, path: '/trpc/datasources.register', body: { connectionString: url, idempotencyKey } }),
  ],
] as const

async function send({
  path,
  body,
  idempotencyKey,
  key = mooring.organization.testKey,
  at = mooring.url,
}: {
  path: string
  body: object
  idempotencyKey?: string
  key?: string
  at?: string
}) {
  const named = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...named }
  const answer = await fetch(at + path, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await answer.text()
  const replayed = answer.headers.get('idempotent-replayed')
  return { status: answer.status, text, body: JSON.parse(text), replayed }
}

describe.each(SURFACES)('In %s', (surface, register) => {
  it('50 concurrent registrations with one key create one row and return 50 equal answers', async () => {
    // The process has nothing cached for this organization yet, including its sealing key.
    const { id, testKey: key } = await mooring.newOrganization('Fifty')
    const answers = await Promise.all(Array.from({ length: 50 }, () => register({ idempotencyKey: 'fifty', key })))
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([surface === 'tRPC' ? 200 : 201]))
    expect(new Set(answers.map(answer => answer.text)).size).toBe(1)
    if (surface !== 'tRPC') expect(answers.filter(answer => answer.replayed === 'true')).toHaveLength(49)
    expect(await rowsOf(id)).toEqual(one)
  })

  it('another body under the same key is a conflict and has no effect', async () => {
    const { testKey: key } = await mooring.newOrganization('Conflict')
    const first = await register({ idempotencyKey: 'same', key })
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    const other = await register({ idempotencyKey: 'same', key, url: customer.url('superuser') })
    expect(other.status).toBe(409)
    expect(other.text).toMatch(surface === 'the connections dialect' ? /"CONFLICT"/ : /"idempotency_conflict"/)
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    expect((await register({ idempotencyKey: 'same', key })).text).toBe(first.text)
  })

  it('another principal does not receive the answer', async () => {
    const { id, testKey, liveKey } = await mooring.newOrganization('Principals')
    const mine = await register({ idempotencyKey: 'mine', key: testKey })
    const theirs = await register({ idempotencyKey: 'mine', key: liveKey })
    expect(theirs.replayed).toBeNull()
    expect(theirs.text).not.toBe(mine.text)
    expect(await rowsOf(id)).toEqual([{ datasources: 2, tasks: 2, events: 2, keys: 2 }])
  })

  it('a key has at most 255 characters', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Long')
    const tooLong = await register({ idempotencyKey: 'k'.repeat(256), key })
    expect(tooLong.status).toBe(400)
    expect(await rowsOf(id)).toEqual([{ datasources: 0, tasks: 0, events: 0, keys: 0 }])
    expect((await register({ idempotencyKey: 'k'.repeat(255), key })).status).toBeLessThan(300)
  })

  it('a refusal is not stored: the key is free for the corrected request', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Refused')
    const refused = await register({ idempotencyKey: 'again', key, url: 'postgres://nobody' })
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect((await register({ idempotencyKey: 'again', key })).status).toBeLessThan(300)
    expect(await rowsOf(id)).toEqual(one)
  })
})

describe('After 24 hours', () => {
  it('the key is new again', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Tomorrow')
    const body = { name: 'Shop', db_type: 'postgresql', connection_string: customer.url() }
    const ask = () => send({ path: '/api/v1/connections', body, idempotencyKey: 'day', key })
    const first = await ask()
    aheadMs = 24 * HOUR_MS - 60_000
    expect(await ask()).toMatchObject({ replayed: 'true', text: first.text })
    aheadMs = 24 * HOUR_MS + 60_000
    const second = await ask()
    expect(second).toMatchObject({ status: 201, replayed: null })
    expect(second.body.data.id).not.toBe(first.body.data.id)
    expect(await ask()).toMatchObject({ replayed: 'true', text: second.text })
    expect((await rowsOf(id))[0]).toMatchObject({ datasources: 2, keys: 1 })
  })
})

describe('A key', () => {
  it('belongs to one method and path', async () => {
    const { testKey: key } = await mooring.newOrganization('Paths')
    const body = { connectionString: customer.url() }
    const first = await send({ path: '/v1/datasources', body, idempotencyKey: 'path', key })
    const validated = await send({ path: '/v1/datasources/validate', body, idempotencyKey: 'path', key })
    expect(validated).toMatchObject({ status: 200, replayed: null, body: { object: 'datasource_validation' } })
    const again = await send({ path: '/v1/datasources/validate', body, idempotencyKey: 'path', key })
    expect(again).toMatchObject({ replayed: 'true', text: validated.text })
    expect((await send({ path: '/v1/datasources', body, idempotencyKey: 'path', key })).text).toBe(first.text)
  })

  it('is free again after a conflict', async () => {
    const { datasources } = mooring.client()
    const { id } = await datasources.register.mutate({ connectionString: customer.url() })
    const rotation = { id, connectionString: customer.url('superuser'), idempotencyKey: 'free' }
    const refused = await datasources.rotate.mutate({ ...rotation, expectedVersion: 7 }).catch(faultOf)
    expect(refused).toBe('conflict')
    expect(await sql("select key from idempotency_keys where key = 'free'")).toEqual([])
    await datasources.rotate.mutate({ ...rotation, expectedVersion: 1 })
  })

  it('replays an answer while it is stored, even after the datasource is removed', async () => {
    const { datasources } = mooring.client()
    const { id } = await datasources.register.mutate({ connectionString: customer.url() })
    const rename = () => datasources.update.mutate({ id, name: 'Renamed', idempotencyKey: 'rename' })
    const remove = () => datasources.remove.mutate({ id, idempotencyKey: 'remove' })
    const renamed = await rename()
    const removed = await remove()
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    expect(await remove()).toEqual(removed)
    expect(await rename()).toEqual(renamed)
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  })
})

describe('A precondition of a first request', () => {
  it('does not block a replay: the datasources of a capability may be gone', async () => {
    const { testKey: key } = await mooring.newOrganization('Named')
    const { datasources } = mooring.client(key)
    const { id } = await datasources.register.mutate({ connectionString: customer.url() })
    const body = { operations: ['datasources.read'], ttlSeconds: 600, datasourceIds: [id] }
    const ask = (idempotencyKey: string) => send({ path: '/v1/capabilities', body, idempotencyKey, key })
    const { token: _, ...first } = (await ask('named')).body
    await datasources.remove.mutate({ id })
    const again = await ask('named')
    expect([again.status, again.replayed, again.body]).toEqual([201, 'true', first])
    expect(await ask('another')).toMatchObject({ status: 400, replayed: null, body: { param: 'datasourceIds.0' } })
  })

  it('does not block a replay: the introspected datasource may be gone', async () => {
    const { testKey: key } = await mooring.newOrganization('Introspected')
    const { datasources } = mooring.client(key)
    const { id } = await datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    const path = `/v1/datasources/${id}/introspect`
    const ask = (idempotencyKey: string) => send({ path, body: {}, idempotencyKey, key })
    const first = await ask('introspected')
    expect(first.status).toBe(200)
    await datasources.remove.mutate({ id })
    expect(await ask('introspected')).toEqual({ ...first, replayed: 'true' })
    expect(await ask('another')).toMatchObject({ status: 404, replayed: null })
  })

  it('does not block a replay: the key that a string was sealed to may be retired', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Sealed')
    const sealingKey = await mooring.client(key).organization.sealingKey.query()
    const { keyId, ...box } = await sealConnectionString(customer.url(), sealingKey)
    const body = { ...box, key_id: keyId, schema: 'app' }
    const ask = (idempotencyKey: string) => send({ path: '/v1/datasources/validate', body, idempotencyKey, key })
    const first = await ask('sealed')
    expect(first).toMatchObject({ status: 200, body: { reachable: true } })
    await sql(`update organization_keys set retired_at = now() - interval '30 days' where org_id = '${id}'`)
    expect(await ask('sealed')).toEqual({ ...first, replayed: 'true' })
    expect(await ask('another')).toMatchObject({ status: 400, replayed: null, body: { param: 'key_id' } })
  })
})

describe('A token that is shown once', () => {
  it.each([
    ['an API key', '/trpc/organization.createKey', { mode: 'test', idempotencyKey: 'token' }],
    [
      'a capability',
      '/trpc/organization.mintCapability',
      { operations: ['datasources.read'], participantKind: 'agent', ttlSeconds: 60, idempotencyKey: 'token' },
    ],
  ])('is stored nowhere: the replayed answer for %s is without it', async (_what, path, body) => {
    const first = (await send({ path, body })).body.result.data
    const token: string = first.key ?? first.token
    expect(token).toMatch(/^[sr]k_test_/)
    const again = await send({ path, body })
    expect(again.status).toBe(200)
    const { key: _, token: __, ...displayed } = first
    expect(again.body.result.data).toEqual(displayed)
    expect(JSON.stringify(await allRows(mooring.databaseUrl))).not.toContain(token.slice(8))
  })
})

/** Resolves once a session waits for a lock in Mooring's database, for a statement like this one. */
async function blocked(admin: pg.Client, statement: string, count = 1): Promise<void> {
  for (;;) {
    const { rowCount } = await admin.query(
      "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike $1",
      [`%${statement}%`],
    )
    if ((rowCount ?? 0) >= count) return
    await admin.query('select pg_sleep(0.02)')
  }
}

describe('A process that is killed before its commit', () => {
  it('leaves neither claim nor effect: the request that waited for it proceeds', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Killed')
    const web = startEntry('web', {
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: mooring.databaseUrl,
      MOORING_KEYRING: join(mooring.config.keyring, 'web.json'),
      MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
    })
    const [, port] = await web.line(/"port":(\d+).*web is listening/)
    const holder = new pg.Client({ connectionString: mooring.databaseUrl })
    await holder.connect()
    const watcher = new pg.Client({ connectionString: mooring.databaseUrl })
    await watcher.connect()
    // The claim is written, and the effect reaches its audit row.
    await holder.query('begin; lock table audit_events in exclusive mode')
    const body = { connectionString: customer.url() }
    const ask = { path: '/v1/datasources', body, idempotencyKey: 'killed', key }
    const dying = send({ ...ask, at: `http://127.0.0.1:${port}` }).then(
      () => 'answered',
      () => 'broken off',
    )
    await blocked(watcher, 'register_datasource_2')
    const second = send(ask)
    await blocked(watcher, 'insert into idempotency_keys')

    expect(await web.stop('SIGKILL')).toBeNull()
    expect(await dying).toBe('broken off')
    await holder.query('commit')
    expect(await second).toMatchObject({ status: 201, replayed: null })
    expect(await rowsOf(id)).toEqual(one)
    expect(await send(ask)).toMatchObject({ status: 201, replayed: 'true', text: (await second).text })
    await Promise.all([holder.end(), watcher.end()])
  })
})

describe('A caller who waits for the verdict', () => {
  it('gets the same verdict for the same key, even when they repeat the request before it exists', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Waiting')
    // Holds back connections to the customer's server until released.
    const opened = Promise.withResolvers<void>()
    const gate = createServer(async socket => {
      socket.on('error', () => undefined)
      await opened.promise
      const onward = connect(customer.port, '127.0.0.1')
      onward.on('error', () => socket.destroy())
      socket.pipe(onward).pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(gate, 'listening')
    const body = { connectionString: customer.url('reader', { port: portOf(gate) }), schema: 'app' }
    const headers = { prefer: 'wait=20', 'idempotency-key': 'verdict' }
    const ask = () => mooring.call('POST', '/v1/datasources', { key, body, headers })
    const first = ask()
    await onNotification(mooring.databaseUrl, async client => {
      const { rowCount } = await client.query('select key from idempotency_keys where org_id = $1', [id])
      return rowCount === 1 ? true : undefined
    })
    const second = ask()
    opened.resolve()
    const [one, two] = await Promise.all([first, second])
    expect(one).toMatchObject({ status: 201, body: { status: 'active' } })
    expect([two.status, two.text]).toEqual([one.status, one.text])
    expect(two.headers.get('idempotent-replayed')).toBe('true')
    expect((await rowsOf(id))[0]).toMatchObject({ datasources: 1, tasks: 1 })
    gate.close()
  })
})
