/** The life of keys: a new key comes first, everything stays in service, and the old one goes when nothing needs it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealConnectionString } from '#client/index.ts'
import { withDatasource } from '#client/node.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import { parseWorkerKeyring } from '#server/seal/keyring.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

const MINUTE_MS = 60_000

let aheadMs = 0
let mooring: Mooring
let customer: Customer
let run: ReturnType<typeof operator>
beforeEach(async () => {
  aheadMs = 0
  const now = () => new Date(Date.now() + aheadMs)
  mooring = await startMooring({ clock: now })
  customer = await makeCustomer()
  const { db, databaseUrl } = mooring
  run = operator({ db, databaseUrl, keyringDir: mooring.config.keyring, now })
})
afterEach(async () => {
  await mooring.stop()
  await customer.drop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const parameters = (name: string) => ({ parameters: `application_name=${name}` })

async function registered(name = 'first'): Promise<DatasourceId> {
  const connectionString = customer.url('reader', parameters(name))
  const made = await mooring.client().datasources.register.mutate({ connectionString, waitSeconds: 20 })
  expect(made.status).toBe('active')
  return made.id
}

const verified = (id: DatasourceId) => mooring.client().datasources.verify.mutate({ id, waitSeconds: 20 })
const keys = () =>
  sql(
    'select id, retired_at, secret is null as destroyed, master_key_id, signer_id from organization_keys order by created_at',
  )
const ringOf = async (name: 'web' | 'worker') =>
  JSON.parse(await readFile(join(mooring.config.keyring, `${name}.json`), 'utf8'))

/** Resolves once the credential's columns satisfy the condition. */
async function become(uuid: string, condition: string): Promise<void> {
  await onNotification(mooring.databaseUrl, async client => {
    const { rowCount } = await client.query(
      `select 1 from credentials where datasource_id = '${uuid}' and sealed is not null and ${condition}`,
    )
    return rowCount === 1 ? true : undefined
  })
}

describe('A new key for an organization', () => {
  it('takes over: everything of every kind and state is sealed to it again, and works as before', async () => {
    const [id, rotating] = [await registered(), await registered('second')]
    const endpoint = await mooring
      .client()
      .datasources.register.mutate({ endpoint: 'https://127.0.0.1:1/x', signingKey: 'a-signing-key' })
    const away = customer.url('reader', { port: 1, ...parameters('away') })
    await mooring
      .client()
      .datasources.rotate.mutate({ id: rotating, connectionString: away, allowMove: true, waitSeconds: 20 })
    const before = await sql('select datasource_id, version, state, fingerprint, sealed from credentials order by 1, 2')
    const [old] = await keys()
    const ran = await run('keyring', 'rotate-org', mooring.organization.id)
    expect(ran.complained).toContain('A new key is in use.')
    expect(ran.shown).toMatch(/4\/4 credentials \(100 %\)/)
    const [, fresh] = await keys()
    const after = await sql('select datasource_id, version, state, fingerprint, sealed from credentials order by 1, 2')
    expect(await sql('select distinct key_id from credentials')).toEqual([{ key_id: fresh?.['id'] }])
    expect(after.map(({ sealed: _, ...row }) => row)).toEqual(before.map(({ sealed: _, ...row }) => row))
    expect(after.map(row => String(row['sealed']))).not.toEqual(before.map(row => String(row['sealed'])))
    expect(await verified(id)).toMatchObject({ status: 'active', statusReason: null })
    expect(endpoint.id).toMatch(/^dse_/)
    expect(await keys()).toMatchObject([{ id: old?.['id'], destroyed: false }, { retired_at: null }])
    expect((await mooring.client().organization.sealingKey.query()).keyId).toBe(old?.['id'])
    aheadMs += MINUTE_MS
    expect((await mooring.client().organization.sealingKey.query()).keyId).toBe(fresh?.['id'])
  })

  it('leaves the old one valid for the web tier’s and callers’ copies, and destroys it when nothing needs it', async () => {
    const id = await registered()
    const key = await mooring.client().organization.sealingKey.query()
    await run('keyring', 'rotate-org', mooring.organization.id)
    // The web tier caches the old key for 30 s: a box that it seals now is resealed a moment later.
    const late = await registered('late')
    const [, fresh] = await keys()
    const box = await sealConnectionString(customer.url('reader', parameters('sealed')), key)
    aheadMs += 2 * MINUTE_MS
    const sealedToOld = await mooring.client().datasources.register.mutate({ ...box, waitSeconds: 20 })
    expect(sealedToOld.status).toBe('active')
    for (const one of [id, late, sealedToOld.id]) await become(bareUuid(one), `key_id = '${String(fresh?.['id'])}'`)
    expect(await keys()).toMatchObject([{ destroyed: false }, { destroyed: false }])

    aheadMs += 10 * MINUTE_MS
    const refused = await mooring.call('POST', '/trpc/datasources.register', { body: box })
    expect(refused).toMatchObject({ status: 400, body: { error: { data: { issues: [{ path: ['keyId'] }] } } } })

    aheadMs += 20 * MINUTE_MS
    await onNotification(mooring.databaseUrl, async client => {
      const { rowCount } = await client.query(
        'select 1 from organization_keys where secret is null and destroyed_at is not null',
      )
      return rowCount === 1 ? true : undefined
    })
    expect(await keys()).toMatchObject([{ destroyed: true }, { destroyed: false, retired_at: null }])
    expect(await sql(`select outcome from audit_events where action = 'sealing_key.destroyed'`)).toHaveLength(1)
    expect(await sql(`select id from tasks where kind = 'reseal'`)).toEqual([])
    for (const one of [id, late, sealedToOld.id])
      expect(await verified(one)).toMatchObject({ status: 'active', statusReason: null })
  })

  it('is not made again during a rotation, and stays while an unreadable credential names it', async () => {
    const [id, broken] = [await registered(), await registered('broken')]
    await sql(
      `update credentials set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where datasource_id = '${bareUuid(broken)}'`,
    )
    const watching = run('keyring', 'rotate-org', mooring.organization.id)
    const [, fresh] = await onKeys(2)
    await become(bareUuid(id), `key_id = '${String(fresh?.['id'])}'`)
    const again = run('keyring', 'rotate-org', mooring.organization.id)
    aheadMs += 30 * MINUTE_MS
    expect(await verified(id)).toMatchObject({ status: 'active', statusReason: null })
    expect(await keys()).toMatchObject([{ destroyed: false }, { retired_at: null }])
    await mooring.client().datasources.remove.mutate({ id: broken })
    expect((await watching).status).toBe(0)
    expect((await again).complained).toContain('A rotation is in progress')
    expect(await keys()).toHaveLength(2)
  })
})

