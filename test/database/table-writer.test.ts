/**
 * An attacker who can write every table of a running Mooring: their edits are refused, and nothing is dialled, sealed
 * or revealed.
 */
import sodium from 'libsodium-wrappers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { organizationKeyText } from '#server/seal/sealer.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { startTrap, type Trap } from '#test/support/dials/trap.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

let mooring: Mooring
let customer: Customer
let trap: Trap
let id: DatasourceId
let uuid: string
// The clock advances before each case, so that the web tier's cache holds no key of the previous one.
let aheadMs = 0
const clock = () => {
  aheadMs += 1_000
  return new Date(Date.now() + aheadMs)
}
beforeAll(async () => {
  await sodium.ready
  trap = await startTrap()
  customer = await makeCustomer()
  mooring = await startMooring({ clock })
})
afterAll(async () => {
  await mooring.stop()
  await Promise.all([customer.drop(), trap.close()])
})

const sql = (text: string) => query(mooring.databaseUrl, text)

beforeEach(async () => {
  const made = await mooring.client().datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
  expect(made).toMatchObject({ status: 'active', statusReason: null })
  id = made.id
  uuid = bareUuid(id)
})
afterEach(() => {
  expect(trap.connections()).toBe(0)
})

/** Requests a check, and returns a caller's view of its result. */
async function checked() {
  const { status, statusReason, checks } = await mooring.client().datasources.verify.mutate({ id, waitSeconds: 20 })
  return { status, statusReason, checks }
}

/** Gives an organization a new key by the operator's command, and returns the ids of the old and the new one. */
async function rekeyed(org: string): Promise<{ old: string; fresh: string }> {
  const { db, databaseUrl, config } = mooring
  const run = operator({ db, databaseUrl, keyringDir: config.keyring, now: clock })
  expect((await run('keyring', 'rotate-org', org)).complained).toContain('A new key is in use.')
  const [old, fresh, ...further] = await sql(
    `select id from organization_keys where org_id = '${org}' order by retired_at nulls last`,
  )
  expect(further).toEqual([])
  return { old: String(old?.['id']), fresh: String(fresh?.['id']) }
}

/** An active datasource stays active and shows the reason: an edit is no verdict on the customer's database. */
const REFUSED = { status: 'active', statusReason: 'credential_unreadable', checks: [] }

/** A neighbour in the same organization, and its UUID. */
async function neighbour(url = customer.url('reader', { parameters: 'application_name=neighbour' })): Promise<string> {
  const made = await mooring.client().datasources.register.mutate({ connectionString: url, waitSeconds: 20 })
  expect(made.status).toBe('active')
  return bareUuid(made.id)
}

const moved = (from: string, columns: string) => `
  update credentials c set (${columns}) = (select ${columns} from credentials o where o.datasource_id = '${from}')
  where c.datasource_id = '${uuid}'`

const flip = (column: string) =>
  `update credentials set ${column} = set_byte(${column}, 40, get_byte(${column}, 40) # 1) where datasource_id = '${uuid}'`

describe('An UPDATE of a credential', () => {
  it.each([
    ['a bit of the box', () => flip('sealed')],
    ['a bit of the signature', () => flip('signature')],
    [
      'a truncated box',
      () => `update credentials set sealed = substr(sealed, 1, length(sealed) - 1) where datasource_id = '${uuid}'`,
    ],
    ['another signer', () => `update credentials set signer_id = 'web-0badf00d' where datasource_id = '${uuid}'`],
    ['a newer version', () => `update credentials set version = version + 1 where datasource_id = '${uuid}'`],
    ["the neighbour's box", async () => moved(await neighbour(), 'sealed')],
    [
      "the neighbour's box, signature and all",
      async () => moved(await neighbour(), 'sealed, signature, signer_id, key_id'),
    ],
    ['the display column of the host', () => `update datasources set host = '127.0.0.2' where id = '${uuid}'`],
    ['the display column of the port', () => `update datasources set port = ${trap.port} where id = '${uuid}'`],
    ['the display column of the database', () => `update datasources set database = 'another' where id = '${uuid}'`],
  ])('to %s is refused like any other', async (_what, statement) => {
    await sql(await statement())
    expect(await checked()).toEqual(REFUSED)
  })

  it("to an older version's bytes is refused", async () => {
    await sql(`create table if not exists kept as select * from credentials where false`)
    await sql(`insert into kept select * from credentials where datasource_id = '${uuid}'`)
    const rotated = customer.url('reader', { parameters: 'application_name=second' })
    const made = await mooring.client().datasources.rotate.mutate({ id, connectionString: rotated, waitSeconds: 20 })
    expect(made).toMatchObject({ status: 'active', credentialVersion: 2 })
    await sql(`update credentials c set (sealed, signature, signer_id, key_id) = (k.sealed, k.signature, k.signer_id, k.key_id)
      from kept k where k.datasource_id = c.datasource_id and c.version = 2 and c.datasource_id = '${uuid}'`)
    expect(await checked()).toEqual(REFUSED)
    await sql('drop table kept')
  })

  it('to a box forged with the public key alone is refused, and causes no dial', async () => {
    const [row] =
      await sql(`select k.public_key, c.org_id, c.version from credentials c join organization_keys k on k.id = c.key_id
      where c.datasource_id = '${uuid}'`)
    const target = { host: '127.0.0.1', port: trap.port, database: 'x', user: 'u', password: 'p', tlsMode: 'disable' }
    const rest = {
      channelBinding: 'prefer',
      sslNegotiation: 'postgres',
      applicationName: null,
      connectTimeoutSeconds: null,
    }
    const secret = { kind: 'direct', caCertificate: null, target: { ...target, ...rest, neonEndpoint: null } }
    const context = { organizationId: row?.['org_id'], datasourceId: uuid, version: row?.['version'] }
    const content = JSON.stringify({ v: 1, purpose: 'credential', ...context, secret })
    const box = Buffer.from(sodium.crypto_box_seal(content, row?.['public_key'] as Buffer)).toString('hex')
    const signature = Buffer.from(sodium.crypto_sign_detached(content, sodium.crypto_sign_keypair().privateKey))
    for (const by of ['signature', `'\\x${signature.toString('hex')}'`]) {
      await sql(`update credentials set sealed = '\\x${box}', signature = ${by} where datasource_id = '${uuid}'`)
      expect(await checked()).toEqual(REFUSED)
    }
  })

  it('to another key of the same organization is refused', async () => {
    const { id: org, testKey } = await mooring.newOrganization('Two keys')
    const client = mooring.client(testKey)
    const made = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    const { old, fresh } = await rekeyed(org)
    const verify = () => client.datasources.verify.mutate({ id: made.id, waitSeconds: 20 })
    expect(await verify()).toMatchObject({ status: 'active', statusReason: null })
    const edited = `where datasource_id = '${bareUuid(made.id)}' and key_id = '${fresh}' returning key_id`
    expect(await sql(`update credentials set key_id = '${old}' ${edited}`)).toEqual([{ key_id: old }])
    expect(await verify()).toMatchObject(REFUSED)
  })

  it("to another organization's whole row is refused", async () => {
    const other = await mooring.newOrganization('Other')
    const theirs = await mooring
      .client(other.testKey)
      .datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    await sql(`insert into organization_keys select '${mooring.organization.id}', id, public_key, secret, master_key_id, signer_id,
      signature, created_at, now() from organization_keys where org_id = '${other.id}'`)
    await sql(moved(bareUuid(theirs.id), 'sealed, signature, signer_id, key_id'))
    expect(await checked()).toEqual(REFUSED)
  })
})

