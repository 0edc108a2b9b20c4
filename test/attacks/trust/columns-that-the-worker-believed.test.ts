/**
 * The web tier is taken over with its role and its keyring. No value that it writes into tables makes the worker use a
 * credential. Web and worker are separate processes with their granted roles; statements that the grants refuse are
 * repeated as the tables' owner.
 */
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Client, faultOf } from '#client/index.ts'
import { newId } from '#server/domain/access/ids.ts'
import { packBox } from '#server/domain/access/sealed.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { readWebKeyring } from '#server/seal/keyring-file.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { SMALLEST_BATCH } from '#server/store/installation/batches.ts'
import { purgeCredentials, purgeDatasource, stampRetired } from '#server/store/installation/old-rows.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { RETENTION } from '#test/support/operations/forgetting.ts'

// The tests start two processes, and a check takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const DENIED = '42501'

let tiers: Tiers
let web: TierProcess
let customer: Customer
let client: Client
let token: string
/** An active datasource in test mode, one in live mode, and a rejected one: a superuser. */
let good: DatasourceId
let live: DatasourceId
let rejected: DatasourceId
beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  ;[web] = await Promise.all([tiers.start('web'), tiers.start('worker')])
  client = await tiers.client(web)
  const deps = { db: tiers.db, keyring: await tiers.keyring(), now: new Date() }
  const liveKey = await createKeyAsOperator(deps, { organizationId: tiers.organization.id, mode: 'live', name: null })
  const liveClient = await tiers.client(web, { key: liveKey })
  const made = await Promise.all([
    register(client, customer.url()),
    register(liveClient, customer.url()),
    register(client, customer.url('superuser')),
  ])
  expect(made.map(one => one.status)).toEqual(['active', 'active', 'rejected'])
  ;[good, live, rejected] = made.map(one => one.id) as [DatasourceId, DatasourceId, DatasourceId] // three were made
  token = await leaseCapability({ ...deps, organization: tiers.organization })
})
afterAll(async () => {
  await tiers.stop()
  await customer.drop()
})

const register = (as: Client, connectionString: string) =>
  as.datasources.register.mutate({ connectionString, waitSeconds: 30 })
const asWeb = (sql: string) => query(tiers.roleUrl.web, sql).catch((error: pg.DatabaseError) => error.code)
const asOwner = (sql: string) => query(tiers.databaseUrl, sql)
const row = (id: DatasourceId) => `id = '${bareUuid(id)}'`
const leasesOf = (id: DatasourceId) => asOwner(`select id from leases where datasource_id = '${bareUuid(id)}'`)
const VERDICT = 'verdict_version, verdict_usable, usable_until, verdict_signer_id, verdict_signature'

/** Requests a lease: `granted`, or the fault. */
async function leased(id: DatasourceId): Promise<unknown> {
  const { publicKey } = await holderKey()
  const holder = await tiers.client(web, { key: token })
  return holder.datasources.lease.mutate({ id, publicKey, ttlSeconds: 60 }).then(() => 'granted', faultOf)
}