/** The organization's keys, once it has this many. */
function onKeys(count: number) {
  return onNotification(mooring.databaseUrl, async () => {
    const found = await keys()
    return found.length === count ? found : undefined
  })
}

/** Announce, reload, use, reload: as an operator does it. */
async function rotated(kind: string): Promise<void> {
  expect((await run('keyring', `rotate-${kind}`)).complained).toContain('Announced.')
  await mooring.reloadKeyrings()
  expect((await run('keyring', `rotate-${kind}`)).complained).toContain('In use.')
  await mooring.reloadKeyrings()
}

describe('A new master key', () => {
  it('is announced, then wraps every organization key, and the old one is dropped when nothing needs it', async () => {
    const id = await registered()
    await mooring.newOrganization('Second')
    const [{ master_key_id: old } = {}] = await keys()
    expect((await run('keyring', 'rotate-master')).complained).toContain('Announced.')
    expect((await keys()).map(key => key['master_key_id'])).toEqual([old, old])
    expect(await verified(id)).toMatchObject({ statusReason: null })
    await mooring.reloadKeyrings()
    const used = await run('keyring', 'rotate-master')
    expect(used.shown).toMatch(/2\/2 organization keys/)
    const masters = new Set((await keys()).map(key => key['master_key_id']))
    expect(masters.size).toBe(1)
    expect(masters.has(old)).toBe(false)
    expect(await verified(id)).toMatchObject({ statusReason: null })
    expect((await run('keyring', 'retire')).printed).toEqual([])
    aheadMs += 16 * MINUTE_MS
    expect((await run('keyring', 'retire')).printed).toEqual([old])
    await mooring.reloadKeyrings()
    for (const name of ['web', 'worker'] as const) expect((await ringOf(name)).master).toHaveLength(1)
    expect(await verified(id)).toMatchObject({ statusReason: null })
  })

  it('resumes a rotation that was killed after it came into use', async () => {
    await registered()
    await rotated('master')
    const [{ id, master_key_id: master } = {}] = await keys()
    // The state when the command dies between the file and the last row.
    const before = await sql(`select secret from organization_keys where id = '${String(id)}'`)
    await run('keyring', 'rotate-master')
    await mooring.reloadKeyrings()
    await run('keyring', 'rotate-master')
    await sql(
      `update organization_keys set master_key_id = '${String(master)}', secret = '\\x${Buffer.from((before[0]?.['secret'] ?? []) as Uint8Array).toString('hex')}'`,
    )
    const again = await run('keyring', 'rotate-master')
    expect(again.complained).toBe('')
    expect(again.shown).toMatch(/1\/1 organization keys/)
    expect((await ringOf('worker')).master).toHaveLength(3)
  })
})

