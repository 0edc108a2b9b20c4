/**
 * A rotation cannot break a working database: the new credential is tried first, and the old one stays until the new
 * one passes.
 */
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClient, faultOf } from '#client/index.ts'
import { type DatasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import { quiet } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer, type Otherwise } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let dns: DnsServer
let mooring: Mooring
let customer: Customer
let elsewhere: Customer
beforeAll(async () => {
  dns = await startDnsServer()
  // Refused for good, so that the worker checks an endpoint once and not repeatedly.
  dns.answer('api.acme.io', { addresses: ['10.0.0.1'] })
  mooring = await startMooring({ env: { MOORING_DNS_SERVERS: dns.address } })
  customer = await makeCustomer()
  elsewhere = await makeCustomer()
})
beforeEach(async () => {
  // The tests dial one server more often than any caller may.
  await sql('delete from dial_budgets')
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await dns.close()
  await elsewhere.drop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const datasources = () => mooring.client().datasources
const uuid = (id: string) => datasourceUuid(id) ?? ''
const credentialsOf = (id: string) =>
  sql(
    `select version, state, sealed is null as destroyed from credentials where datasource_id = '${uuid(id)}' order by version`,
  )
const pendingOf = (id: string) =>
  sql(`select version from credentials where datasource_id = '${uuid(id)}' and state = 'pending'`)

/** The same login with another application name: another fingerprint, and it works. */
const named = (name: string, otherwise: Otherwise = {}) =>
  customer.url('reader', { ...otherwise, parameters: `application_name=${name}` })

async function registered(connectionString = customer.url()) {
  const made = await datasources().register.mutate({ connectionString, schema: 'app', waitSeconds: 20 })
  expect(made).toMatchObject({ status: 'active', credentialVersion: 1 })
  return made
}

/** Through the dialect that has a natural key. */
const post = (connectionString: string, prefer = 'wait=20') =>
  mooring.call('POST', '/v1/datasources', { body: { connectionString, schema: 'app' }, headers: { prefer } })

async function fault(refused: Promise<unknown>): Promise<string | null> {
  return refused.then(() => 'none', faultOf)
}

const current = (version: number) => ({ version, state: 'current', destroyed: false })
const retired = (version: number) => ({ version, state: 'retired', destroyed: true })

describe('A new credential', () => {
  it('that passes replaces the one in force, whose bytes are destroyed', async () => {
    const { id, credentialFingerprint } = await registered()
    const [before] = await sql(
      `select encode(sealed, 'hex') as bytes from credentials where datasource_id = '${uuid(id)}'`,
    )
    const rotated = await datasources().rotate.mutate({ id, connectionString: named('two'), waitSeconds: 20 })
    expect(rotated).toMatchObject({ id, status: 'active', statusReason: null, credentialVersion: 2 })
    expect(rotated.credentialFingerprint).not.toBe(credentialFingerprint)
    expect(await credentialsOf(id)).toEqual([retired(1), current(2)])
    expect(before?.['bytes']).toMatch(/^[0-9a-f]{200,}$/)
    expect(JSON.stringify(await effects(mooring.databaseUrl))).not.toContain(before?.['bytes'])
  })

  it.each([
    ['in clear', false],
    ['sealed by the client', true],
  ])('that came %s and is refused is destroyed, and the one in force stays as it was', async (_, seal) => {
    const made = await registered()
    const connectionString = customer.url('reader', { password: 'not-the-password' })
    const client = createClient({ url: mooring.url, key: mooring.organization.testKey, seal, retries: 0 })
    const refused = await client.datasources.rotate.mutate({ id: made.id, connectionString, waitSeconds: 20 })
    const { credentialVersion, credentialFingerprint, verifiedAt } = made
    expect(refused).toMatchObject({ status: 'active', credentialVersion, credentialFingerprint, verifiedAt })
    expect(refused.statusReason).toBe('authentication_failed')
    expect(refused.checks.find(check => check.item === 'authenticate')?.outcome).toBe('fail')
    expect(await credentialsOf(made.id)).toEqual([current(1), retired(2)])

    const verified = await datasources().verify.mutate({ id: made.id, waitSeconds: 20 })
    expect(verified).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
  })

  it('for a superuser is refused, and does not end the working one', async () => {
    const { id } = await registered()
    const refused = await datasources().rotate.mutate({
      id,
      connectionString: customer.url('superuser'),
      waitSeconds: 20,
    })
    expect(refused).toMatchObject({
      status: 'active',
      statusReason: 'byo_role_cannot_enforce_rls',
      credentialVersion: 1,
    })
    expect(await credentialsOf(id)).toEqual([current(1), retired(2)])
  })

  it('for another database is refused without a dial, and accepted with allowMove', async () => {
    const { id } = await registered()
    const connectionString = elsewhere.url()
    const refused = await datasources().rotate.mutate({ id, connectionString, waitSeconds: 20 })
    expect(refused).toMatchObject({ status: 'active', statusReason: 'target_changed', checks: [] })
    expect(refused).toMatchObject({ database: customer.database, credentialVersion: 1 })
    expect(await credentialsOf(id)).toEqual([current(1), retired(2)])

    const moved = await datasources().rotate.mutate({ id, connectionString, allowMove: true, waitSeconds: 20 })
    expect(moved).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 3 })
    expect(moved).toMatchObject({
      database: elsewhere.database,
      displayName: expect.stringContaining(elsewhere.database),
    })
  })

  it('moves the natural key with the database', async () => {
    const { body: first } = await post(customer.url())
    const moved = { id: first.id, connectionString: elsewhere.url(), allowMove: true, waitSeconds: 20 }
    await datasources().rotate.mutate(moved)
    expect((await post(elsewhere.url())).body).toMatchObject({ id: first.id, database: elsewhere.database })
    const { status, body: second } = await post(customer.url())
    expect(status).toBe(201)
    expect(second.id).not.toBe(first.id)

    // The second one's key cannot be taken by moving the first one back.
    const back = { id: first.id, connectionString: named('back'), allowMove: true, waitSeconds: 20 }
    expect(await datasources().rotate.mutate(back)).toMatchObject({ database: customer.database, status: 'active' })
    expect((await post(customer.url())).body.id).toBe(second.id)
    for (const id of [first.id, second.id]) await datasources().remove.mutate({ id })
  })

  it('does not wait for the datasource that has the natural key of its new place', async () => {
    const { body: first } = await post(customer.url())
    const { body: second } = await post(elsewhere.url())
    // As the removal of an organization locks them all, or the move of the second one onto the key of the first.
    const holder = new pg.Client({ connectionString: mooring.databaseUrl })
    await holder.connect()
    await holder.query(`begin; select from datasources where id = '${uuid(second.id)}' for no key update`)
    const moved = { id: first.id, connectionString: elsewhere.url(), allowMove: true, waitSeconds: 20 }
    const rotated = await datasources().rotate.mutate(moved)
    await holder.end()
    expect(rotated).toMatchObject({ database: elsewhere.database, status: 'active' })
    for (const id of [first.id, second.id]) await datasources().remove.mutate({ id })
  })

  it('is refused when another version is in force than the caller expects, and nothing is written', async () => {
    const { id } = await registered()
    const rotate = (expectedVersion: number, name: string) =>
      datasources().rotate.mutate({ id, connectionString: named(name), expectedVersion, waitSeconds: 20 })
    expect(await rotate(1, 'expected')).toMatchObject({ credentialVersion: 2 })
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    expect(await fault(rotate(1, 'stale'))).toBe('conflict')
    expect(await fault(rotate(3, 'ahead'))).toBe('conflict')
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  })

  it('is not accepted for an endpoint, nor a signing key for a direct datasource', async () => {
    const endpoint = await datasources().register.mutate({
      endpoint: 'https://api.acme.io/feed',
      signingKey: 'a signing key',
    })
    const { id } = await registered()
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    expect(await fault(datasources().rotate.mutate({ id: endpoint.id, connectionString: customer.url() }))).toBe(
      'invalid_body',
    )
    const refused = await mooring.call('POST', `/v1/datasources/${id}/rotate_key`, {
      body: { signingKey: 'another key' },
    })
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_body', param: 'signingKey' } })
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  })
})

