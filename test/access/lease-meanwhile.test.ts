/** Changes that happen while the host of a lease is being resolved, which may take seconds. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, faultOf } from '#client/index.ts'
import { newId } from '#server/domain/access/ids.ts'
import * as leases from '#server/store/access/leases.ts'
import { lockAccess, revokeCapabilities } from '#server/store/access/revocation.ts'
import { transaction } from '#server/store/database/db.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { meanwhile } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const HOST = 'db.acme.io'

let aheadMs = 0
let dns: DnsServer
let mooring: Mooring
let customer: Customer
let owner: Client
const cleanup = new AsyncDisposableStack()
beforeAll(async () => {
  dns = await startDnsServer()
  cleanup.defer(() => dns.close())
  dns.answer(HOST, { addresses: ['127.0.0.1'] })
  const clock = () => new Date(Date.now() + aheadMs)
  mooring = await startMooring({ clock, cutsFirstTries: false, env: { MOORING_DNS_SERVERS: dns.address } })
  cleanup.defer(() => mooring.stop())
  customer = await makeCustomer()
  cleanup.defer(() => customer.drop())
  owner = mooring.client()
})
afterAll(() => cleanup.disposeAsync())

const url = (name: string) => customer.url('reader', { host: HOST, parameters: `application_name=${name}` })
const leasesOf = (id: DatasourceId) =>
  query(mooring.databaseUrl, `select version from leases where datasource_id = '${bareUuid(id)}'`)

async function registered(): Promise<DatasourceId> {
  const made = await owner.datasources.register.mutate({ connectionString: url('first'), waitSeconds: 20 })
  expect(made.status).toBe('active')
  return made.id
}

/** Requests a lease, and runs a step before its host is resolved. */
async function leased({
  meanwhile,
  token,
  id,
}: {
  id: DatasourceId
  token: string
  meanwhile: () => Promise<unknown>
}) {
  const key = await holderKey()
  const done = Promise.withResolvers<unknown>()
  dns.beforeNext(() => meanwhile().then(done.resolve, done.reject))
  const answer = mooring.client(token).datasources.lease.mutate({ id, publicKey: key.publicKey })
  const [credential] = await Promise.all([answer.then(({ sealed }) => key.open(sealed)).catch(faultOf), done.promise])
  return credential
}

describe('A lease whose host is being resolved', () => {
  it('is refused to a capability that is revoked meanwhile', async () => {
    const id = await registered()
    const token = await leaseCapability(mooring)
    const [newest] = (await owner.organization.listCapabilities.query()).items
    const meanwhile = () => owner.organization.revokeCapability.mutate({ id: newest?.id ?? 'cap_' })
    expect(await leased({ id, token, meanwhile })).toBe('capability_invalid')
    expect(await leasesOf(id)).toEqual([])
  })

  it('holds the credential that comes into force meanwhile', async () => {
    const id = await registered()
    const token = await leaseCapability(mooring)
    const meanwhile = () => owner.datasources.rotate.mutate({ id, connectionString: url('second'), waitSeconds: 20 })
    expect(await leased({ id, token, meanwhile })).toMatchObject({
      credentialVersion: 2,
      connectionString: expect.stringContaining('application_name=second'),
    })
    expect(await leasesOf(id)).toEqual([{ version: 2 }])
  })

  it('is refused to a capability that expires meanwhile', async () => {
    const id = await registered()
    const token = await leaseCapability(mooring, { ttlSeconds: 10 })
    const meanwhile = async () => {
      aheadMs = 11_000
    }
    expect(await leased({ id, token, meanwhile })).toBe('capability_invalid')
    aheadMs = 0
    expect(await leasesOf(id)).toEqual([])
  })

  it('is refused when the credential is rejected meanwhile', async () => {
    const id = await registered()
    const token = await leaseCapability(mooring)
    const meanwhile = async () => {
      await customer.sql(`alter role ${customer.roles.reader} bypassrls`)
      expect(await owner.datasources.verify.mutate({ id, waitSeconds: 20 })).toMatchObject({
        statusReason: 'byo_role_cannot_enforce_rls',
      })
      await customer.sql(`alter role ${customer.roles.reader} nobypassrls`)
    }
    expect(await leased({ id, token, meanwhile })).toBe('conflict')
    expect(await leasesOf(id)).toEqual([])
  })

  it('is refused at once when the datasource is removed meanwhile', async () => {
    const id = await registered()
    const token = await leaseCapability(mooring)
    const startedAt = performance.now()
    expect(await leased({ id, token, meanwhile: () => owner.datasources.remove.mutate({ id }) })).toBe(
      'entity_not_found',
    )
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(await leasesOf(id)).toEqual([])
  })
})

describe('A lease under way', () => {
  it('waits for the revocation of its capability, and is then refused', async () => {
    // Without a worker, which would process the row that this test writes.
    await using idle = new AsyncDisposableStack()
    const mooring = await startMooring({ worker: false })
    idle.defer(() => mooring.stop())
    const { id: org } = mooring.organization
    const { datasources } = mooring.client()
    const made = await datasources.register.mutate({ connectionString: 'postgresql://app:pw@127.0.0.1:9/lent' })
    const datasourceId = String(uuidOf(made.id, 'ds_test_'))
    const verdictSignature = Buffer.alloc(64, 1)
    await query(
      mooring.databaseUrl,
      `update datasources set status = 'active', verdict_version = 1, verdict_usable = true, usable_until = now() + interval '1 day',
         verdict_signer_id = 'signer', verdict_signature = '\\x${verdictSignature.toString('hex')}' where id = '${datasourceId}'`,
    )
    const token = await leaseCapability(mooring)
    const [row] = await query(mooring.databaseUrl, `select id from capabilities where last4 = '${token.slice(-4)}'`)
    const capabilityId = String(row?.['id'])
    const now = new Date()
    const expiresAt = new Date(now.getTime() + 60_000)
    const entry = { datasourceId, capabilityId, version: 1, verdictSignature, now, expiresAt }
    const begin = () => transaction(mooring.db, tx => leases.insert(unitOf(tx, org), { ...entry, id: newId() }))
    expect(await begin()).toBe(true)
    const granted = await meanwhile(mooring, {
      holding: tx => lockAccess(unitOf(tx, org)),
      besides: tx => revokeCapabilities(unitOf(tx, org, now), [capabilityId]),
      waiting: begin,
    })
    expect(granted).toBe(false)
    const live = `select id from leases where capability_id = '${capabilityId}' and ended_at is null`
    expect(await query(mooring.databaseUrl, live)).toEqual([])
  })
})