describe("The web's role", () => {
  it('leases a verified credential: the attacks below do not fail because leasing is broken', async () => {
    expect(await leased(good)).toBe('granted')
  })

  it.each([
    ['sets a status', `update datasources set status = 'active'`],
    ['sets its reason', 'update datasources set status_reason = null'],
    ['sets when it was verified', 'update datasources set verified_at = now()'],
    ['moves to the other plane', `update datasources set mode = 'test'`],
    ['makes it another kind', `update datasources set kind = kind`],
    ['points it at another verification', 'update datasources set verification_id = null'],
    ...VERDICT.split(', ').map(column => [`writes ${column}`, `update datasources set ${column} = ${column}`]),
    ['forgets refusals', 'update datasources set refusals = 0'],
    ['counts refusals', 'update datasources set refused_at = now()'],
    ['asks again without an end', 'update datasources set verdict_asked_at = null'],
    [
      'has one born active',
      `insert into datasources (org_id, id, kind, mode, status) values (gen_random_uuid(), gen_random_uuid(), 'direct', 'test', 'active')`,
    ],
    [
      'has one born with a verdict',
      `insert into datasources (org_id, id, verdict_version) values (gen_random_uuid(), gen_random_uuid(), 1)`,
    ],
    [
      'has one born verified',
      `insert into datasources (org_id, id, verified_at) values (gen_random_uuid(), gen_random_uuid(), now())`,
    ],
    ['puts a credential in force', `update credentials set state = 'current' where state = 'pending'`],
    ['brings a retired one back', `update credentials set state = 'current', sealed = '\\x00' where state = 'retired'`],
    ['writes a verification', `insert into verifications (org_id, id) values (gen_random_uuid(), gen_random_uuid())`],
  ])('is refused when it %s', async (_what, sql) => {
    expect(await asWeb(sql)).toBe(DENIED)
  })

  it('retires credentials through a function that does nothing else, for every search path', async () => {
    const path = `set search_path = pg_temp; create temporary table credentials (like public.feeds)`
    const none = `select retire_credentials(gen_random_uuid(), gen_random_uuid(), array['current'], null)`
    expect(await asWeb(`${path}; ${none}`)).toEqual(expect.anything())
    const [found] = await asOwner(
      `select prosecdef, proconfig, has_function_privilege('public', oid, 'execute') as anybody from pg_proc where proname = 'retire_credentials'`,
    )
    expect(found).toEqual({ prosecdef: true, proconfig: ['search_path=pg_catalog, pg_temp'], anybody: false })
  })

  it('inserts a never-verified credential in force, and it is useless without a verdict over its version', async () => {
    const { id } = await register(client, customer.url('reader', { parameters: 'application_name=replaced' }))
    const org = tiers.organization.id
    const key = await organizations.currentKey(tiers.db, org)
    const sealer = await createSealer(await readWebKeyring(join(tiers.dir, 'web.json')))
    const to = key === undefined ? null : sealer.verifyKey(key)
    if (to === null) throw new Error('the organization has no key')
    const target = { host: '127.0.0.1', port: customer.port, database: customer.database }
    const login = { user: customer.roles.superuser, password: customer.password, tlsMode: 'require' } as const
    const rest = { channelBinding: 'prefer', sslNegotiation: 'postgres', applicationName: null } as const
    const whole = { ...target, ...login, ...rest, connectTimeoutSeconds: null, neonEndpoint: null }
    const context = { organizationId: org, datasourceId: bareUuid(id), version: 2 }
    const box = sealer.sealCredential(to, context, { kind: 'direct', target: whole, caCertificate: null })
    const hex = (bytes: Buffer) => `'\\x${bytes.toString('hex')}'`
    const replaced = await asWeb(`
      select retire_credentials('${org}', '${bareUuid(id)}', array['current'], null);
      insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, created_at)
      values ('${org}', '${bareUuid(id)}', 2, 'current', '${box.keyId}', ${hex(box.box)}, '${box.signerId}', ${hex(box.signature)}, now())`)
    expect(replaced).not.toBe(DENIED)
    expect(await leased(id)).toBe('conflict')
    expect(await leasesOf(id)).toEqual([])
    // The check judged it by itself.
    expect(await client.datasources.get.query({ id })).toMatchObject({
      status: 'rejected',
      statusReason: 'byo_role_cannot_enforce_rls',
    })
  })

  it('deletes the credentials in use, and finds no verdict under which their versions could be used again', async () => {
    const { id, status } = await register(client, customer.url('reader', { parameters: 'application_name=forgotten' }))
    expect(status).toBe('active')
    const its = `where datasource_id = '${bareUuid(id)}'`
    const removed = await asWeb(`
      insert into credentials (org_id, datasource_id, version, state, key_id, signer_id, created_at)
      select org_id, datasource_id, n, 'retired', key_id, signer_id, created_at from credentials, generate_series(2, 1000) n ${its};
      update datasources set deleted_at = now() - interval '31 days' where ${row(id)}`)
    expect(removed).not.toBe(DENIED)
    const left = () => asOwner(`select version from credentials ${its} limit 1`)
    while ((await left()).length > 0)
      await purgeDatasource(tiers.db, new Date(Date.now() - RETENTION.removedMs), SMALLEST_BATCH)
    await asWeb(`update datasources set deleted_at = null where ${row(id)}`)
    expect(await asOwner(`select verdict_version, verdict_signature from datasources where ${row(id)}`)).toEqual([
      { verdict_version: null, verdict_signature: null },
    ])
  })

  it('reinserts a replaced credential under its own version, after its row was deleted, and it is not tried', async () => {
    const string = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })
    const { id } = await register(client, string('first'))
    const its = `datasource_id = '${bareUuid(id)}'`
    const [old] = await asOwner(`
      select key_id, encode(sealed, 'hex') as sealed, signer_id, encode(signature, 'hex') as signature from credentials where ${its}`)
    const putBack = (state: string) =>
      asWeb(`
        insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, created_at)
        values ('${tiers.organization.id}', '${bareUuid(id)}', 1, '${state}', '${old?.['key_id']}', '\\x${old?.['sealed']}',
          '${old?.['signer_id']}', '\\x${old?.['signature']}', now())`)
    const rotated = await client.datasources.rotate.mutate({ id, connectionString: string('second'), waitSeconds: 30 })
    expect(rotated.credentialVersion).toBe(2)
    // While the row of the retired version exists, its number is taken.
    expect(await putBack('pending')).toBe('23505')
    await stampRetired(tiers.db, new Date(), SMALLEST_BATCH)
    await purgeCredentials(tiers.db, new Date(Date.now() + 60_000), SMALLEST_BATCH)
    expect(await asOwner(`select version from credentials where ${its}`)).toEqual([{ version: 2 }])

    expect(await putBack('pending')).toEqual([])
    expect(await client.datasources.verify.mutate({ id, waitSeconds: 30 })).toMatchObject({ credentialVersion: 2 })
    const tried = `select distinct version from verifications where ${its} and at > now() - interval '1 minute' order by 1`
    expect(await asOwner(`select version from credentials where ${its} and state = 'current'`)).toEqual([
      { version: 2 },
    ])
    await asWeb(
      `select retire_credentials('${tiers.organization.id}', '${bareUuid(id)}', array['pending', 'current'], null)`,
    )
    await asOwner(`delete from credentials where ${its} and version = 1`)
    const before = await asOwner(tried)
    expect(await putBack('current')).toEqual([])
    expect(await leased(id)).toBe('conflict')
    expect(await leasesOf(id)).toEqual([])
    expect(await asOwner(tried)).toEqual(before)
  })

  it('forges a lease task with its keyring, for a live datasource under a test token, and gets nothing', async () => {
    const { publicKey } = await holderKey()
    for (const [name, fault] of [
      [live, 'capability_scope_denied'],
      [live.replace('ds_', 'ds_test_'), 'entity_not_found'],
    ]) {
      const payload = { token, publicKey, ttlSeconds: 60, datasourceId: name, notAfter: Date.now() + 600_000 }
      expect(await forged(bareUuid(live), { ...payload, requestId: null, address: null })).toEqual({ fault })
    }
    expect(await leasesOf(live)).toEqual([])
  })
})

