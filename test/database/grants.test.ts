/** Wall 4: the web tier's database role can store credentials and never read one. */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyGrants, canReadSecrets, GRANTS, grantStatements } from '#server/store/installation/grants.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'

let tiers: Tiers
let web: TierProcess
let worker: TierProcess
let customer: Customer
let id: DatasourceId
beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  ;[web, worker] = await Promise.all([tiers.start('web'), tiers.start('worker')])
  const client = await tiers.client(web)
  const made = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
  expect(made.status).toBe('active')
  id = made.id
})
afterAll(async () => {
  await tiers.stop()
  await customer.drop()
})

/** A role's result for a statement: its rows, or the code of its refusal. */
async function asRole(tier: 'web' | 'worker', sql: string): Promise<unknown> {
  return query(tiers.roleUrl[tier], sql).catch((error: pg.DatabaseError) => error.code)
}

const DENIED = '42501'

describe('The grants', () => {
  it('cover every existing table, and no other', async () => {
    const rows = await query(
      tiers.databaseUrl,
      `select relname as tablename from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and not relispartition`,
    )
    expect(Object.keys(GRANTS).sort()).toEqual(rows.map(row => row['tablename']).sort())
  })

  it('name existing columns', async () => {
    // Granted again while both tiers run, as after a migration: in one transaction, so that neither is ever without its
    // rights.
    await applyGrants(tiers.db, grantStatements(tiers.role))
  })

  it('are refused when both tiers share a role, and the check finds a role that can read in another way', async () => {
    expect(() => grantStatements({ web: 'one', worker: 'one' })).toThrow(/a role each/)
    expect(await canReadSecrets(tiers.db, tiers.role.web)).toBe(false)
    expect(await canReadSecrets(tiers.db, tiers.role.worker)).toBe(true)
    expect(await canReadSecrets(tiers.db, null)).toBe(true)
    const refused = asRole('worker', `update organization_keys set public_key = secret`)
    expect(await refused).toBe(DENIED)
  })
})

describe("The web's role", () => {
  it.each([
    ['select sealed bytes', 'select sealed from credentials'],
    ['select whole rows', 'select * from credentials'],
    ['select a row as a value', 'select c from credentials c'],
    ['select them as JSON', 'select to_jsonb(c) from credentials c'],
    ['return them', `update credentials set state = state returning sealed`],
    [
      'return what it writes',
      `insert into credentials (org_id, sealed) values (gen_random_uuid(), '\\x00') returning sealed`,
    ],
    ['filter by them', `select version from credentials where sealed > '\\x7b'`],
    ['sort by them', 'select version from credentials order by sealed'],
    ['copy them to another column', 'update credentials set signature = sealed'],
    ['copy them to another row', `insert into credentials (org_id, sealed) select org_id, sealed from credentials`],
    [
      'copy them into a task',
      `insert into tasks (org_id, id, kind, standing, payload, created_at)
       select org_id, gen_random_uuid(), 'validate', false, sealed, now() from credentials`,
    ],
    ['copy them out', 'copy credentials (sealed) to stdout'],
    [
      'learn them by a conflict',
      `insert into credentials (org_id, sealed) values (gen_random_uuid(), '\\x00')
       on conflict (org_id, datasource_id, version) do update set fingerprint = encode(credentials.sealed, 'hex')`,
    ],
    ['read payloads of tasks', 'select payload from tasks'],
    ['return payloads', 'delete from tasks returning payload'],
    ['read wrapped keys', 'select secret from organization_keys'],
    ['write a key', `update organization_keys set public_key = '\\x00'`],
    ['plant a key', `insert into organization_keys (org_id) values (gen_random_uuid())`],
    ['make a retired key current', 'update organization_keys set retired_at = null'],
    ['delete a revoked key, to insert an older row of it', 'delete from api_keys'],
    ['delete a revoked capability', 'delete from capabilities'],
    ['hide who made a key', 'update api_keys set issuer_id = null'],
    ['hide what a capability was rotated out of', 'update capabilities set rotated_from = null'],
    ['sign a grant for itself', `insert into lease_grants (org_id) values (gen_random_uuid())`],
    ['read a grant', 'select signature from lease_grants'],
    ['begin a lease', `insert into leases (org_id) values (gen_random_uuid())`],
    ['change the record', `update audit_events set outcome = 'ok'`],
    ['shorten the record', 'delete from audit_events'],
    ['empty the record', 'truncate audit_events'],
    ['make a table', 'create table loot (sealed bytea)'],
    ['make a view', 'create view loot as select sealed from credentials'],
    ['become the owner', `set role postgres`],
  ])('cannot %s', async (_what, sql) => {
    const before = await query(tiers.databaseUrl, 'select count(*) from audit_events')
    expect(await asRole('web', sql)).toBe(DENIED)
    expect(await query(tiers.databaseUrl, 'select count(*) from audit_events')).toEqual(before)
  })

  it('cannot restore a revoked key or capability', async () => {
    const { organization } = await tiers.client(web)
    const { id: key } = await organization.createKey.mutate({ mode: 'test' })
    await organization.revokeKey.mutate({ id: key })
    const minted = await organization.mintCapability.mutate({ operations: ['datasources.read'], ttlSeconds: 60 })
    await organization.revokeCapability.mutate({ id: minted.id })
    const revoked = 'select kind, id, at, keeps_children from revocations order by kind'
    const before = await query(tiers.databaseUrl, revoked)
    expect(before).toMatchObject([{ kind: 'capability' }, { kind: 'key' }])
    for (const tier of ['web', 'worker'] as const)
      for (const change of [
        "update revocations set at = now() + interval '1 year'",
        'update revocations set keeps_children = true',
        'delete from revocations',
        'truncate revocations',
        'insert into revocations select * from revocations on conflict (org_id, kind, id) do update set keeps_children = true',
      ])
        expect(await asRole(tier, change)).toBe(DENIED)
    // A revocation stays as long as the row that it names, for every caller.
    const forget = `select from forget_revocations(array(select org_id from revocations), array(select kind from revocations),
      array(select id from revocations))`
    expect(await asRole('web', forget)).toBe(DENIED)
    await query(tiers.databaseUrl, `update revocations set at = at - interval '2 days'`)
    expect(await asRole('worker', forget)).toEqual([{}])
    await query(tiers.databaseUrl, `update revocations set at = at + interval '2 days'`)
    expect(await query(tiers.databaseUrl, revoked)).toEqual(before)
    // The column that the previous release reads may be written, and has no effect beside a revocation.
    await asRole('web', 'update api_keys set revoked_at = null')
    const { items } = await organization.listKeys.query()
    expect(items.find(item => item.id === key)?.revokedAt).toEqual(expect.any(String))
  })

  it('cannot move a token to another organization, or remove it from the directory', async () => {
    for (const change of ['update tokens set org_id = gen_random_uuid()', 'delete from tokens', 'truncate tokens'])
      expect(await asRole('web', change)).toBe(DENIED)
  })

  it('cannot read sealed bytes from the statistics', async () => {
    await query(tiers.databaseUrl, 'analyze credentials')
    const sql = `select attname from pg_stats where tablename = 'credentials' and attname in ('sealed', 'signature')`
    expect(await asRole('web', sql)).toEqual([])
  })
})

