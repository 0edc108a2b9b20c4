/** The main job, once on each surface and on real databases: registered, verified, listed, read back, removed, gone. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { CLOSED_PORT } from '#test/support/http/givens.ts'
import { type Surface, type SurfaceAnswer, surfacesOf } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const NAMES = ['tRPC', 'the connections dialect', 'the datasources dialect'] as const

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

function surfaceOf(name: (typeof NAMES)[number]): Surface {
  const surface = surfacesOf(mooring).find(one => one.name === name)
  if (surface === undefined) throw new Error(`no surface is named ${name}`)
  return surface
}

/** The datasource as tRPC returns it: the connections dialect has no field for a status. */
async function inFull(uuid: string): Promise<SurfaceAnswer> {
  return surfacesOf(mooring)[0].get(uuid)
}

function outcomes(received: SurfaceAnswer): Record<string, string> {
  return Object.fromEntries((received.checks ?? []).map(check => [check.item, check.outcome]))
}

const credentialsOf = (uuid: string) =>
  query(
    mooring.databaseUrl,
    `select version, state, sealed is null as destroyed from credentials where datasource_id = '${uuid}' order by version`,
  )
const tasksOf = (uuid: string) => query(mooring.databaseUrl, `select id from tasks where datasource_id = '${uuid}'`)

describe.each(NAMES)('Through %s', name => {
  it('a database is registered, verified, listed, read back, removed, and is gone', async () => {
    const surface = surfaceOf(name)
    const made = await surface.register({ url: customer.url() })
    expect(made.http).toBe(name === 'tRPC' ? 200 : 201)
    if (made.status !== undefined) expect(made).toMatchObject({ status: 'unverified', reason: null, checks: [] })

    await settled(mooring.databaseUrl, made.uuid)
    const verified = await inFull(made.uuid)
    expect(verified).toMatchObject({ status: 'active', reason: null })
    expect(outcomes(verified)).toMatchObject({
      host: 'pass',
      connect: 'pass',
      tls: 'pass',
      authenticate: 'pass',
      server_version: 'pass',
      role_superuser: 'pass',
      role_bypassrls: 'pass',
      schema: name === 'the connections dialect' ? 'skipped' : 'pass',
    })

    expect(await surface.list()).toContain(made.uuid)
    const read = await surface.get(made.uuid)
    expect(read).toMatchObject({ http: 200, uuid: made.uuid })
    if (read.status !== undefined) expect(read.status).toBe('active')
    for (const secret of [customer.password, customer.roles.reader]) expect(read.text).not.toContain(secret)

    expect(await surface.remove(made.uuid)).toMatchObject({ http: 200 })
    expect(await surface.list()).not.toContain(made.uuid)
    expect((await surface.get(made.uuid)).http).toBe(404)
    expect((await surface.remove(made.uuid)).http).toBe(404)
    expect(await credentialsOf(made.uuid)).toEqual([{ version: 1, state: 'retired', destroyed: true }])
    expect(await tasksOf(made.uuid)).toEqual([])
  })

  it('a caller who sets a wait receives the verdict', async () => {
    const surface = surfaceOf(name)
    const made = await surface.register({ url: customer.url(), wait: 20 })
    expect(made.status ?? (await inFull(made.uuid)).status).toBe('active')
    await surface.remove(made.uuid)
  })

  it('a superuser is rejected, with the failing line and its fix', async () => {
    const surface = surfaceOf(name)
    const { uuid } = await surface.register({ url: customer.url('superuser'), wait: 20 })
    const received = await inFull(uuid)
    expect(received).toMatchObject({ status: 'rejected', reason: 'byo_role_cannot_enforce_rls' })
    const line = received.checks?.find(check => check.item === 'role_superuser')
    expect(line).toMatchObject({ outcome: 'fail', fix: expect.stringMatching(/create role|alter role/i) })
    await surface.remove(uuid)
  })

  it('a wrong password is rejected', async () => {
    const surface = surfaceOf(name)
    const { uuid } = await surface.register({ url: customer.url('reader', { password: 'not-it' }), wait: 20 })
    const received = await inFull(uuid)
    expect(received).toMatchObject({ status: 'rejected', reason: 'authentication_failed' })
    expect(outcomes(received)).toMatchObject({ connect: 'pass', authenticate: 'fail', role_superuser: 'skipped' })
    await surface.remove(uuid)
  })

  it('a closed port leaves it unverified, to be tried again later', async () => {
    const surface = surfaceOf(name)
    const { uuid } = await surface.register({ url: customer.url('reader', { port: CLOSED_PORT }), wait: 20 })
    const received = await inFull(uuid)
    expect(received).toMatchObject({ status: 'unverified', reason: 'database_unreachable' })
    expect(outcomes(received)).toMatchObject({ host: 'pass', connect: 'fail' })
    const [task] = await query(
      mooring.databaseUrl,
      `select attempts, due_at > (select max(at) from verifications v where v.datasource_id = t.datasource_id) as later
         from tasks t where datasource_id = '${uuid}'`,
    )
    expect(task).toEqual({ attempts: 1, later: true })
    await surface.remove(uuid)
  })

  // The connections dialect names no schema.
  it.skipIf(name === 'the connections dialect')(
    'a missing schema is rejected, with the schemas that the role may use',
    async () => {
      const surface = surfaceOf(name)
      const { uuid } = await surface.register({ url: customer.url(), schema: 'nowhere', wait: 20 })
      const received = await inFull(uuid)
      expect(received).toMatchObject({ status: 'rejected', reason: 'schema_not_found' })
      expect(received.checks?.find(check => check.item === 'schema')).toMatchObject({
        outcome: 'fail',
        fix: 'Give the name of a schema that exists. The role may use "app", "public".',
      })
      await surface.remove(uuid)
    },
  )
})

