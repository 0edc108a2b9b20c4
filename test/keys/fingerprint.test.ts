/**
 * The fingerprint shows infrastructure-as-code whether the credential in force is its own, and reveals nothing else: it
 * is keyed, and differs in each organization.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#client/index.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

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

const register = (connectionString: string, key?: string) =>
  mooring.client(key).datasources.register.mutate({ connectionString, schema: 'app', waitSeconds: 20 })
const fingerprintOf = async (connectionString: string, key?: string) =>
  (await register(connectionString, key)).credentialFingerprint

describe('A fingerprint', () => {
  it('is the same for equivalent strings in any notation', async () => {
    const { roles, password, port, database } = customer
    const one = await fingerprintOf(customer.url())
    const login = `${roles.reader}:${password.replaceAll('_', '%5F')}`
    const spellings = [
      `postgres://${login}@127.0.0.1:${port}/${database}`,
      `postgresql://${login}@127.0.0.1:${port}/${database}?sslmode=require`,
      `POSTGRES://${login}@127.0.0.1:${port}/${database}?sslmode=prefer`.replace('POSTGRES', 'postgres'),
    ]
    for (const spelling of spellings.slice(0, 2)) expect(await fingerprintOf(spelling)).toBe(one)
    expect(one).toMatch(/^[0-9a-f]{32}$/)
  })

  it('differs for another password and another parameter', async () => {
    const base = customer.url()
    const found = [
      await fingerprintOf(base),
      await fingerprintOf(customer.url('reader', { parameters: 'channel_binding=require' })),
      await fingerprintOf(customer.url('reader', { parameters: 'application_name=another' })),
    ]
    const role = customer.roles.reader
    await customer.sql(`alter role ${role} password 'another-password'`)
    found.push(await fingerprintOf(customer.url('reader', { password: 'another-password' })))
    await customer.sql(`alter role ${role} password '${customer.password}'`)
    for (const one of found) expect(one).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(found).size).toBe(4)
  })

  it('is null until the credential has been verified, and for a refused one', async () => {
    const { datasources } = mooring.client()
    const unverified = await datasources.register.mutate({ connectionString: customer.url(), schema: 'app' })
    expect(unverified.credentialFingerprint).toBeNull()
    expect(await fingerprintOf(customer.url('reader', { password: 'another' }))).toBeNull()
    expect(await fingerprintOf(customer.url('superuser'))).toBeNull()
  })

  it('differs in another organization, and is no plain hash of the string', async () => {
    const { testKey } = await mooring.newOrganization('Other')
    const string = customer.url()
    const ours = await fingerprintOf(string)
    expect(await fingerprintOf(string, testKey)).not.toBe(ours)
    for (const name of ['sha256', 'sha512', 'blake2b512'])
      expect(createHash(name).update(string).digest('hex')).not.toContain(ours ?? 'none')
  })

  it('and the version are in tRPC and, beside the documented fields, in the datasources dialect', async () => {
    const made = await register(customer.url())
    const read = await mooring.call('GET', `/v1/datasources/${made.id}`)
    expect(read.body).toMatchObject({
      credential_version: made.credentialVersion,
      credential_fingerprint: made.credentialFingerprint,
    })
    const connection = await mooring.call('GET', '/api/v1/connections')
    expect(made.credentialFingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(connection.text).not.toContain(made.credentialFingerprint)
  })

  it('of a string that the caller sealed is null until the worker has verified it, and then the same as in clear', async () => {
    const client = createClient({ url: mooring.url, key: mooring.organization.testKey, seal: true })
    const sealed = await client.datasources.register.mutate({ connectionString: customer.url(), schema: 'app' })
    expect(sealed.credentialFingerprint).toBeNull()
    const verified = await client.datasources.verify.mutate({ id: sealed.id, waitSeconds: 20 })
    expect(verified).toMatchObject({ status: 'active', credentialVersion: 1 })
    expect(verified.credentialFingerprint).toBe(await fingerprintOf(customer.url()))
  })

  it('of the credential in force is shown while another one is pending or after one was refused', async () => {
    const { datasources } = mooring.client()
    const made = await datasources.register.mutate({ connectionString: customer.url(), schema: 'app', waitSeconds: 20 })
    const { id, credentialFingerprint } = made
    const connectionString = customer.url('reader', { password: 'not-it' })
    expect(await datasources.rotate.mutate({ id, connectionString })).toMatchObject({ credentialFingerprint })
    expect(await datasources.verify.mutate({ id, waitSeconds: 20 })).toMatchObject({ credentialFingerprint })
  })
})
