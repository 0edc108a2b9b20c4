/** Leases: a platform's worker receives a credential that no process in between can read, if an operator granted it. */

import sodium from 'libsodium-wrappers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import { isUsablePublicKey } from '#server/domain/access/lease.ts'
import { revokeLease } from '#server/operator/access/leases.ts'
import { mintCapability } from '#server/seal/mint.ts'
import { createTokens } from '#server/seal/token.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import * as leases from '#server/store/access/leases.ts'
import { transaction } from '#server/store/database/db.ts'
import { SMALLEST_BATCH } from '#server/store/installation/batches.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { formatConnectionString } from '#shared/connection-string/connection-string-text.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows } from '#test/support/database/rows.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const PASSWORD = 'Leased+to one: alone/2'

let mooring: Mooring
let customer: Customer
let id: DatasourceId
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer(PASSWORD)
  const input = { connectionString: customer.url(), waitSeconds: 20 }
  const made = await mooring.client().datasources.register.mutate(input)
  expect(made.status).toBe('active')
  id = made.id
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const faultFrom = (call: Promise<unknown>) =>
  call.then(
    () => 'granted',
    (error: unknown) => faultOf(error),
  )
const leaseRows = () =>
  query(mooring.databaseUrl, 'select id, version, ended_by, capability_id from leases order by granted_at')

async function leaseWith(token: string, ttlSeconds = 60) {
  const key = await holderKey()
  const client = mooring.client(token)
  const answer = await client.datasources.lease.mutate({ id, publicKey: key.publicKey, ttlSeconds })
  return { client, answer, credential: key.open(answer.sealed) }
}