describe('Registered again', () => {
  it('the same database is the same datasource in the datasources dialect, and another one on the other surfaces', async () => {
    for (const surface of surfacesOf(mooring)) {
      const first = await surface.register({ url: customer.url(), wait: 20 })
      const second = await surface.register({ url: customer.url(), wait: 20 })
      const isSame = surface.name === 'the datasources dialect'
      expect(second.uuid === first.uuid).toBe(isSame)
      if (isSame) expect([first.http, second.http]).toEqual([201, 200])
      // The equal one was pending until the worker had compared it; its number is never used again.
      const compared = isSame ? [{ version: 2, state: 'retired', destroyed: true }] : []
      const inForce = { version: 1, state: 'current', destroyed: false }
      expect(await credentialsOf(first.uuid)).toEqual([inForce, ...compared])
      for (const uuid of new Set([first.uuid, second.uuid])) await surface.remove(uuid)
    }
  })

  it('all three surfaces return the same datasource', async () => {
    const [first] = surfacesOf(mooring)
    const { uuid } = await first.register({ url: customer.url() })
    for (const surface of surfacesOf(mooring)) expect((await surface.get(uuid)).http).toBe(200)
    await first.remove(uuid)
    for (const surface of surfacesOf(mooring)) expect((await surface.get(uuid)).http).toBe(404)
  })
})

describe('A wait', () => {
  it('is acknowledged by the dialects and ends at its limit, while the work continues', async () => {
    // Accepts and stays silent: the verdict takes longer than the caller waits.
    const sockets: Socket[] = []
    const { promise: bothDialled, resolve } = Promise.withResolvers<void>()
    const silent = createServer(socket => sockets.push(socket) === 2 && resolve()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = customer.url('reader', { port: portOf(silent) })
    for (const [path, body] of [
      ['/api/v1/connections', { name: 'Silent', db_type: 'postgresql', connection_string: url }],
      ['/v1/datasources', { connectionString: url }],
    ] as const) {
      const answer = await mooring.call('POST', path, { body, headers: { prefer: 'wait=1' } })
      expect(answer.status).toBe(201)
      expect(answer.headers.get('preference-applied')).toBe('wait=1')
    }
    await bothDialled
    // A first try may have been cut off by now: the task then waits for its next one, and its caller still counts.
    const unsettled = 'select id from tasks where settled < requested'
    expect(await query(mooring.databaseUrl, unsettled)).toHaveLength(2)
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
})