/** A port that refuses at first, and a function that makes it forward to the customer's server. */
async function closedPort(): Promise<{ port: number; open: () => Promise<Server> }> {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const port = portOf(closed)
  closed.close()
  await once(closed, 'close')
  const through = createServer(socket => {
    const onward = connect(customer.port, '127.0.0.1')
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  return {
    port,
    open: async () => {
      through.listen(port, '127.0.0.1')
      await once(through, 'listening')
      return through
    },
  }
}

/** Rotates to a place without a server, and waits until the check has found that. */
async function rotatedToNowhere(id: DatasourceId): Promise<void> {
  const { port } = await closedPort()
  const connectionString = customer.url('reader', { port })
  await datasources().rotate.mutate({ id, connectionString, allowMove: true, waitSeconds: 20 })
}

describe('A new credential that cannot be tried', () => {
  it.each([
    ['in clear', false],
    ['sealed by the caller', true],
  ])('%s stays pending and is tried again, while the old one stays in force', async (_how, seal) => {
    const client = createClient({ url: mooring.url, key: mooring.organization.testKey, seal })
    const { id } = await registered()
    const { port, open } = await closedPort()
    const connectionString = customer.url('reader', { port })
    const rotation = { id, connectionString, allowMove: true, waitSeconds: 20 }
    const waiting = await client.datasources.rotate.mutate(rotation)
    expect(waiting).toMatchObject({ status: 'active', statusReason: 'database_unreachable', credentialVersion: 1 })
    expect(waiting).toMatchObject({ port: customer.port })
    expect(await pendingOf(id)).toEqual([{ version: 2 }])
    const [task] = await sql(
      `select due_at > (select max(at) from verifications v where v.datasource_id = t.datasource_id) as later
         from tasks t where datasource_id = '${uuid(id)}' and kind = 'verify'`,
    )
    expect(task).toEqual({ later: true })

    const server = await open()
    const verified = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(verified).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 2, port })
    expect(await credentialsOf(id)).toEqual([retired(1), current(2)])
    server.close()
  })

  it('gives way to the next one, and its bytes are destroyed', async () => {
    const { id } = await registered()
    await rotatedToNowhere(id)
    const third = await datasources().rotate.mutate({ id, connectionString: named('third'), waitSeconds: 20 })
    expect(third).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 3, port: customer.port })
    // The third took the row of the second.
    expect(await credentialsOf(id)).toEqual([retired(1), current(3)])
  })

  it('conflicts with a caller who expects none', async () => {
    const { id } = await registered()
    await rotatedToNowhere(id)
    const refused = datasources().rotate.mutate({ id, connectionString: named('other'), expectedVersion: 1 })
    expect(await fault(refused)).toBe('conflict')
    expect(await pendingOf(id)).toEqual([{ version: 2 }])
  })
})