describe('A lease', () => {
  it('is sealed to its holder’s key, and holds the address and the login', async () => {
    const token = await leaseCapability(mooring, { ids: [id] })
    const { answer, credential } = await leaseWith(token)
    expect(credential).toMatchObject({ addresses: ['127.0.0.1'], datasourceId: id, mode: 'test', credentialVersion: 1 })
    expect(credential.expiresAt).toBe(answer.expiresAt)
    const parsed = parseConnectionString(credential.connectionString)
    expect(parsed).toMatchObject({ ok: true, target: { password: PASSWORD, tlsMode: 'require' } })
    await expect(holderKey().then(other => other.open(answer.sealed))).rejects.toThrow()
  })

  it('is recorded and counted, and stores no byte of the credential in clear', async () => {
    const token = await leaseCapability(mooring)
    const { answer } = await leaseWith(token)
    const uuid = uuidOf(answer.leaseId, 'lease_')
    const live = await leases.live(mooring.db, mooring.organization.id, new Date())
    expect(live.map(row => row.id)).toContain(uuid)
    const recorded = `select outcome, principal_kind from audit_events where action = 'datasource.leased' and outcome = 'ok'`
    expect(await query(mooring.databaseUrl, recorded)).toContainEqual({ outcome: 'ok', principal_kind: 'capability' })
    const everything = JSON.stringify(await allRows(mooring.databaseUrl)) + mooring.logLines.join()
    for (const secret of [PASSWORD, token, answer.sealed]) expect(everything).not.toContain(secret)
    expect(await query(mooring.databaseUrl, `select id from tasks where kind = 'lease'`)).toEqual([])
  })

  it('ends no later than the capability', async () => {
    const token = await leaseCapability(mooring, { ttlSeconds: 60 })
    const { answer } = await leaseWith(token, 3600)
    expect(Date.parse(answer.expiresAt)).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  it('is returned by its holder, once, and by nobody else', async () => {
    const { client, answer } = await leaseWith(await leaseCapability(mooring))
    const stranger = mooring.client(await leaseCapability(mooring))
    const { leaseId } = answer
    expect(await faultFrom(stranger.datasources.releaseLease.mutate({ leaseId }))).toBe('entity_not_found')
    expect(await client.datasources.releaseLease.mutate({ leaseId })).toEqual({ leaseId })
    expect(await faultFrom(client.datasources.releaseLease.mutate({ leaseId }))).toBe('entity_not_found')
    const uuid = uuidOf(leaseId, 'lease_')
    expect((await leaseRows()).find(row => row['id'] === uuid)).toMatchObject({ ended_by: 'released' })
  })

  it('is marked when it expires, when its capability is revoked, and when an operator revokes it', async () => {
    const tokens = [await leaseCapability(mooring), await leaseCapability(mooring), await leaseCapability(mooring)]
    const held = []
    for (const token of tokens) held.push((await leaseWith(token, 30)).answer)
    const [expiring, orphaned, revoked] = held.map(answer => uuidOf(answer.leaseId, 'lease_') ?? '')
    const organizationId = mooring.organization.id
    await query(
      mooring.databaseUrl,
      `update capabilities set revoked_at = now() from leases l where l.capability_id = capabilities.id and l.id = '${orphaned}'`,
    )
    const deps = { db: mooring.db, keyring: mooring.keyring, now: new Date() }
    expect(await revokeLease(deps, { organizationId, id: revoked ?? '' })).toBe(true)
    expect(await revokeLease(deps, { organizationId, id: revoked ?? '' })).toBe(false)
    await leases.purgeExpired(mooring.db, new Date(Date.now() + 1_000), SMALLEST_BATCH)
    const marks = async () => Object.fromEntries((await leaseRows()).map(row => [row['id'], row['ended_by']]))
    expect(await marks()).toMatchObject({
      [expiring ?? '']: null,
      [orphaned ?? '']: 'revoked',
      [revoked ?? '']: 'revoked',
    })
    await leases.purgeExpired(mooring.db, new Date(Date.now() + 31_000), SMALLEST_BATCH)
    expect(await marks()).toMatchObject({ [expiring ?? '']: 'expired', [orphaned ?? '']: 'revoked' })
  })
})

describe('A lease is refused', () => {
  /** Sends the request, and asserts that no lease is added. */
  async function refusedLease(token: string, otherwise: { publicKey?: string; id?: DatasourceId } = {}) {
    const before = await leaseRows()
    const { publicKey } = await holderKey()
    const fault = await faultFrom(mooring.client(token).datasources.lease.mutate({ id, publicKey, ...otherwise }))
    expect(await leaseRows()).toEqual(before)
    return fault
  }

  it('to an API key, whatever its scopes', async () => {
    expect(await refusedLease(mooring.organization.testKey)).toBe('forbidden')
  })

  it('for a datasource outside the capability, and for one of another organization', async () => {
    const other = await mooring.client().datasources.register.mutate({ connectionString: customer.url() })
    expect(await refusedLease(await leaseCapability(mooring, { ids: [other.id] }))).toBe('capability_scope_denied')
    const stranger = await mooring.newOrganization('Stranger')
    const theirs = await mooring
      .client(stranger.testKey)
      .datasources.register.mutate({ connectionString: customer.url() })
    expect(await refusedLease(await leaseCapability(mooring), { id: theirs.id })).toBe('entity_not_found')
  })

  it('to a capability that a web tier wrote itself, with the pepper and correct rows', async () => {
    const tokens = await createTokens(mooring.keyring)
    const { token, row } = mintCapability(tokens, {
      organizationId: mooring.organization.id,
      issuerId: null,
      mode: 'test',
      operations: ['datasources.lease', 'datasources.read'],
      datasourceIds: null,
      expiresAt: new Date(Date.now() + 60_000),
    })
    const rest = { participant_kind: 'system' as const, sync_groups: [], user_meta: '{}', wide_scope: true }
    await transaction(mooring.db, tx =>
      capabilities.insert(unitOf(tx, mooring.organization.id), { ...row, ...rest, created_at: new Date() }),
    )
    expect(await refusedLease(token)).toBe('capability_scope_denied')
    // Even with the signature of another capability.
    await leaseCapability(mooring)
    await query(
      mooring.databaseUrl,
      `insert into lease_grants select org_id, '${row.id}', signer_id, signature from lease_grants limit 1`,
    )
    expect(await refusedLease(token)).toBe('capability_scope_denied')
  })

  it('to one whose row was extended or widened, with a recomputed MAC', async () => {
    const token = await leaseCapability(mooring, { ids: [id] })
    const tokens = await createTokens(mooring.keyring)
    const [hash] = tokens.hashes(token)
    const found = await capabilities.findByHash(mooring.db, mooring.organization.id, [hash?.hash ?? Buffer.alloc(0)])
    if (found === undefined || hash === undefined) throw new Error('no such capability')
    const { capability: row } = found
    const grant = { organizationId: row.org_id, id: row.id, issuerId: null, mode: row.mode, scopes: row.operations }
    const mac = tokens.mac(hash, { ...grant, datasourceIds: null, expiresAt: row.expires_at }).toString('hex')
    await query(
      mooring.databaseUrl,
      `update capabilities set datasource_ids = null, mac = '\\x${mac}' where id = '${row.id}'`,
    )
    // The web tier accepts it: it has the pepper and could have made it.
    expect((await mooring.client(token).datasources.get.query({ id })).id).toBe(id)
    expect(await refusedLease(token)).toBe('capability_scope_denied')
  })

  it('to one that has expired or is revoked', async () => {
    const expired = await leaseCapability(mooring, { ttlSeconds: 10, now: new Date(Date.now() - 20_000) })
    expect(await refusedLease(expired)).toBe('capability_invalid')
    const revoked = await leaseCapability(mooring)
    const row = await mooring.client().organization.listCapabilities.query()
    const [newest] = row.items
    await mooring.client().organization.revokeCapability.mutate({ id: newest?.id ?? 'cap_' })
    expect(await refusedLease(revoked)).toBe('capability_invalid')
  })

  it('to a public key of low order, in each of its encodings, and to one of another length', async () => {
    await sodium.ready
    const token = await leaseCapability(mooring)
    const p = 2n ** 255n - 19n
    const eighth = [
      325606250916557431795983626356110631294008115727848805560023387167927233504n,
      39382357235489614581723060781553021112529911719440698176882885853963445705823n,
    ]
    const points = [0n, 1n, p - 1n, p, p + 1n, ...eighth].flatMap(u => [u, u + 2n ** 255n])
    for (const u of points) {
      const bytes = Buffer.from(u.toString(16).padStart(64, '0'), 'hex').reverse()
      expect(isUsablePublicKey(bytes)).toBe(false)
      expect(() => sodium.crypto_box_seal('x', bytes)).toThrow()
      expect(await refusedLease(token, { publicKey: bytes.toString('base64') })).toBe('invalid_body')
    }
    for (const length of [0, 31, 33])
      expect(await refusedLease(token, { publicKey: Buffer.alloc(length, 9).toString('base64') })).toBe('invalid_body')
    expect(isUsablePublicKey(Buffer.from(sodium.crypto_box_keypair().publicKey))).toBe(true)
  })

  it('for a rejected credential', async () => {
    const input = { connectionString: customer.url('superuser'), waitSeconds: 20 }
    const rejected = await mooring.client().datasources.register.mutate(input)
    expect(await refusedLease(await leaseCapability(mooring), { id: rejected.id })).toBe('conflict')
  })
})

describe('A leased connection string', () => {
  it.each([
    'postgresql://u:p@db.acme.io/shop',
    'postgresql://u:a%3Ab%40c%2Fd%3F%23%25%C3%A9%26%3D+@db.acme.io:6543/sh%20op?sslmode=verify-full',
    'postgresql://us%40er:p@[2001:db8::1]/shop?channel_binding=require&application_name=a%20b%26c&connect_timeout=7',
    'postgresql://u:p@ep-x.neon.tech/shop?options=endpoint%3Dep-x&sslmode=require&sslnegotiation=direct',
    'postgresql://u:p@127.0.0.1/shop?sslmode=disable',
  ])('reads back as it was registered: %s', text => {
    const first = parseConnectionString(text)
    if (!first.ok) throw new Error(first.message)
    const again = parseConnectionString(formatConnectionString(first.target))
    expect(again).toMatchObject({ ok: true, target: first.target })
  })
})