describe('New signing keys', () => {
  it('sign new rows, then all rows including leases; then the old ones go', async () => {
    const id = await registered()
    const lease = await leaseCapability(mooring, { now: new Date(Date.now()) })
    await rotated('signing')
    const [, second] = [id, await registered('second')]
    const signers = async () => (await sql('select distinct signer_id from credentials order by 1')).length
    expect(await signers()).toBe(2)
    aheadMs += 16 * MINUTE_MS
    // Credentials are under the web's old key, and verdicts under the worker's: neither goes yet.
    expect((await run('keyring', 'retire')).printed).toHaveLength(0)
    expect((await run('keyring', 'reseal')).shown).toMatch(/\(100 %\)/)
    expect((await run('keyring', 'retire')).printed).toHaveLength(2)
    await mooring.reloadKeyrings()
    for (const name of ['web', 'worker'] as const) {
      const ring = await ringOf(name)
      expect([ring.signing.length, ring.verify.length]).toEqual([1, 1])
    }
    for (const one of [id, second]) expect(await verified(one)).toMatchObject({ status: 'active', statusReason: null })
    const { publicKey } = await holderKey()
    expect(await mooring.client(lease).datasources.lease.mutate({ id, publicKey })).toHaveProperty('sealed')
  })
})

describe('A new lease key', () => {
  it('signs beside the old one as soon as it is announced, and the old one goes on the operator’s command', async () => {
    const id = await registered()
    const token = await leaseCapability(mooring, { now: new Date(Date.now()) })
    const displayed = async () => [...(await run('lease-key', 'show')).printed]
    const query = async (...verifyKeys: string[]) => {
      const asked = withDatasource(mooring.client(token), { id, verifyKeys }, pool => pool.query('select 1 as one'))
      return asked.then(
        ({ rows }) => rows,
        (error: Error) => error.message,
      )
    }
    const [old = ''] = await displayed()
    expect((await run('keyring', 'rotate-lease')).complained).toContain('give the keys that `lease-key show` prints')
    const [fresh = '', ...rest] = await displayed()
    expect(rest).toEqual([old])
    expect(await query(fresh)).toMatch(/not signed with any of verifyKeys/)
    await mooring.reloadKeyrings()
    for (const key of [old, fresh]) expect(await query(key)).toEqual([{ one: 1 }])
    expect((await run('keyring', 'rotate-lease')).complained).toContain('In use.')
    await mooring.reloadKeyrings()
    for (const key of [old, fresh]) expect(await query(key)).toEqual([{ one: 1 }])
    expect((await run('keyring', 'retire')).printed).toEqual([])
    aheadMs += 16 * MINUTE_MS
    expect((await run('keyring', 'retire')).printed).toEqual([expect.stringMatching(/^lease-/)])
    expect(await displayed()).toEqual([fresh])
    aheadMs = 0
    await mooring.reloadKeyrings()
    expect(await query(old)).toMatch(/not signed with any of verifyKeys/)
    expect(await query(fresh)).toEqual([{ one: 1 }])
  })
})

describe('A new pepper', () => {
  it('applies to new keys; the old one stays as long as a key made with it is valid', async () => {
    await rotated('pepper')
    const made = await mooring.client().organization.createKey.mutate({ mode: 'test' })
    const status = async (key: string) => (await mooring.call('GET', '/v1/datasources', { key })).status
    expect([await status(mooring.organization.testKey), await status(made.key ?? '')]).toEqual([200, 200])
    aheadMs += 16 * MINUTE_MS
    expect((await run('keyring', 'retire')).printed).toEqual([])
    await sql(
      `update api_keys set revoked_at = now() where pepper_id <> (select pepper_id from api_keys order by id desc limit 1)`,
    )
    expect((await run('keyring', 'retire')).printed).toHaveLength(1)
    await mooring.reloadKeyrings()
    expect([await status(mooring.organization.testKey), await status(made.key ?? '')]).toEqual([401, 200])
  })
})