describe('A CA certificate', () => {
  /** The self-signed certificate of the customers' server. */
  async function certificate(): Promise<string> {
    const client = new pg.Client({ connectionString: customer.url(), ssl: { rejectUnauthorized: false } })
    await client.connect()
    const stream: unknown = Reflect.get(Reflect.get(client, 'connection'), 'stream')
    if (!(stream instanceof TLSSocket)) throw new Error('the connection has no TLS')
    const base64 = stream.getPeerCertificate().raw.toString('base64')
    await client.end()
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  }

  it('comes with its string, and repairs a rejected datasource; the string alone is the same credential, and another string must bring it again', async () => {
    const strict = customer.url('reader', { parameters: 'sslmode=verify-full' })
    const made = await datasources().register.mutate({ connectionString: strict, schema: 'app', waitSeconds: 20 })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'tls_failed', credentialFingerprint: null })
    const { id } = made
    const caCertificate = await certificate()
    const rotate = (input: object) =>
      datasources().rotate.mutate({ id, connectionString: strict, waitSeconds: 20, ...input })
    const mended = await rotate({ caCertificate })
    expect(mended).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 2 })
    expect(mended.credentialFingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(await credentialsOf(id)).toEqual([retired(1), current(2)])

    const { credentialFingerprint } = mended
    expect(await rotate({})).toMatchObject({
      status: 'active',
      statusReason: null,
      credentialVersion: 2,
      credentialFingerprint,
    })
    const connectionString = customer.url('reader', { parameters: 'sslmode=verify-full&application_name=again' })
    const alone = {
      status: 'active',
      statusReason: 'ca_certificate_required',
      credentialVersion: 2,
      credentialFingerprint,
    }
    expect(await rotate({ connectionString })).toMatchObject(alone)
    const both = await rotate({ connectionString, caCertificate })
    expect(both).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 5 })
    expect(both.credentialFingerprint).not.toBe(credentialFingerprint)

    const without = await rotate({ connectionString, caCertificate: null })
    expect(without).toMatchObject({ status: 'active', statusReason: 'tls_failed', credentialVersion: 5 })
    expect(await credentialsOf(id)).toEqual([retired(1), retired(2), retired(3), retired(4), current(5), retired(6)])
  })
})

