/**
 * A credential equal to the one in force: submitted again, sealed by the caller, or restored while another one is
 * pending. None of these is a rotation.
 */
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#client/index.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { capability } from '#test/support/access/actors.ts'
import { onNotification, settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const HOUR_MS = 3_600_000

let aheadMs = 0
let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring({ clock: () => new Date(Date.now() + aheadMs) })
  customer = await makeCustomer()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const named = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })
const versionsOf = (id: DatasourceId) =>
  query(
    mooring.databaseUrl,
    `select version, state from credentials where datasource_id = '${bareUuid(id)}' order by version`,
  )

async function registered(name: string): Promise<DatasourceId> {
  const input = { connectionString: named(name), schema: 'app', waitSeconds: 20 }
  const made = await mooring.client().datasources.register.mutate(input)
  expect(made.status).toBe('active')
  return made.id
}

/** A port that accepts connections and stays silent until it is closed. */
async function silentPort() {
  const sockets: Socket[] = []
  const server = createServer(socket => void sockets.push(socket.on('error', () => socket.destroy())))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: portOf(server), close }
}

describe('The credential in force', () => {
  it('that a caller seals and submits again is not a rotation, and is verified', async () => {
    const id = await registered('sealed')
    const sealing = createClient({ url: mooring.url, key: mooring.organization.testKey })
    const rotated = await sealing.datasources.rotate.mutate({ id, connectionString: named('sealed'), waitSeconds: 20 })
    expect(rotated).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
    expect(await versionsOf(id)).toEqual([
      { version: 1, state: 'current' },
      { version: 2, state: 'retired' },
    ])
  })

  it('that is submitted again cancels the pending one', async () => {
    const { port, close } = await silentPort()
    const post = (connectionString: string) =>
      mooring.call('POST', '/v1/datasources', { body: { connectionString, schema: 'app' } })
    const first = await post(named('back'))
    const id: DatasourceId = first.body.id
    await settled(mooring.databaseUrl, bareUuid(id))
    const { credentialFingerprint } = await mooring.client().datasources.get.query({ id })
    const away = customer.url('reader', { port, parameters: 'application_name=away' })
    await mooring.client().datasources.rotate.mutate({ id, connectionString: away, allowMove: true })
    const scopes = ['datasources.create' as const]
    const key = await capability(mooring, { scopes })
    const body = { connectionString: named('back'), schema: 'app' }
    expect((await mooring.call('POST', '/v1/datasources', { key, body })).status).toBe(403)
    expect((await versionsOf(id)).map(row => row['state'])).toEqual(['current', 'pending'])
    const back = await post(named('back'))
    const inForce = { id, credential_version: 1, credential_fingerprint: credentialFingerprint }
    expect(back).toMatchObject({ status: 200, body: inForce })
    close()
    await settled(mooring.databaseUrl, bareUuid(id))
    expect(await versionsOf(id)).toEqual([
      { version: 1, state: 'current' },
      { version: 3, state: 'retired' },
    ])
    const verified = await mooring.client().datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(verified).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
  })

  it('that has become unreadable is replaced by an equal one, sealed by the caller', async () => {
    const id = await registered('mended')
    const uuid = bareUuid(id)
    await query(mooring.databaseUrl, `update datasources set host = 'elsewhere.example.com' where id = '${uuid}'`)
    const { datasources } = createClient({ url: mooring.url, key: mooring.organization.testKey })
    expect(await datasources.verify.mutate({ id, waitSeconds: 20 })).toMatchObject({
      statusReason: 'credential_unreadable',
    })
    const same = { id, connectionString: named('mended'), caCertificate: null, allowMove: true, waitSeconds: 20 }
    expect(await datasources.rotate.mutate(same)).toMatchObject({ status: 'active', credentialVersion: 2 })
    expect(await datasources.verify.mutate({ id, waitSeconds: 20 })).toMatchObject({ statusReason: null })
  })

  it('is checked after its interval even though an unreachable one is pending', async () => {
    const id = await registered('watched')
    const { port, close } = await silentPort()
    close()
    const away = customer.url('reader', { port })
    const { datasources } = mooring.client()
    const pending = await datasources.rotate.mutate({ id, connectionString: away, allowMove: true, waitSeconds: 20 })
    expect(pending).toMatchObject({ status: 'active', statusReason: 'database_unreachable' })
    await customer.sql(`alter role ${customer.roles.reader} bypassrls`)
    // And again after each of its refusals, until the third one.
    for (const [ms, status, refusals] of [
      [48 * HOUR_MS, 'active', 1],
      [60_000, 'active', 2],
      [600_000, 'rejected', 0],
    ]) {
      aheadMs += Number(ms)
      await onNotification(mooring.databaseUrl, async client => {
        // Between two checks: if the clock jumped during one, the next would be late by that jump.
        const sql = `select 1 from datasources d join tasks t on t.org_id = d.org_id and t.datasource_id = d.id
          where d.id = $1 and d.status = $2 and d.refusals = $3 and t.kind = 'verify' and t.locked_until is null`
        return (await client.query(sql, [bareUuid(id), status, refusals])).rowCount === 1 ? true : undefined
      })
    }
    expect((await versionsOf(id)).map(row => row['state'])).toEqual(['current', 'pending'])
    await customer.sql(`alter role ${customer.roles.reader} nobypassrls`)
  })

  it('gives precedence to a pending one that was never tried, though its own check was claimed first', async () => {
    const id = await registered('first')
    const uuid = bareUuid(id)
    // As if the worker that claimed it had died over it, twice.
    await query(
      mooring.databaseUrl,
      `create function claimed_before() returns trigger language plpgsql as $$ begin new.attempts := 2; return new; end $$;
      create trigger claimed_before before update on tasks for each row
        when (new.requested > old.requested and new.datasource_id = '${uuid}') execute function claimed_before();
      update tasks set due_at = due_at + interval '30 days' where datasource_id = '${uuid}'`,
    )
    aheadMs += 48 * HOUR_MS
    const { datasources } = mooring.client()
    const rotated = await datasources.rotate.mutate({ id, connectionString: named('second'), waitSeconds: 20 })
    expect(rotated).toMatchObject({ status: 'active', credentialVersion: 2 })
    const verdicts = `select version from verifications where datasource_id = '${uuid}' order by at, version`
    expect((await query(mooring.databaseUrl, verdicts)).map(row => row['version'])).toEqual([1, 2])
    await query(mooring.databaseUrl, 'drop trigger claimed_before on tasks; drop function claimed_before')
  })
})