describe('A new key for fingerprints', () => {
  it('recognises a registered credential before and after all fingerprints are recomputed', async () => {
    const body = { connectionString: customer.url() }
    // Only the worker makes fingerprints: the answer waits until it has settled the credential.
    const register = () => mooring.call('POST', '/v1/datasources', { body, headers: { prefer: 'wait=20' } })
    const first = await register()
    await become(bareUuid(first.body.id), 'true')
    await rotated('fingerprint')
    expect(await register()).toMatchObject({ status: 200, body: { credential_version: 1 } })
    await run('keyring', 'reseal')
    const again = await register()
    expect(again).toMatchObject({ status: 200, body: { credential_version: 1 } })
    expect(again.body.credential_fingerprint).not.toBe(first.body.credential_fingerprint)
    aheadMs += 16 * MINUTE_MS
    expect((await run('keyring', 'retire')).printed).toHaveLength(1)
    await mooring.reloadKeyrings()
    expect(await register()).toMatchObject({ status: 200, body: { credential_version: 1 } })
  })
})

describe('A removed organization', () => {
  it('is shredded: none of its keys is valid, none of its boxes opens, and its record stays', async () => {
    const other = await mooring.newOrganization('Gone')
    const client = mooring.client(other.testKey)
    const made = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    const [key] = await sql(`select id from organization_keys where org_id = '${other.id}'`)
    const held = await sealed.datasource(mooring.db, other.id, bareUuid(made.id))
    await expect(run('org', 'remove', other.id)).rejects.toThrow(/cannot be undone/)
    await expect(run('org', 'remove', '')).rejects.toThrow(/Name the organization/)
    expect((await client.datasources.get.query({ id: made.id })).status).toBe('active')
    expect((await run('org', 'remove', other.id, { yes: true })).complained).toBe('removed\n')
    expect((await mooring.call('GET', '/v1/datasources', { key: other.testKey })).status).toBe(401)
    expect(await sealed.organizationKey(mooring.db, other.id, String(key?.['id']))).toBeUndefined()
    expect((await sealed.datasource(mooring.db, other.id, bareUuid(made.id)))?.current).toBeNull()
    expect(held?.current).not.toBeNull()
    expect(await sql(`select id from tasks where org_id = '${other.id}'`)).toEqual([])
    expect(
      await sql(`select action from audit_events where org_id = '${other.id}' and action = 'organization.removed'`),
    ).toHaveLength(1)
    await expect(run('org', 'remove', other.id, { yes: true })).rejects.toThrow(/There is no organization/)
    expect(await verified(await registered())).toMatchObject({ status: 'active' })
  })

  it('is unreadable in a copy of its credentials, and in an older backup once the master key was rotated; not before', async () => {
    const other = await mooring.newOrganization('Restored')
    const made = await mooring
      .client(other.testKey)
      .datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    // The backup of that day: rows and keyring.
    const credential = (await sealed.datasource(mooring.db, other.id, bareUuid(made.id)))?.current
    const key = credential?.key
    const ring = parseWorkerKeyring(await readFile(join(mooring.config.keyring, 'worker.json'), 'utf8'))
    if (!credential || !key) throw new Error('nothing to back up')
    await run('org', 'remove', other.id, { yes: true })

    // (a) The credentials alone: no key opens them.
    expect(await sealed.organizationKey(mooring.db, other.id, key.id)).toBeUndefined()
    // (c) The whole backup, before the master key was rotated: it opens. An operator who removes an organization
    // rotates as well.
    const opened = (await createUnsealer(ring)).openCredential(key, credential.context, credential.sealed)
    expect(opened.kind).toBe('direct')
    // (b) The whole backup, after it.
    await rotated('master')
    aheadMs += 16 * MINUTE_MS
    await run('keyring', 'retire')
    const now = parseWorkerKeyring(await readFile(join(mooring.config.keyring, 'worker.json'), 'utf8'))
    const unsealer = await createUnsealer(now)
    expect(() => unsealer.openCredential(key, credential.context, credential.sealed)).toThrow(SealBroken)
  })
})

describe('Progress', () => {
  it('is a bar on a terminal and lines elsewhere', async () => {
    await registered()
    const { db, databaseUrl, config } = mooring
    const onTerminal = operator({ db, databaseUrl, keyringDir: config.keyring, isTerminal: true })
    const { shown: displayed } = await onTerminal('keyring', 'rotate-org', mooring.organization.id)
    expect(displayed).toMatch(/\r\[#{30}\] 1\/1 credentials \n$/)
  })
})