describe('A first credential', () => {
  it('that is rejected stays, so that a verification passes once the role is fixed', async () => {
    await customer.sql(`alter role ${customer.roles.reader} createrole bypassrls`)
    const rejected = await datasources().register.mutate({
      connectionString: customer.url(),
      schema: 'app',
      waitSeconds: 20,
    })
    const { id } = rejected
    expect(rejected).toMatchObject({ status: 'rejected', statusReason: 'byo_role_cannot_enforce_rls' })
    await customer.sql(`alter role ${customer.roles.reader} nocreaterole nobypassrls`)
    const mended = await datasources().verify.mutate({ id, waitSeconds: 20 })
    expect(mended).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
    expect(await credentialsOf(id)).toEqual([current(1)])
  })

  it('that was rejected from the beginning stays through a refused rotation', async () => {
    const connectionString = customer.url('superuser')
    const { id } = await datasources().register.mutate({ connectionString, schema: 'app', waitSeconds: 20 })
    const wrong = { id, connectionString: customer.url('reader', { password: 'not-it' }), waitSeconds: 20 }
    expect(await datasources().rotate.mutate(wrong)).toMatchObject({
      status: 'rejected',
      statusReason: 'authentication_failed',
      credentialVersion: 1,
    })
    expect(await credentialsOf(id)).toEqual([current(1), retired(2)])
    const right = await datasources().rotate.mutate({ id, connectionString: customer.url(), waitSeconds: 20 })
    expect(right).toMatchObject({ status: 'active', credentialVersion: 3 })
  })
})

describe('A repeated POST /v1/datasources', () => {
  it('rotates the same datasource, answers 200 with the same id, and keeps the working credential when the new one fails', async () => {
    const first = await post(customer.url())
    expect(first).toMatchObject({ status: 201, body: { status: 'active', credential_version: 1 } })
    const { id } = first.body
    const again = await post(customer.url())
    expect(again).toMatchObject({ status: 200, body: { id, credential_version: 1 } })
    expect(again.body.credential_fingerprint).toBe(first.body.credential_fingerprint)

    const second = await post(named('second'))
    expect(second).toMatchObject({ status: 200, body: { id, status: 'active', credential_version: 3 } })
    expect(second.body.credential_fingerprint).not.toBe(first.body.credential_fingerprint)

    const wrong = await post(customer.url('reader', { password: 'not-it' }))
    const kept = { id, status: 'active', status_reason: 'authentication_failed', credential_version: 3 }
    expect(wrong).toMatchObject({ status: 200, body: kept })
    expect(await credentialsOf(id)).toEqual([retired(1), retired(2), current(3), retired(4)])
    await datasources().remove.mutate({ id })
  })
})

describe('A removal', () => {
  it('destroys the bytes of the current and the pending credential, and ends the tasks', async () => {
    const { id } = await registered()
    await rotatedToNowhere(id)
    expect(await datasources().remove.mutate({ id })).toMatchObject({
      id,
      removedAt: expect.any(String),
      nextCheckAt: null,
    })
    expect(await credentialsOf(id)).toEqual([retired(1), retired(2)])
    expect(await sql(`select id from tasks where datasource_id = '${uuid(id)}'`)).toEqual([])
    expect(await fault(datasources().rotate.mutate({ id, connectionString: named('late') }))).toBe('entity_not_found')
    const record = await datasources().get.query({ id, includeRemoved: true })
    expect(record).toMatchObject({
      id,
      removedAt: expect.any(String),
      credentialVersion: 2,
      credentialFingerprint: null,
    })
  })
})