describe("An UPDATE of an organization's key", () => {
  /** An organization of its own, whose keys a case may spoil, with a credential. */
  async function spoiled(statement: (org: string, keyId: string) => string | Promise<string>) {
    const { id: org, testKey } = await mooring.newOrganization('Spoiled')
    const client = mooring.client(testKey)
    const made = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    const [key] = await sql(`select id from organization_keys where org_id = '${org}'`)
    await sql(await statement(org, String(key?.['id'])))
    // The web tier reads a key's row again after 30 s; its clock has passed that by then.
    for (let count = 0; count < 40; count += 1) await client.datasources.get.query({ id: made.id })
    const rows = await sql(`select count(*)::int as n from datasources where org_id = '${org}'`)
    const registered = await mooring.call('POST', '/v1/datasources', {
      key: testKey,
      body: { connectionString: customer.url() },
    })
    const sealing = await mooring.call('GET', '/v1/sealing_key', { key: testKey })
    const verified = await client.datasources.verify.mutate({ id: made.id, waitSeconds: 20 })
    const after = await sql(`select count(*)::int as n from datasources where org_id = '${org}'`)
    const isLeft = Number(after[0]?.['n']) > Number(rows[0]?.['n'])
    return { registered: registered.status, handed: sealing.status, isLeft, reason: verified.statusReason }
  }

  const NOTHING = { registered: 500, handed: 500, isLeft: false, reason: 'credential_unreadable' }

  it('to the attacker’s own pair: it seals, hands out and opens nothing', async () => {
    const pair = sodium.crypto_box_keypair()
    const publicKey = Buffer.from(pair.publicKey)
    const found = await spoiled((org, keyId) => {
      const text = organizationKeyText({ organizationId: org, id: keyId, publicKey, retiredAt: null })
      const signature = sodium.crypto_sign_detached(text, sodium.crypto_sign_keypair().privateKey)
      const columns = `public_key = '\\x${publicKey.toString('hex')}', signature = '\\x${Buffer.from(signature).toString('hex')}'`
      return `update organization_keys set ${columns} where org_id = '${org}'`
    })
    expect(found).toEqual(NOTHING)
  })

  it('that makes a retired key current: nothing is sealed to it', async () => {
    const found = await spoiled(async org => {
      const { old, fresh } = await rekeyed(org)
      // Each row has the other's column and keeps its own signature.
      return `
        update organization_keys set retired_at = (select retired_at from organization_keys where id = '${old}')
          where id = '${fresh}';
        update organization_keys set retired_at = null where id = '${old}'`
    })
    expect(found).toEqual(NOTHING)
  })

  it('that retires it: nothing is sealed to it, either', async () => {
    const found = await spoiled(org => `update organization_keys set retired_at = now() where org_id = '${org}'`)
    expect(found).toEqual(NOTHING)
  })

  it('of its wrapped secret: nothing is opened', async () => {
    const found = await spoiled(
      org =>
        `update organization_keys set secret = set_byte(secret, 60, get_byte(secret, 60) # 1) where org_id = '${org}'`,
    )
    expect(found.reason).toBe('credential_unreadable')
  })
})

describe('An UPDATE of an API key', () => {
  it.each([
    ['scopes', `scopes = array_append(scopes, 'datasources.lease')`],
    ['mode', `mode = 'live'`],
    ['expiry', `expires_at = now() + interval '1 year'`],
  ])('that edits its %s invalidates it', async (_what, set) => {
    const { key = '' } = await mooring
      .client()
      .organization.createKey.mutate({ mode: 'test', scopes: ['datasources.read'] })
    expect((await mooring.call('GET', '/v1/datasources', { key })).status).toBe(200)
    await sql(`update api_keys set ${set} where last4 = '${key.slice(-4)}'`)
    expect(await mooring.call('GET', '/v1/datasources', { key })).toMatchObject({
      status: 401,
      body: { code: 'apikey_invalid' },
    })
  })
})