/** Seals a task as the web tier does, writes it under the web's role, and returns its outcome. */
async function forged(datasourceId: string, payload: object): Promise<unknown> {
  const organizationId = tiers.organization.id
  const sealer = await createSealer(await readWebKeyring(join(tiers.dir, 'web.json')))
  const key = await organizations.currentKey(tiers.db, organizationId)
  const to = key === undefined ? null : sealer.verifyKey(key)
  if (to === null) throw new Error('the organization has no key')
  const taskId = newId()
  const bytes = packBox(sealer.sealTask(to, { organizationId, taskId }, payload)).toString('hex')
  await asWeb(`
    insert into tasks (org_id, id, kind, datasource_id, standing, payload, due_at, created_at, expires_at)
    values ('${organizationId}', '${taskId}', 'lease', '${datasourceId}', false, '\\x${bytes}', now(), now(), now() + interval '1 hour')`)
  return vi.waitFor(async () => {
    const [task] = await asOwner(`select outcome from tasks where id = '${taskId}' and outcome is not null`)
    if (task === undefined) throw new Error('the worker has not answered yet')
    return task['outcome']
  }, 30_000)
}

describe('The owner of the tables, or a web role before its grants are narrowed,', () => {
  it('sets status active on a rejected superuser and requests a lease: the required check rejects it again', async () => {
    await asOwner(`update datasources set status = 'active', status_reason = null where ${row(rejected)}`)
    expect(await leased(rejected)).toBe('conflict')
    expect(await leasesOf(rejected)).toEqual([])
    expect(await client.datasources.get.query({ id: rejected })).toMatchObject({ status: 'rejected' })
  })

  it('copies the verdict of another datasource with no expiry, and the copy is invalid here', async () => {
    await asOwner(
      `update datasources d set status = 'active', (${VERDICT}) = (select ${VERDICT} from datasources where ${row(good)})
       where ${row(rejected)}`,
    )
    expect(await leased(rejected)).toBe('conflict')
    expect(await leasesOf(rejected)).toEqual([])
  })

  it('moves a live datasource to test and requests a lease with a test token: no check signs a verdict there', async () => {
    const verdict = `select encode(verdict_signature, 'hex') as signature from datasources where ${row(live)}`
    const before = await asOwner(verdict)
    await asOwner(`update datasources set mode = 'test' where ${row(live)}`)
    const moved: DatasourceId = `ds_test_${live.slice('ds_'.length)}`
    expect(await leased(moved)).toBe('conflict')
    expect(await client.datasources.verify.mutate({ id: moved, waitSeconds: 30 })).toMatchObject({
      statusReason: 'credential_unreadable',
    })
    expect(await leased(moved)).toBe('conflict')
    expect(await leasesOf(live)).toEqual([])
    expect(await asOwner(verdict)).toEqual(before)
  })
})