describe('Under these roles', () => {
  it('everything works: over tRPC', async () => {
    const client = await tiers.client(web)
    const { datasources, organization, snapshots } = client
    expect(await datasources.get.query({ id })).toMatchObject({ status: 'active' })
    expect((await datasources.list.query({})).items).toHaveLength(1)
    expect(await datasources.update.mutate({ id, name: 'Renamed', metadata: { a: 'b' } })).toMatchObject({
      name: 'Renamed',
    })
    expect(await datasources.verify.mutate({ id, waitSeconds: 20, idempotencyKey: 'once' })).toMatchObject({
      status: 'active',
    })
    const again = { id, connectionString: customer.url('reader', { parameters: 'application_name=again' }) }
    expect(await datasources.rotate.mutate({ ...again, waitSeconds: 20 })).toMatchObject({ credentialVersion: 2 })
    expect(await datasources.validate.mutate({ connectionString: customer.url() })).toMatchObject({ ready: true })
    expect(await snapshots.introspect.mutate({ id })).toMatchObject({ tables: ['app.orders'], changed: true })
    const created = await organization.createKey.mutate({ mode: 'test' })
    // Including the key revoked above.
    expect((await organization.listKeys.query()).items.length).toBe(3)
    await organization.revokeKey.mutate({ id: created.id })
    const minted = await organization.mintCapability.mutate({ operations: ['datasources.read'], ttlSeconds: 60 })
    const rotated = await organization.rotateCapability.mutate({ id: minted.id, graceSeconds: 5 })
    await organization.revokeCapability.mutate({ id: rotated.id })
    expect((await organization.audit.query({})).items.length).toBeGreaterThan(5)
  })

  it('a credential is leased and returned', async () => {
    const { organization, db } = tiers
    const token = await leaseCapability({ db, organization, keyring: await tiers.keyring() })
    const client = await tiers.client(web, { key: token })
    const publicKey = Buffer.alloc(32, 9).toString('base64')
    const { leaseId } = await client.datasources.lease.mutate({ id, publicKey, ttlSeconds: 60 })
    expect(await client.datasources.releaseLease.mutate({ leaseId })).toEqual({ leaseId })
  })

  it('both dialects register, read and remove', async () => {
    const url = await tiers.urlOf(web)
    const headers = { authorization: `Bearer ${tiers.organization.testKey}`, 'content-type': 'application/json' }
    const call = async (method: string, path: string, body?: object) => {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const response = await fetch(`${url}${path}`, { method, headers: { ...headers, prefer: 'wait=20' }, ...sent })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    const body = { connectionString: customer.url(), schema: 'app' }
    const first = await call('POST', '/v1/datasources', body)
    expect(first).toMatchObject({ status: 201, body: { status: 'active' } })
    expect(await call('POST', '/v1/datasources', body)).toMatchObject({ status: 200 })
    const signed = { endpoint: 'https://api.example.com/feed', signingKey: 'a-key-of-the-endpoint' }
    const endpoint = await call('POST', '/v1/datasources', signed)
    expect(endpoint.status).toBe(201)
    const rotated = await call('POST', `/v1/datasources/${String(endpoint.body['id'])}/rotate_key`, {
      signingKey: 'another-one',
    })
    expect(rotated.status).toBe(200)
    const shop = { name: 'Shop', db_type: 'postgresql', connection_string: customer.url() }
    const made = await call('POST', '/api/v1/connections', shop)
    expect(made.status).toBe(201)
    const uuid = bareUuid(String(first.body['id']))
    for (const path of [
      `/v1/datasources/${String(first.body['id'])}`,
      `/v1/datasources/${String(endpoint.body['id'])}`,
    ])
      expect(await call('DELETE', path)).toMatchObject({ status: 200 })
    const left = `select state, sealed from credentials where datasource_id = '${uuid}' and sealed is not null`
    expect(await query(tiers.databaseUrl, left)).toEqual([])
  })

  it('no tier was refused a statement that it needs', async () => {
    for (const tier of [web, worker]) {
      expect(tier.lines().filter(line => JSON.stringify(line).includes(DENIED))).toEqual([])
      expect(tier.lines().filter(line => Number(line['level']) >= 50)).toEqual([])
    }
  })
})
